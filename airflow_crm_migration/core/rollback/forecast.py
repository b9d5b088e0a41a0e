"""Forecasts what a rollback does with every record of a phase; nothing is written to the CRM."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.rollback.batches import batched
from airflow_crm_migration.core.rollback.looker import LEAVES, Looker
from airflow_crm_migration.core.rollback.plan import Fate, Planned
from airflow_crm_migration.core.staging import PartWriter, read_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.core.run import Run

JUDGED = "rollback/judged"
PLANNED = "rollback/planned"
_TRACED = 500
_SAMPLE = 5


@dataclass
class PhaseForecast:
    """
    What a rollback would do with a phase.

    :param fates: what becomes of records -> number
    :param partly: records to restore that stay in some fields, or out of the trash
    :param reasons: why records stay -> number
    :param links: object -> rows of it that hang on records and go with them
    :param traces: what the platform noted by itself and keeps
    :param sample: some of the records, without any value
    """

    phase: str
    fates: Counter[str] = field(default_factory=Counter)
    partly: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)
    traces: int = 0
    sample: list[dict[str, Any]] = field(default_factory=list)

    def add(self, one: Planned) -> None:
        """Count a record."""
        self.fates[one.fate] += 1
        if one.stays:
            self.reasons[one.reason or Reason.EDITED_SINCE] += 1
            self.partly += one.fate is Fate.RESTORE
        if self.fates[one.fate] <= _SAMPLE:
            self.sample.append(
                {"id": one.id, "fate": one.fate, "why": one.reason, "detail": one.detail}
            )


def read_planned(run: Run, phase: str) -> Iterator[Planned]:
    """Walk what was forecast of a phase."""
    for row in read_parts(run.staging, run.name(f"{PLANNED}/{phase}")):
        yield Planned.from_json(row)


def forecast_phase(
    run: Run, looker: Looker, phase: str, say: Callable[[int], None]
) -> PhaseForecast:
    """
    Look at every record of a phase and keep what becomes of it in ``<run>/rollback/planned``.

    :param looker: has seen all phases that depend on this one
    :param say: told how many records were looked at
    """
    _look_at_all(run, looker, phase, say)
    kept = _close(run, looker, phase)
    found = PhaseForecast(phase)
    writer = PartWriter(run.staging, run.name(f"{PLANNED}/{phase}"))
    staying: set[tuple[str, ...]] = set()
    for one in _judged(run, phase):
        final = looker.kept_if_held(one) if one.id in kept else one
        writer.add(final.as_json())
        found.add(final)
        if final.fate is Fate.KEEP:
            staying.update(key[:3] for key in final.keys)
    writer.finish()
    found.links = _links(looker, phase, staying)
    found.traces = _traces(run, looker, phase)
    return found


def _look_at_all(run: Run, looker: Looker, phase: str, say: Callable[[int], None]) -> None:
    writer = PartWriter(run.staging, run.name(f"{JUDGED}/{phase}"))
    done = 0
    size = looker.destination.capabilities.batch_size
    for batch in batched(looker.snapshot.standing_records(phase), size):
        for one in looker.look(phase, batch):
            writer.add(one.as_json())
        done += len(batch)
        say(done)
    writer.finish()


def _judged(run: Run, phase: str) -> Iterator[Planned]:
    for row in read_parts(run.staging, run.name(f"{JUDGED}/{phase}")):
        yield Planned.from_json(row)


def _close(run: Run, looker: Looker, phase: str) -> set[str]:
    """Keep what records of the same phase refer to that are kept, until nothing is added."""
    kept: set[str] = set()
    while True:
        new = [
            looker.kept_if_held(one)
            for one in _judged(run, phase)
            if one.fate in LEAVES and one.id in looker.held and one.id not in kept
        ]
        if not new:
            return kept
        kept.update(one.id for one in new)
        looker.remember(phase, new)


def _links(looker: Looker, phase: str, staying: set[tuple[str, ...]]) -> Counter[str]:
    """Count the rows that hang on records which do not stay."""
    return Counter(
        entry.key.part.partition(":")[0]
        for entry in looker.snapshot.entries(phase, principal=False)
        if entry.stands and entry.key[:3] not in staying
    )


def _traces(run: Run, looker: Looker, phase: str) -> int:
    going = (one.id for one in read_planned(run, phase) if one.fate is Fate.DELETE)
    return sum(looker.destination.traces(phase, ids) for ids in batched(going, _TRACED))
