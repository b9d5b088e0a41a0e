"""After a crash: asks the destination what became of what a rollback announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.load.rows import event, unwritten
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.protocols import Stored

DELETE, REVERT, TRASH = "delete", "revert", "trash"
"""What an intent of a rollback announces."""


def deleted(key: Key, record_id: str, reason: Reason = Reason.ROLLED_BACK) -> Row:
    """Return the ledger row of a record that is no more."""
    return event(key, Outcome.DELETED, reason, id=record_id)


def taken_back(key: Key, record_id: str, detail: str = "", kept: str = "") -> Row:
    """
    Return the ledger row of a record that was there before us and is left as it was.

    :param detail: fields that people changed since, which stay
    :param kept: why it stays out of the trash in which it was
    """
    more = {"kept": kept} if kept else {}
    return event(key, Outcome.RESTORED, Reason.ROLLED_BACK, id=record_id, detail=detail, **more)


def settle_removals(context: LoadContext) -> int:
    """
    Close the open intents of a rollback of the phase: done, or not done and to be judged anew.

    :return: how many there were
    """
    intents = [row for row in context.snapshot.open_intents(context.phase) if row["op"] in _DONE]
    by_object: dict[str, list[Row]] = {}
    for row in intents:
        by_object.setdefault(row["object"], []).append(row)
    for name, rows in by_object.items():
        found = context.destination.read(name, sorted({row["id"] for row in rows}))
        spec = context.schema[name]
        context.writer.conclude([_verdict(spec, row, found.get(row["id"])) for row in rows])
    return len(intents)


def _verdict(spec: ObjectSpec, row: Row, stored: Stored | None) -> Row:
    return _DONE[row["op"]](spec, row, stored) or unwritten(row)


def _deleted(_: ObjectSpec, row: Row, stored: Stored | None) -> Row | None:
    reason = Reason(row.get("reason", Reason.ROLLED_BACK))
    return deleted(Key(*row["key"]), row["id"], reason) if stored is None else None


def _reverted(spec: ObjectSpec, row: Row, stored: Stored | None) -> Row | None:
    if stored is None or stored.trashed:
        return None
    now = hashes(spec, stored.values, row["fields"])
    if now != row["meant"]:
        return None
    return taken_back(Key(*row["key"]), row["id"], row["detail"], row["kept"])


def _trashed(_: ObjectSpec, row: Row, stored: Stored | None) -> Row | None:
    done = stored is not None and stored.trashed
    return taken_back(Key(*row["key"]), row["id"]) if done else None


_DONE: Mapping[str, Callable[[ObjectSpec, Row, Stored | None], Row | None]] = {
    DELETE: _deleted,
    REVERT: _reverted,
    TRASH: _trashed,
}
