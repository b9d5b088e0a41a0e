"""A budget of a day that runs out: the task lets go of its worker, and goes on after the reset."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.emulators.clock import Clock
from airflow_crm_migration.emulators.messy import generate
from airflow_crm_migration.hooks.base import CrmHook
from demo.customer import Customer
from demo.engagement import engagement
from tests.dags.conftest import SCALE, crms, engaged
from tests.dags.test_klipy_to_twenty import PHASES, drop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.staging import Staging
    from tests.support.dags import Ended, Log

pytestmark = pytest.mark.migration

CALLS, DAY = 20, 1.0
"""What the gateway before the destination lets through, and in how many seconds of ours."""

PATIENCE = 0.5
DEFERRED = r"connection 'twenty_demo': (.*); this task goes on at \d{4}-"


class Calendar(Clock):
    """A clock on which a day is over when somebody says so."""

    days = 0

    def now(self) -> float:
        return self._start + self.days * DAY * self.scale

    def end_days(self, log: Log) -> None:
        """End the day each time that a task is deferred until the next one."""
        seen = 0
        with suppress(AssertionError):  # the run is over
            while True:
                seen = log.wait_for(DEFERRED, after=seen)
                self.days += 1


class Spent:
    """A run whose destination refuses what is too much for a day, and what it left."""

    def __init__(self, ended: Ended, staging: Staging, url: str, slept: list[float]) -> None:
        self.ended = ended
        self.staging = staging
        self.slept = slept
        self.statuses = requests.get(f"{url}/_emulator/requests", timeout=30).json()["statuses"]

    @property
    def deferrals(self) -> list[str]:
        return [found[1] for line in self.ended.log.lines if (found := re.search(DEFERRED, line))]


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Iterator[Spent]:
    folder = tmp_path_factory.mktemp("spent")
    slept: list[float] = []
    clock = Calendar(SCALE)
    begin = CrmHook.__init__

    def begun(self: Any, *given: Any) -> None:
        begin(self, *given)
        wait = self.sleep
        self.sleep = lambda seconds: (slept.append(seconds), wait(seconds))

    with (
        pytest.MonkeyPatch.context() as patch,
        crms(
            generate(2, 100),
            clock=clock,
            gateway_limit=(CALLS, DAY * SCALE),
            long_limit=(1e6, 60.0),
            short_limit=(1e6, 1.0),
        ) as running,
    ):
        patch.setattr(CrmHook, "__init__", begun)
        patch.setattr(CrmHook, "throttle_patience", PATIENCE)
        place = {"url": f"file://{folder}/staging"}
        owners = running.owners(everybody=True)
        content = engagement(
            "", running, poll_seconds=0.1, staging=place, id="spent", owners=owners
        )
        case = engaged(folder, content)
        drop(running.world, folder / "export", case.staging)
        with Customer(case.file, running, lambda line: None, pause=0.05):
            ended = case.run(clock.end_days, mode="full", environment="sandbox")
        yield Spent(ended, case.staging, running.twenty, slept)


def test_the_run_ends_well_although_its_tasks_were_deferred(spent: Spent) -> None:
    assert spent.ended.state == "success", spent.ended.log.errors()
    assert len(spent.deferrals) >= 2


def test_every_record_has_arrived_or_its_reason(spent: Spent) -> None:
    [folder] = {name.split("/")[1] for name in spent.staging.names("reports")}
    with Ledger(spent.staging, LedgerPlace.of("sandbox")) as ledger:
        for phase in PHASES:
            result = spent.staging.read_json(f"{folder}/reconcile/{phase}.json")
            assert result["reconciled"], result
            assert result["expected"] == result["counted"] > 0
            assert all(line["balanced"] for line in result["lines"])
            assert ledger.snapshot.open_intents(phase) == []


def test_nothing_is_refused_but_the_call_that_told(spent: Spent) -> None:
    assert spent.statuses["429"] == len(spent.deferrals)


def test_nobody_slept_until_the_reset(spent: Spent) -> None:
    assert max(spent.slept, default=0.0) <= PATIENCE


def test_the_log_says_what_was_done_until_then(spent: Spent) -> None:
    assert set(spent.deferrals) == {"the calls of this day are spent"}
    cut_off = re.compile(r"info: load \w+: cut off after .+ by \d+ requests")
    assert any(cut_off.match(line) for line in spent.ended.log.lines)
