"""A lease is let go of after showing whose it is, and never while its holder lives."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest

from airflow_crm_migration.cli import release
from airflow_crm_migration.core.errors import LeaseHeld, LeaseLost, UserMistake
from airflow_crm_migration.core.lease import Lease, LeaseTimes, newest_lease

FOLDER = "lease/sandbox"
DEAD = LeaseTimes(beat=3600, lease=0.2)
ALIVE = LeaseTimes(beat=0.02, lease=3600)
STUBBORN = LeaseTimes(beat=0.02, lease=0.2)


@pytest.fixture
def call(case: Any) -> Any:
    def called(*, yes: bool = True, force: bool = False, environment: str = "sandbox") -> int:
        return release.run(
            Namespace(engagement=str(case.file), environment=environment, force=force, yes=yes)
        )

    return called


def held(case: Any, times: LeaseTimes) -> Lease:
    return Lease(case.staging, FOLDER, "load person", run="r1", times=times)


def test_a_dead_holder_is_named_and_its_lease_is_free(
    case: Any, call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    held(case, DEAD).__enter__()
    kept = case.staging.read_json(f"{FOLDER}/00000001")
    assert call() == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == (
        f"sandbox: {kept['holder']} of run r1 since {kept['since']}, last beat {kept['beaten']}"
    )
    assert shown[-1].startswith("sandbox: released")
    found = newest_lease(case.staging, FOLDER)
    assert found is not None
    assert (found.epoch, found.released) == (2, True)
    assert found.holder.startswith("release by ")


def test_one_that_beats_is_left_alone(case: Any, call: Any) -> None:
    with held(case, ALIVE) as lease:
        with pytest.raises(LeaseHeld, match="load person"):
            call()
        lease.check()


def test_unless_it_is_forced_then_it_learns_of_it(case: Any, call: Any) -> None:
    with held(case, STUBBORN) as lease:
        assert call(force=True) == 0
        with pytest.raises(LeaseLost, match="taken over by release by"):
            lease.check()


def test_whoever_says_no_is_heard(
    case: Any, call: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "confirm", lambda question, *, yes: yes)
    held(case, DEAD).__enter__()
    assert call(yes=False) == 1
    assert "nothing released" in capsys.readouterr().out
    assert len(case.staging.names(FOLDER)) == 1


def test_where_nobody_writes_there_is_nothing_to_do(
    case: Any, call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call() == 0
    with held(case, DEAD):
        pass
    assert call() == 0
    assert capsys.readouterr().out == "sandbox: nobody holds the lease\n" * 2
    assert len(case.staging.names(FOLDER)) == 1


def test_an_environment_without_a_connection_is_told(call: Any) -> None:
    with pytest.raises(UserMistake, match="connections has no production"):
        call(environment="production")
