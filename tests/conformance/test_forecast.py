"""A dry run foretells what the run after it does, and what that costs, and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.forecast import Forecast, read_forecast
from airflow_crm_migration.core.staging import read_manifest
from airflow_crm_migration.emulators.klipy import write_export
from tests.conformance.test_second_run import CHOICES, reads_only, world_with_strangers
from tests.support.emulated import emulated
from tests.support.migration import CHANGES, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.emulators.messy import World
    from tests.support.emulated import Emulated

pytestmark = pytest.mark.migration

ACCURACY = 0.05
SAMPLE = 24
RUNS = ("sample", "full", "delta", "retry")


@dataclass(frozen=True)
class Loads:
    """
    What the loads of a run asked and what they said.

    :param requests: made while phases were loaded and reconciled, as the destination counts
    :param outcomes: phase -> what its load said
    """

    forecast: Forecast | None
    requests: dict[str, Any]
    outcomes: dict[str, Any]
    before: Any
    after: Any


def loads(between: Emulated, mode: str, *, dry_run: bool) -> Loads:
    """Do a whole run and look at its loads."""
    migration = between.migration
    run = migration.new_run(dry_run=dry_run)
    before = between.content()
    migration.read_source(run, CHANGES if mode in ("delta", "retry") else WHOLE)
    between.control("reset-counters", body={})
    if mode == "delta":
        migration.decide_as_signed(run)
    else:
        migration.decide(run, SAMPLE if mode == "sample" else None, unfinished=mode == "retry")
    if not dry_run:
        between.control("reset-counters", body={})
    for phase in migration.phases(run):
        migration.transform(run, phase, hold_unmapped=mode == "delta")
        migration.load(run, phase, hold_unknown_owners=mode == "delta", resend=mode == "retry")
        migration.reconcile(run, phase)
    requests = between.control("requests")
    forecast = read_forecast(run)
    return Loads(forecast, requests, told(between, run), before, between.content())


def told(between: Emulated, run: Run) -> dict[str, Any]:
    """Return what the loads of a run say became of the records."""
    manifests = {
        phase: read_manifest(run.staging, run.name(f"load/{phase}")) or {}
        for phase in between.migration.phases(run)
    }
    return {phase: (m["outcomes"], m["joins"]) for phase, m in manifests.items()}


class Pairs:
    """Dry run and run, of a sample, of everything, after changes at both ends, of what is left."""

    def __init__(self, between: Emulated) -> None:
        self.between = between
        self.found: dict[str, tuple[Loads, Loads]] = {}
        self._strangers()
        for mode in RUNS:
            if mode == "delta":
                self._change(between.world)
            dry = loads(between, mode, dry_run=True)
            self.found[mode] = dry, loads(between, mode, dry_run=False)

    def _strangers(self) -> None:
        """Let people have made records that the migration meets, one of them in the trash."""
        contacts = [c for c in self.between.world.contacts.values() if "@stranger" in c.email]
        for number, contact in enumerate(contacts[:4]):
            emails = {"primaryEmail": contact.email.strip().lower()}
            body = {"object": "person", "record": {"emails": emails}}
            made = self.between.control("person-made", body=body)
            if number == 0:
                trash = {"object": "person", "id": made["id"], "action": "delete"}
                self.between.control("edit", body=trash)

    def _change(self, world: World) -> None:
        """Change records in the source, and some of them in the destination too."""
        people = self.between.arrived("person")
        changed = [c for c in world.contacts.values() if c.id in people][:40]
        for number, contact in enumerate(changed):
            contact.title = f"Chief {number}"
            if number % 8 == 0:
                row = {"object": "person", "id": people[contact.id]["id"]}
                self.between.control("edit", body={**row, "record": {"jobTitle": "Emperor"}})
            if number % 16 == 1:
                row = {"object": "person", "id": people[contact.id]["id"]}
                self.between.control("edit", body={**row, "action": "destroy"})
        files = self.between.klipy
        folder = self.between.migration.folder / "inbox"
        write_export(world, folder, files_url=f"{files.base_url}/files" if files else None)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    folder = tmp_path_factory.mktemp("forecast")
    with emulated(world_with_strangers(), folder, choices=CHOICES) as between:
        yield Pairs(between)


@pytest.mark.parametrize("name", RUNS)
def test_no_write_reaches_the_destination(pairs: Pairs, name: str) -> None:
    dry, _ = pairs.found[name]
    assert reads_only(dry.requests["calls"])
    assert dry.after == dry.before


@pytest.mark.parametrize("name", RUNS)
def test_the_outcomes_are_those_of_the_run_that_follows(pairs: Pairs, name: str) -> None:
    dry, real = pairs.found[name]
    assert dry.outcomes == real.outcomes


def test_every_kind_of_outcome_was_foretold(pairs: Pairs) -> None:
    seen = {
        outcome
        for _, real in pairs.found.values()
        for lines, _ in real.outcomes.values()
        for outcomes in lines.values()
        for outcome in outcomes
    }
    wanted = {"created", "updated", "unchanged", "linked", "restored", "conflict", "merged"}
    assert wanted <= seen


@pytest.mark.parametrize("name", RUNS)
def test_requests_are_foretold_within_a_twentieth(pairs: Pairs, name: str) -> None:
    dry, real = pairs.found[name]
    assert dry.forecast
    assert real.forecast is None
    made = real.requests["total"]
    assert abs(dry.forecast.total.requests - made) <= ACCURACY * made


def test_the_forecast_has_a_part_for_every_step(pairs: Pairs) -> None:
    dry, real = pairs.found["full"]
    assert dry.forecast
    steps = {(one.phase, one.step) for one in dry.forecast.predicted}
    assert steps == {(phase, step) for phase in real.outcomes for step in ("load", "reconcile")}
    assert dry.forecast.total.seconds == pytest.approx(
        sum(one.seconds for one in dry.forecast.predicted)
    )
