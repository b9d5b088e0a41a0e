"""What all parts of a load share: the destination, the ledger, and the count of outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.plan import written_fields
from airflow_crm_migration.core.load.refusals import Refusals
from airflow_crm_migration.core.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.ledger.writer import LedgerWriter
    from airflow_crm_migration.core.load.batches import Result
    from airflow_crm_migration.core.load.conflicts import Conflict
    from airflow_crm_migration.core.load.parting import Keeps
    from airflow_crm_migration.core.load.plan import Hashes
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination, Write

_ROWS_PER_OBJECT = 500
_TAKEN = {Outcome.CREATED, Outcome.UPDATED}


@dataclass
class LoadCounts:
    """
    What became of the drafts of a phase.

    :param outcomes: line -> (outcome, reason) -> number of principal records
    :param joins: outcome -> number of rows that hang on them
    :param issues: links and values that were left out, for the report
    :param conflicts: fields that both sides changed, for the report
    """

    outcomes: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    joins: Counter[str] = field(default_factory=Counter)
    issues: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def add(self, key: Key, outcome: str, reason: str) -> None:
        """Count one record or row."""
        if key.part:
            self.joins[outcome] += 1
        else:
            self.outcomes.setdefault(key.line, Counter())[outcome, reason] += 1

    def words(self) -> str:
        """Return the numbers of records in words."""
        total: Counter[str] = Counter()
        for found in self.outcomes.values():
            for (outcome, _), number in found.items():
                total[outcome] += number
        return ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(total.items())) or "nothing"

    def leave_out(self, key: Key, issues: Sequence[Mapping[str, Any]]) -> None:
        """Note what was left out of a record."""
        self.issues += [{"key": list(key), **issue} for issue in issues]


class Events:
    """Collects what became of records and tells the ledger several hundred at a time."""

    def __init__(self, context: LoadContext) -> None:
        """Begin an empty collection."""
        self._at = context
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Take an event."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS_PER_OBJECT:
            self.flush()

    def flush(self) -> None:
        """Tell the ledger."""
        rows, self._rows = self._rows, []
        self._at.conclude(rows)


@dataclass
class LoadContext:
    """
    One phase of one run.

    :param schema: the destination's objects
    :param phase: the destination object being loaded
    :param owners: key of an owner in the source -> member id, None for one that is left empty
    :param expected: most drafts of the phase
    :param run: the run's prefix in staging
    :param look: raises where the destination is no longer what was prepared
    :param keeps: whose value stays where both sides changed a field
    :param resend: send again what the destination refused before
    :param hold_unknown_owners: new records wait for an owner who is not in ``owners``
    :param gone: whether what stands for a key is known to be gone from the source
    :param made: field that we made -> the epoch in which that was done last
    """

    destination: Destination
    writer: LedgerWriter
    mapping: PairMapping
    schema: Mapping[str, ObjectSpec]
    phase: str
    tenant: str
    engagement: str
    owners: Mapping[str, str | None]
    expected: int
    run: str
    look: Callable[[], None] = lambda: None
    keeps: Keeps = "destination"
    resend: bool = False
    hold_unknown_owners: bool = False
    gone: Callable[[Key], bool] = lambda key: False
    made: Mapping[str, int] = field(default_factory=dict)
    counts: LoadCounts = field(default_factory=LoadCounts)
    looked: bool = False

    @property
    def spec(self) -> ObjectSpec:
        """The destination object."""
        return self.schema[self.phase]

    @property
    def snapshot(self) -> Snapshot:
        """What the ledger knows."""
        return self.writer.ledger.snapshot

    def entry(self, key: Key) -> Entry | None:
        """
        Return what the ledger knows of a key.

        A field that was made again since is blank although nobody cleared it: what the ledger knew
        of it is left out, as of a field that nothing was written to yet.
        """
        entry = self.snapshot.entry(key)
        last = entry.last if entry else {}
        anew = {name for name, epoch in self.made.items() if last and last["epoch"] < epoch}
        if entry is None or anew.isdisjoint(last.get("sent", {})):
            return entry
        known = {
            base: {name: value for name, value in last[base].items() if name not in anew}
            for base in ("sent", "stored", "rewritten", "behind")
            if base in last
        }
        return replace(entry, last=last | known)

    def line(self, key: Key) -> Line:
        """Return the mapping line of a key."""
        line = self.mapping.find_line(key.line)
        if line is None:
            raise LookupError(f"the signed mapping has no line {key.line!r}")
        return line

    def written(self, key: Key) -> set[str]:
        """Return the fields that the line of a principal record writes."""
        line = None if key.part else self.mapping.find_line(key.line)
        return written_fields(line) if line else set()

    def refused_before(self, entry: Entry | None, tried: Hashes) -> bool:
        """Tell whether the destination refused just this in an earlier run."""
        return not self.resend and entry is not None and entry.last.get("refused") == tried

    @property
    def takes(self) -> bool:
        """Whether the destination took anything in this load."""
        told = {o for found in self.counts.outcomes.values() for o, _ in found}
        return not _TAKEN.isdisjoint(told | self.counts.joins.keys())

    @cached_property
    def refusals(self) -> Refusals:
        """What stops a load that the destination takes nothing of."""
        return Refusals(self.destination.capabilities.batch_size, self.look)

    def intend(self, rows: list[Row]) -> None:
        """Tell the ledger what is about to be written, once the destination was looked at."""
        if not self.looked:
            self.looked = True
            self.look()
        self.writer.intend(rows)

    def conclude(self, events: Sequence[Row]) -> None:
        """Tell the ledger what became of records, and count it."""
        self.writer.conclude(list(events))
        for event in events:
            if "outcome" in event:
                self.counts.add(Key(*event["key"]), event["outcome"], event["reason"])

    def settle(self, object_name: str, rows: Sequence[Write]) -> dict[str, Result]:
        """Ask which rows stand in the destination."""
        found = self.destination.read(object_name, [row.id for row in rows if row.id])
        return {row_id: stored for row_id, stored in found.items() if not stored.trashed}
