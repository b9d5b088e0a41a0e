"""Removes the rows of many-to-many links that the source holds no more; people's rows stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import field_hash
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.parents import join_key, join_of
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.load.rows import BASES, event
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.rollback.settle import DELETE, deleted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_crm_migration.core.fields import Join
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Hashes
    from airflow_crm_migration.core.protocols import Stored


class GoneLinks:
    """Collects rows whose link is gone from the source and removes them in full batches."""

    def __init__(self, context: LoadContext) -> None:
        """Begin an empty collection."""
        self._at = context
        self._size = context.destination.capabilities.batch_size
        self._waiting: dict[str, list[Entry]] = {}

    def add(self, draft: Mapping[str, Any]) -> None:
        """Take the rows of a record that stand and that its draft does not name."""
        for name in draft.get("joins", {}):
            if name in draft.get("unknown", ()):
                continue
            join = join_of(self._at, name)
            rows = self._waiting.setdefault(join.object, [])
            rows += _gone(self._at, draft, name, join)
            if len(rows) >= self._size:
                self._remove(join.object)

    def finish(self) -> None:
        """Remove what is waiting."""
        for name in list(self._waiting):
            self._remove(name)

    def _remove(self, name: str) -> None:
        entries = self._waiting.pop(name)
        for start in range(0, len(entries), self._size):
            self._look(name, entries[start : start + self._size])

    def _look(self, name: str, entries: Sequence[Entry]) -> None:
        """Read rows, remove those that are as they were stored, and tell of the others."""
        at = self._at
        found = at.destination.read(name, [e.destination_id or "" for e in entries])
        due: list[Entry] = []
        told: list[Row] = []
        for entry in entries:
            stored = found.get(entry.destination_id or "")
            if stored is None:
                told.append(_told(entry, Reason.GONE_FROM_DESTINATION))
            elif self._is_ours(name, entry, stored):
                due.append(entry)
            else:
                told += self._kept(entry)
        at.conclude(told)
        if due:
            self._delete(name, due)

    def _is_ours(self, name: str, entry: Entry, stored: Stored) -> bool:
        then: Hashes = entry.last.get("stored", {})
        return hashes(self._at.schema[name], stored.values, then) == then

    def _kept(self, entry: Entry) -> list[Row]:
        """Tell of a row that people pointed elsewhere, unless the ledger says so."""
        if entry.outcome is Outcome.CONFLICT:
            self._at.counts.add(entry.key, Outcome.CONFLICT, Reason.CHANGED_IN_BOTH)
            return []
        known = {name: entry.last[name] for name in BASES if name in entry.last}
        record_id = entry.destination_id
        return [event(entry.key, Outcome.CONFLICT, Reason.CHANGED_IN_BOTH, id=record_id, **known)]

    def _delete(self, name: str, entries: Sequence[Entry]) -> None:
        at, reason = self._at, Reason.LINK_GONE_FROM_SOURCE
        common = {"op": DELETE, "object": name, "reason": reason}
        at.intend([{"key": list(e.key), "id": e.destination_id, **common} for e in entries])
        at.destination.delete(name, [e.destination_id or "" for e in entries])
        at.conclude([_told(entry, reason) for entry in entries])


def _told(row: Entry, reason: Reason) -> Row:
    return deleted(row.key, row.destination_id or "", reason)


def linked_to(context: LoadContext, join: Join, row: Entry, keys: Sequence[Key]) -> bool:
    """
    Tell whether a row that stands links to a record, whichever source record it was made for.

    :param keys: ledger keys of the record
    """
    target = context.snapshot.destination_id(keys)
    column = join.other[context.line(keys[0]).destination]
    then = row.last.get("stored", {}).get(column)
    return row.stands and target is not None and then == field_hash(FieldType.REFERENCE, target)


def _gone(context: LoadContext, draft: Mapping[str, Any], name: str, join: Join) -> Iterator[Entry]:
    record, links = Key(*draft["key"]), draft["joins"][name]
    targets = [[Key(*key) for key in keys] for keys in links["targets"]]
    if targets and not any(context.snapshot.destination_id(keys) for keys in targets):
        return  # where it is linked now did not arrive yet: it would be found nowhere
    named = {join_key(record, join, keys[0]) for keys in targets}
    for row in context.snapshot.parts_of(record):
        if not row.stands or row.key in named or not _is_told(context, row.key, name, links):
            continue
        if not any(linked_to(context, join, row, keys) for keys in targets):
            yield row


def _is_told(context: LoadContext, row: Key, name: str, links: Mapping[str, Any]) -> bool:
    """Tell whether the line still links to such records, and the run can tell to which."""
    held_by, source_object, source_id = row.part.split(":", 2)
    rules = (rule for rule in context.line(row).links if rule.to == name)
    linked = {way.object for rule in rules for way in rule.ways}
    unsure = {tuple(one) for one in links.get("unsure", ())}
    told = unsure.isdisjoint({(source_object, ""), (source_object, source_id)})
    return told and source_object in linked and held_by == join_of(context, name).object
