"""Faults while the DAG runs: Airflow's retries end what a task began, and only what they can."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
import requests

from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.emulators.messy import generate
from demo.customer import Customer
from demo.engagement import engagement
from tests.dags.conftest import crms, drop, engaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.emulators import Emulators
    from tests.support.dags import Ended, Engaged

pytestmark = [pytest.mark.faults, pytest.mark.migration]

CONTACTS = 100
RESULT = r"ledger/sandbox/company/.*\.result\."
STORM = {"kind": "5xx", "method": "POST", "path": "/rest/batch/people", "times": 6}
"""Longer than a batch is sent again."""
REVOKED = {"kind": "401", "path": "^/", "times": 10**6}


class WorkerLost(BaseException):
    """The process of a task ends in the middle of it."""


@contextmanager
def lost_worker(pattern: str) -> Iterator[list[str]]:
    """Lose the worker, once, when it is about to write an object; give the names of such."""
    write = Staging.write_bytes
    lost: list[str] = []

    def until_lost(self: Staging, name: str, content: bytes, **more: Any) -> None:
        if re.search(pattern, name) and not lost:
            lost.append(name)
            raise WorkerLost
        write(self, name, content, **more)

    with patch.object(Staging, "write_bytes", until_lost):
        yield lost


@dataclass(frozen=True)
class Disturbed:
    """An engagement, its CRMs, and how its first run ended although things happened to it."""

    case: Engaged
    crms: Emulators
    ended: Ended

    def fault(self, method: str, rules: Any = None) -> Any:
        url = f"{self.crms.twenty}/_emulator/faults"
        return requests.request(method, url, json=rules, timeout=30).json()

    def run(self) -> Ended:
        with Customer(self.case.file, self.crms, lambda line: None, pause=0.05):
            return self.case.run(mode="full", environment="sandbox")


@pytest.fixture(scope="module")
def disturbed(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Iterator[Disturbed]:
    folder = tmp_path_factory.mktemp("disturbed")
    retries = {"default_args": {"retries": 2, "retry_delay": 0}}
    with crms(generate(1, CONTACTS)) as running:
        url = f"file://{folder}/staging"
        content = engagement(url, running, poll_seconds=0.1, id="disturbed", dag=retries)
        case = engaged(folder, content)
        drop(running.world, folder / "export", case.staging)
        before = Disturbed(case, running, None)
        before.fault("POST", [STORM])
        with lost_worker(RESULT) as lost:
            ended = before.run()
        assert len(lost) == 1
        assert not before.fault("GET")["rules"], "the storm never came"
        yield Disturbed(case, running, ended)


def tries(ended: Ended) -> dict[str, int]:
    return {ti.task_id: ti.try_number for ti in ended.run.get_task_instances()}


def test_retries_end_what_a_lost_worker_and_a_storm_cut_off(disturbed: Disturbed) -> None:
    ended = disturbed.ended
    assert ended.state == "success", ended.log.errors()
    assert {name for name, number in tries(ended).items() if number > 1} == {
        "sandbox.company.load",
        "sandbox.person.load",
    }
    log = "\n".join(ended.log.lines)
    assert "load company: settled" in log
    assert "load person: settled" in log


def test_everything_balances_after_that(disturbed: Disturbed) -> None:
    staging = disturbed.case.staging
    [run] = {name.split("/")[1] for name in staging.names("reports")}
    results = [staging.read_json(name) for name in staging.names(f"{run}/reconcile")]
    assert len(results) >= 5
    for result in results:
        assert result["reconciled"], result
        assert all(line["balanced"] for line in result["lines"])
        assert (result["missing"], result["extra"]) == ([], [])
    with Ledger(staging, LedgerPlace.of("sandbox")) as ledger:
        phases = [result["phase"] for result in results]
        assert [row for phase in phases for row in ledger.snapshot.open_intents(phase)] == []


def test_a_revoked_credential_fails_at_once_and_what_is_done_stays_done(
    disturbed: Disturbed,
) -> None:
    content = requests.get(f"{disturbed.crms.twenty}/_emulator/content", timeout=60).json()
    disturbed.fault("POST", [REVOKED])
    ended = disturbed.run()
    assert ended.state == "failed"
    assert {tries(ended)[name] for name in ended.failed} == {1}
    [line] = {line for line in ended.log.errors() if "Token invalid" in line}
    assert line.startswith("connection 'twenty_demo': Token invalid. check the key in it")
    disturbed.fault("DELETE")
    ended = disturbed.run()
    assert ended.state == "success", ended.log.errors()
    again = requests.get(f"{disturbed.crms.twenty}/_emulator/content", timeout=60).json()
    assert {name: len(rows) for name, rows in again.items()} == {
        name: len(rows) for name, rows in content.items()
    }
