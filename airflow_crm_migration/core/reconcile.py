"""Counts at the destination what the ledger says must stand there."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination


@dataclass
class LineBalance:
    """
    The identity of one mapping line: what was read is what became of it.

    :param outcomes: outcome -> reason -> number
    """

    line: str
    source: str
    read: int
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def told(self) -> int:
        """How many records have an outcome."""
        return sum(sum(reasons.values()) for reasons in self.outcomes.values())

    @property
    def balanced(self) -> bool:
        """Whether every record that was read has exactly one outcome."""
        return self.read == self.told


@dataclass
class PhaseReconciliation:
    """
    What the destination holds of a phase, asked, beside what the ledger says.

    :param expected: records that must stand there and bear our mark
    :param counted: records that bear our mark, as the destination counts
    :param missing: ids that are not there
    :param missing_now: those of them that this very run wrote: fatal
    :param extra: ids that bear our mark and are not in the ledger
    :param joins_rejected: links that the destination refused, in this run or before
    """

    phase: str
    expected: int
    counted: int
    missing: list[str] = field(default_factory=list)
    missing_now: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    existing_expected: int = 0
    existing_missing: list[str] = field(default_factory=list)
    joins_expected: int = 0
    joins_missing: list[str] = field(default_factory=list)
    joins_rejected: int = 0
    lines: list[LineBalance] = field(default_factory=list)

    @property
    def reconciled(self) -> bool:
        """Whether the next phase may stand on this one."""
        lost = self.missing_now or self.joins_missing
        return not lost and all(line.balanced for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return what the report shows."""
        return asdict(self) | {
            "reconciled": self.reconciled,
            "lines": [asdict(line) | {"balanced": line.balanced} for line in self.lines],
        }


def line_balances(
    mapping: PairMapping,
    read: Mapping[str, int],
    outcomes: Mapping[str, Mapping[str, Mapping[str, int]]],
) -> list[LineBalance]:
    """
    Put what the transform read beside what the load says became of it.

    :param read: line -> records read
    :param outcomes: line -> outcome -> reason -> number
    """
    sources = {line.id: line.source for line in mapping.lines} | {
        f.id: f.source for f in mapping.folds
    }
    return [
        LineBalance(
            name, sources[name], number, {o: dict(r) for o, r in outcomes.get(name, {}).items()}
        )
        for name, number in read.items()
    ]


def reconcile_phase(
    destination: Destination,
    snapshot: Snapshot,
    mapping: PairMapping,
    phase: str,
    *,
    run: str,
    prefix: str,
) -> PhaseReconciliation:
    """
    Ask the destination for its counts.

    :param run: the run whose own writes must all be there
    :param prefix: what our source-id fields begin with
    """
    entries = [e for e in snapshot.entries(phase) if stands(e)]
    field_name = mark_field(mapping, phase)
    ours = {e.destination_id or "": e for e in entries if bears_mark(e, field_name)}
    others = {i: e for e in entries if (i := e.destination_id or "") not in ours}
    result = PhaseReconciliation(phase, len(ours), 0, existing_expected=len(others))
    if field_name is None:
        _by_id(destination, ours, result, run)
    else:
        _by_mark(destination, ours, result, run, (field_name, prefix))
    touched = [i for i, e in others.items() if e.last["run"] == run]
    result.existing_missing = _absent(destination, phase, touched)
    _joins(destination, snapshot, phase, run, result)
    return result


def mark_field(mapping: PairMapping, phase: str) -> str | None:
    """Return the field that tells whose a record is, None where a phase has none."""
    fields = (line.source_id_field for line in mapping.lines_of(phase))
    return next((name for name in fields if name), None)


def stands(entry: Entry) -> bool:
    """Tell whether a record must be there: not when a run already found it removed."""
    gone = entry.last["reason"] == Reason.GONE_FROM_DESTINATION
    return entry.destination_id is not None and not gone


def bears_mark(entry: Entry, field_name: str | None) -> bool:
    """Tell whether we made a record, or wrote our mark into one that was there before us."""
    made = entry.origin is not None and entry.origin["outcome"] == Outcome.CREATED
    return made or field_name in entry.last.get("stored", {})


def _by_mark(
    destination: Destination,
    ours: Mapping[str, Entry],
    result: PhaseReconciliation,
    run: str,
    mark: tuple[str, str],
) -> None:
    """Count by our mark; only when that disagrees, list the ids and compare them as sets."""
    result.counted = destination.count(result.phase, *mark)
    if result.counted == result.expected:
        return
    listed = {stored.id for stored in destination.listing(result.phase, *mark)}
    result.counted = len(listed)
    result.missing = sorted(set(ours) - listed)
    result.missing_now = [i for i in result.missing if ours[i].last["run"] == run]
    result.extra = sorted(listed - set(ours))


def _by_id(
    destination: Destination,
    ours: Mapping[str, Entry],
    result: PhaseReconciliation,
    run: str,
) -> None:
    """Ask for every record by its id where nothing in it tells that it is ours."""
    result.missing = _absent(destination, result.phase, list(ours))
    result.missing_now = [i for i in result.missing if ours[i].last["run"] == run]
    result.counted = result.expected - len(result.missing)


def _joins(
    destination: Destination, snapshot: Snapshot, phase: str, run: str, result: PhaseReconciliation
) -> None:
    by_object: dict[str, list[str]] = {}
    for entry in snapshot.entries(phase, principal=False):
        if entry.destination_id and entry.last["run"] == run:
            name = entry.key.part.partition(":")[0]
            by_object.setdefault(name, []).append(entry.destination_id)
    for name, ids in by_object.items():
        result.joins_expected += len(ids)
        result.joins_missing += _absent(destination, name, ids)


def _absent(destination: Destination, object_name: str, ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    found = destination.read(object_name, ids)
    return sorted(i for i in ids if i not in found or found[i].trashed)


def outcome_tree(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """Return (outcome, reason) counts as outcome -> reason -> number."""
    tree: dict[str, dict[str, int]] = {}
    for (outcome, reason), number in counts.items():
        tree.setdefault(str(outcome), {})[str(reason)] = number
    return tree


def sum_outcomes(lines: Iterable[LineBalance]) -> Counter[str]:
    """Return outcome -> number over lines."""
    total: Counter[str] = Counter()
    for line in lines:
        for outcome, reasons in line.outcomes.items():
            total[outcome] += sum(reasons.values())
    return total
