"""The rows that a load tells the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.merge import Rewritten, rewritten, rewritten_hashes
from airflow_crm_migration.core.load.plan import Hashes, Task, hashes
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.protocols import Stored, Values


BASES = ("sent", "stored", "rewritten", "values", "behind", "file_id")
"""
What a row says of the fields of a record that stands, kept from row to row.

``sent`` and ``stored`` are hashes, ``rewritten`` says of a multi-value's elements which is which,
``values`` is the place of the draft that was sent, ``behind`` that of the fields that an earlier
draft brought, and ``file_id`` names the binary of an attachment.
"""


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
    meant = hashes(spec, task.values, task.values)
    row = _created(context, spec, task.key, meant, stored)
    row |= _paired(rewriting(spec, task.values, stored.values))
    return row | {"sent": task.planned, "values": task.place}


def created_as(context: LoadContext, spec: ObjectSpec, intended: Row, stored: Stored) -> Row:
    """Return the ledger row of a verified creation of whose values only the hashes are known."""
    meant: Hashes = intended["meant"]
    now = hashes(spec, stored.values, meant)
    pairs = {
        name: rewritten_hashes(meant[name], now.get(name, []))
        for name in meant
        if spec.fields[name].type.many
    }
    row = _created(context, spec, Key(*intended["key"]), meant, stored) | _paired(pairs)
    return row | {"sent": intended["sent"], "values": intended["values"]}


def _created(
    context: LoadContext, spec: ObjectSpec, key: Key, meant: Hashes, stored: Stored
) -> Row:
    """
    Name in ``detail`` every field that is stored as anything else than was meant.

    What was stored is told of every field that the line writes: the destination may have put
    something of its own where nothing was sent.
    """
    now = hashes(spec, stored.values, meant.keys() | context.written(key))
    other = [name for name in sorted(meant) if meant[name] != now.get(name)]
    reason = Reason.STORED_DIFFERENTLY if other else Reason.NEW
    return event(key, Outcome.CREATED, reason, detail=", ".join(other), id=stored.id, stored=now)


def _paired(pairs: Mapping[str, Rewritten]) -> Row:
    return some(rewritten={name: found for name, found in pairs.items() if found != {}})


def rewriting(spec: ObjectSpec, written: Values, stored: Values) -> dict[str, Rewritten]:
    """Return per multi-value which element became which when it was written."""
    return {
        name: rewritten(spec.fields[name].type, written[name] or [], stored.get(name) or [])
        for name in sorted(written)
        if spec.fields[name].type.many
    }


def some(**parts: Any) -> Row:
    """Return those parts of a ledger row that hold anything."""
    return {name: value for name, value in parts.items() if value}


def resolved(entry: Entry) -> Row:
    """Return the ledger row of a record that nothing stands in the way of any more."""
    known = {name: entry.last[name] for name in BASES if name in entry.last}
    return event(entry.key, Outcome.UPDATED, Reason.RESOLVED, id=entry.destination_id, **known)


def refused(key: Key, message: str, tried: Hashes) -> Row:
    """
    Return the ledger row of a record that the destination refused, in its own words.

    :param tried: what it refused; the same is not sent a second time
    """
    return event(key, Outcome.REJECTED, Reason.REFUSED, detail=message, refused=tried)


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
        "sent": task.planned,
        "meant": hashes(spec, task.values, task.values),
        **more,
    }
