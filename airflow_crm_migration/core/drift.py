"""What became of a record since it was loaded: what is stored now beside what was stored then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Collection

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.protocols import Stored


class Drift(StrEnum):
    """How a record differs from what was loaded; each record has one kind at most."""

    CHANGED = "changed"
    RELINKED = "relinked"
    FILE_CHANGED = "file_changed"
    KNOWN_CONFLICT = "known_conflict"
    TRASHED = "trashed"
    GONE = "gone"
    EXTRA = "extra"


@dataclass(frozen=True)
class Difference:
    """
    One record that is not as it was loaded.

    :param object: object of the destination
    :param id: of the record there
    :param key: what it was made from, None for one that the ledger does not know
    :param fields: names of the fields that differ
    """

    kind: Drift
    object: str
    id: str
    key: Key | None = None
    fields: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the row that staging keeps."""
        return {
            "kind": self.kind, "object": self.object, "id": self.id,
            "key": list(self.key) if self.key else None, "fields": list(self.fields),
        }  # fmt: skip


def difference(
    spec: ObjectSpec, entry: Entry, stored: Stored | None, *, ignored: Collection[str] = ()
) -> Difference | None:
    """
    Compare a record with the ledger.

    :param spec: the object as the destination describes it now
    :param stored: the record as it stands, None when it does not
    :param ignored: fields that move by themselves
    :return: None when all that was written is as it was stored then
    """
    place = (spec.name, entry.destination_id or "", entry.key)
    if stored is None or stored.trashed:
        return Difference(Drift.TRASHED if stored else Drift.GONE, *place)
    fields = changed_since(spec, entry.last, stored, ignored)
    if not fields:
        return None
    unknown = [name for name in fields if name not in _in_conflict(entry.last)]
    if not unknown:
        return Difference(Drift.KNOWN_CONFLICT, *place, tuple(fields))
    links = all(name in spec.fields and is_link(spec, name) for name in unknown)
    return Difference(Drift.RELINKED if links else Drift.CHANGED, *place, tuple(unknown))


def changed_since(
    spec: ObjectSpec, last: Row, stored: Stored, ignored: Collection[str]
) -> list[str]:
    """
    Return the names of the fields that hold something else than they did when we wrote last.

    A field that we sent and that was stored as nothing counts too; one that is no field of the
    object any more has changed.
    """
    then = last.get("stored", {})
    names = (set(then) | set(last.get("sent", {}))) - set(ignored)
    now = hashes(spec, stored.values, names & spec.fields.keys())
    return sorted(name for name in names if now.get(name) != then.get(name))


def is_link(spec: ObjectSpec, name: str) -> bool:
    """Tell whether a field names another record."""
    return spec.fields[name].type is FieldType.REFERENCE


def _in_conflict(last: Row) -> list[str]:
    """Return the fields that people had changed when a run came to them, and that it left."""
    if (last["outcome"], last["reason"]) != (Outcome.CONFLICT, Reason.CHANGED_IN_BOTH):
        return []
    return str(last.get("detail", "")).split(", ")
