"""What all parts of a load share: the destination, the ledger, and the count of outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.plan import Hashes, Task, hashes, written_fields
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.ledger.writer import LedgerWriter
    from airflow_crm_migration.core.load.batches import Result
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination, Stored, Values, Write


@dataclass
class LoadCounts:
    """
    What became of the drafts of a phase.

    :param outcomes: line -> (outcome, reason) -> number of principal records
    :param joins: outcome -> number of rows that hang on them
    :param issues: links and values that were left out, for the report
    """

    outcomes: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    joins: Counter[str] = field(default_factory=Counter)
    issues: list[dict[str, Any]] = field(default_factory=list)

    def add(self, key: Key, outcome: str, reason: str) -> None:
        """Count one record or row."""
        if key.part:
            self.joins[outcome] += 1
        else:
            self.outcomes.setdefault(key.line, Counter())[outcome, reason] += 1

    def leave_out(self, key: Key, issues: Sequence[Mapping[str, Any]]) -> None:
        """Note what was left out of a record."""
        self.issues += [{"key": list(key), **issue} for issue in issues]


@dataclass
class LoadContext:
    """
    One phase of one run.

    :param schema: the destination's objects
    :param phase: the destination object being loaded
    :param owners: key of an owner in the source -> member id, None for one that is left empty
    :param expected: most drafts of the phase
    :param run: the run's prefix in staging
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
    counts: LoadCounts = field(default_factory=LoadCounts)

    @property
    def spec(self) -> ObjectSpec:
        """The destination object."""
        return self.schema[self.phase]

    @property
    def snapshot(self) -> Snapshot:
        """What the ledger knows."""
        return self.writer.ledger.snapshot

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


def event(
    key: Key,
    outcome: Outcome,
    reason: Reason,
    *,
    detail: str = "",
    id: str | None = None,
    **more: Any,
) -> Row:
    """Return the ledger row of an outcome."""
    row = {"key": list(key), "outcome": outcome, "reason": reason, **more}
    return row | ({"detail": detail} if detail else {}) | ({"id": id} if id else {})


def created(context: LoadContext, spec: ObjectSpec, task: Task, stored: Stored) -> Row:
    """Return the ledger row of a creation, verified: what is stored beside what was meant."""
    return created_as(context, spec, task.key, hashes(spec, task.values, task.values), stored)


def created_as(
    context: LoadContext, spec: ObjectSpec, key: Key, sent: Hashes, stored: Stored
) -> Row:
    """
    Return the ledger row of a verified creation of whose values only the hashes are known.

    What was stored is told of every field that the line writes: the destination may have put
    something of its own where nothing was sent.

    :param sent: what was meant; a field that is stored as anything else is named in ``detail``
    """
    now = hashes(spec, stored.values, sent.keys() | context.written(key))
    other = [name for name in sorted(sent) if sent[name] != now.get(name)]
    reason = Reason.STORED_DIFFERENTLY if other else Reason.NEW
    return event(
        key, Outcome.CREATED, reason, detail=", ".join(other), id=stored.id, sent=sent, stored=now
    )


def refused(key: Key, message: str, sent: Hashes | None = None) -> Row:
    """
    Return the ledger row of a record that the destination refused, in its own words.

    :param sent: the new record that it refused; the same is not sent a second time
    """
    row = event(key, Outcome.REJECTED, Reason.REFUSED, detail=message)
    return row if sent is None else row | {"sent": sent}


def refused_before(entry: Entry | None, sent: Hashes) -> bool:
    """Tell whether the destination refused just this in an earlier run."""
    if entry is None or entry.stands or entry.last["reason"] != Reason.REFUSED:
        return False
    return bool(entry.last.get("sent") == sent)


def unwritten(row: Row) -> Row:
    """Return the ledger row that closes an intent which came to nothing: it is planned anew."""
    return {"key": row["key"], "event": "unwritten"}


def intent(task: Task, op: str, spec: ObjectSpec, **more: Any) -> Row:
    """Return what is told the ledger ahead of a write: all that settling needs."""
    return {
        "key": list(task.key),
        "op": op,
        "id": task.id,
        "object": spec.name,
        "values": task.place,
        "sent": hashes(spec, task.values, task.values),
        **more,
    }


def blank(values: Values, name: str) -> bool:
    """Tell whether a field holds nothing."""
    return values.get(name) in (None, "", [], {})
