"""What is known of a tenant is put aside whole, by whoever knows which tenant it is."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

import pytest

from airflow_crm_migration.cli import reset
from airflow_crm_migration.core.errors import LeaseHeld, UserMistake
from airflow_crm_migration.core.lease import Lease, LeaseTimes


@pytest.fixture
def call(case: Any) -> Any:
    kept = {"format": 1, "id": "w-1", "name": "ACME"}
    case.staging.write_json("tenant/sandbox.json", kept)
    case.staging.write_bytes("ledger/sandbox/person/00000001-00000001.intent.jsonl.gz", b"x")

    def called(tenant: str = "w-1", *, yes: bool = True, environment: str = "sandbox") -> int:
        return reset.run(
            Namespace(engagement=str(case.file), environment=environment, tenant=tenant, yes=yes)
        )

    return called


def test_it_says_what_it_did(case: Any, call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 0
    shown = capsys.readouterr().out
    assert "sandbox: ledger, watermarks and tenant moved: 2 objects" in shown
    [archive] = {name.split("/ledger")[0] for name in case.staging.names("archive/sandbox")[:1]}
    assert f"/acme/{archive}\n" in shown
    assert case.staging.names("ledger") == case.staging.names("tenant") == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [("w-2", r"--tenant w-2: .* written to w-1 \(ACME\)"), ("", "written to w-1")],
)
def test_another_id_changes_nothing(case: Any, call: Any, typed: str, told: str) -> None:
    before = case.staging.names("")
    with pytest.raises(UserMistake, match=told):
        call(typed)
    assert case.staging.names("") == before


def test_nothing_is_reset_while_somebody_writes(case: Any, call: Any) -> None:
    with Lease(case.staging, "lease/sandbox", "load person", times=LeaseTimes(0.02, 3600)):
        with pytest.raises(LeaseHeld, match="load person"):
            call()
        assert len(case.staging.names("ledger")) == 1


def test_whoever_says_no_is_heard(
    case: Any, call: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reset, "confirm", lambda question, *, yes: yes)
    assert call(yes=False) == 1
    assert "nothing reset" in capsys.readouterr().out
    assert len(case.staging.names("ledger")) == 1


def test_an_environment_without_a_connection_is_told(call: Any) -> None:
    with pytest.raises(UserMistake, match="connections has no production"):
        call(environment="production")
