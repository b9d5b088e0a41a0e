"""What became of each record of a phase, and whether the destination says the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.rollback.batches import batched
from airflow_crm_migration.core.rollback.plan import Fate
from airflow_crm_migration.core.staging import PartWriter, read_manifest, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.rollback.plan import Planned
    from airflow_crm_migration.core.run import Run

FORECAST = "rollback/forecast.json"
UNDONE = "rollback/undone"


def write_undone(
    run: Run,
    snapshot: Snapshot,
    phase: str,
    planned: Iterable[Planned],
    kept: Mapping[str, Planned],
    **facts: Any,
) -> dict[str, int]:
    """
    Keep in ``<run>/rollback/undone`` what became of every record that was forecast.

    :param kept: id -> record that stays although the forecast did not say so, in whole or in part
    :return: what became of records -> number
    """
    counts: Counter[str] = Counter()
    writer = PartWriter(run.staging, run.name(f"{UNDONE}/{phase}"))
    for one in planned:
        told = _told(snapshot, kept.get(one.id, one))
        writer.add(told.as_json())
        counts[told.fate] += 1
    writer.finish(counts=counts, **facts)
    return dict(counts)


def _told(snapshot: Snapshot, one: Planned) -> Planned:
    """Say what became of a record by the ledger, whichever attempt did it."""
    entries = [entry for key in one.keys if (entry := snapshot.entry(key))]
    if any(entry.stands for entry in entries):
        return replace(one, fate=Fate.KEEP)
    last = entries[0].last if entries else {}
    if last.get("reason") == Reason.GONE_FROM_DESTINATION:
        return replace(one, fate=Fate.GONE)
    if one.fate not in (Fate.RESTORE, Fate.TRASH):
        return one
    differs = tuple(filter(None, last.get("detail", "").split(", ")))
    if last.get("kept"):
        return replace(one, fate=Fate.RESTORE, reason=last["kept"], differs=differs)
    return replace(one, differs=differs)


def read_undone(run: Run, phase: str) -> Iterator[dict[str, Any]]:
    """Walk what became of the records of a phase; nothing where it was not undone."""
    if read_manifest(run.staging, run.name(f"{UNDONE}/{phase}")) is None:
        return
    yield from read_parts(run.staging, run.name(f"{UNDONE}/{phase}"))


def rollback_lines(run: Run) -> list[str]:
    """Return in words what a rollback forecast and did; nothing for a run that is none."""
    forecast = run.read_if_there(FORECAST, None)
    if forecast is None:
        return []
    lines = []
    for phase in forecast["decisions"]["order"]:
        manifest = read_manifest(run.staging, run.name(f"{UNDONE}/{phase}"))
        counts = manifest["counts"] if manifest else forecast["decisions"]["objects"][phase]
        words = ", ".join(f"{counts[a]} {a}" for a in Fate if counts.get(a)) or "nothing to do"
        lines.append(f"{phase}: {'undone' if manifest else 'forecast'}: {words}")
    return lines


@dataclass
class PhaseResult:
    """
    What was undone of a phase, asked of the destination.

    :param undone: what became of records -> number; None when the phase was not undone
    :param still_there: (object, id) of what was deleted and is there
    :param not_in_trash: ids that were put back into the trash and are not there
    :param marked: records that bear our mark, as the destination counts; None where none does
    :param unknown_marks: ids of those that are not among the kept
    """

    phase: str
    undone: dict[str, int] | None = None
    still_there: list[tuple[str, str]] = field(default_factory=list)
    not_in_trash: list[str] = field(default_factory=list)
    marked: int | None = None
    unknown_marks: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether the destination is as the ledger says."""
        wrong = self.still_there or self.not_in_trash or self.unknown_marks
        return self.undone is not None and not wrong

    def as_json(self) -> dict[str, Any]:
        """Return what the report shows."""
        return asdict(self) | {"complete": self.complete}


def check_undone(
    run: Run, destination: Destination, snapshot: Snapshot, mapping: PairMapping, phase: str
) -> PhaseResult:
    """Ask the destination for everything that was undone of a phase, and for our mark."""
    manifest = read_manifest(run.staging, run.name(f"{UNDONE}/{phase}"))
    if manifest is None:
        return PhaseResult(phase)
    result = PhaseResult(phase, manifest["counts"])
    result.still_there = list(_still_there(run, destination, snapshot, phase))
    result.not_in_trash = list(_not_in_trash(run, destination, phase))
    _count_marks(run, destination, mapping, result)
    return result


def _ids(run: Run, phase: str, fate: Fate) -> Iterator[str]:
    return (row["id"] for row in read_undone(run, phase) if row["fate"] == fate)


def _still_there(
    run: Run, destination: Destination, snapshot: Snapshot, phase: str
) -> Iterator[tuple[str, str]]:
    links = _deleted_links(run, snapshot, phase)
    for name, gone in ((phase, _ids(run, phase, Fate.DELETE)), *links.items()):
        for batch in batched(gone, destination.capabilities.read_size):
            yield from ((name, found) for found in destination.read(name, batch))


def _deleted_links(run: Run, snapshot: Snapshot, phase: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in snapshot.entries(phase, principal=False):
        if entry.outcome is Outcome.DELETED and entry.last["run"] == run.folder:
            found.setdefault(entry.key.part.partition(":")[0], []).append(entry.last["id"])
    return found


def _not_in_trash(run: Run, destination: Destination, phase: str) -> Iterator[str]:
    for batch in batched(_ids(run, phase, Fate.TRASH), destination.capabilities.read_size):
        found = destination.read(phase, batch)
        yield from (i for i in batch if i in found and not found[i].trashed)


def mark_fields(mapping: PairMapping, phase: str) -> list[str]:
    """Return the fields that tell whose a record of a phase is."""
    return sorted({f for line in mapping.lines_of(phase) if (f := line.source_id_field)})


def _count_marks(
    run: Run, destination: Destination, mapping: PairMapping, result: PhaseResult
) -> None:
    """Count by our mark; only what is counted is listed and compared with what was kept."""
    kept: set[str] | None = None
    for name in mark_fields(mapping, result.phase):
        number = destination.count(result.phase, name, run.mark)
        result.marked = (result.marked or 0) + number
        if number:
            kept = set(_staying(run, result.phase)) if kept is None else kept
            listed = destination.listing(result.phase, name, run.mark)
            result.unknown_marks += sorted(s.id for s in listed if s.id not in kept)


def _staying(run: Run, phase: str) -> Iterator[str]:
    """Walk the records that were kept, or of which some fields were."""
    rows = read_undone(run, phase)
    return (row["id"] for row in rows if row["fate"] == Fate.KEEP or row["differs"])
