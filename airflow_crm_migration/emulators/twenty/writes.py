"""Creating, updating and upserting records."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty import fields
from airflow_crm_migration.emulators.twenty.errors import ApiError, duplicate, forbidden, not_found
from airflow_crm_migration.emulators.twenty.events import happened
from airflow_crm_migration.emulators.twenty.prepare import prepare

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Field, Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

_MEMBER = "workspaceMember"


def create(
    workspace: Workspace, owner: Object, bodies: list[Any], caller: Caller, *, upsert: bool = False
) -> list[Row]:
    """Create records; all or none, unless some are upserted onto existing ones.

    :param workspace: where
    :param owner: their object
    :param bodies: what the client sent
    :param caller: who sent it
    :param upsert: whether records that have an id or a unique value of theirs are updated instead
    :return: the records; in the order of the bodies, but updated ones first
    :raises ApiError: when Twenty refuses something
    """
    maximum = workspace.rules.batch_maximum
    if len(bodies) > maximum:
        raise ApiError(f"Maximum number of records to upsert is {maximum}.")
    if owner.name == _MEMBER:
        raise forbidden()
    sent = [prepare(workspace, owner, body, caller) for body in bodies]
    if not upsert:
        return insert(workspace, owner, sent, caller)
    matches = [_match(workspace, owner, row) for row in sent]
    taken = [m for m in matches if m]
    if len(set(taken)) < len(taken):
        raise duplicate(owner.name, "Id", "")
    updated = []
    # Each update is committed by itself: what was updated stays even if a later half fails.
    for body, match in zip(bodies, matches, strict=True):
        if match:
            stored = workspace.table(owner.name).rows[match]
            changes = prepare(workspace, owner, body, caller, stored)
            changes.setdefault("deletedAt", None)
            updated.append(change(workspace, owner, [(stored, changes)], caller)[0])
    new = [row for row, match in zip(sent, matches, strict=True) if not match]
    return updated + insert(workspace, owner, new, caller)


def update(workspace: Workspace, owner: Object, record_id: str, body: Any, caller: Caller) -> Row:
    """Update one record.

    :param workspace: where
    :param owner: its object
    :param record_id: its id
    :param body: what the client sent
    :param caller: who sent it
    :return: the record
    :raises ApiError: when Twenty refuses something
    """
    table = workspace.table(owner.name)
    stored = table.rows.get(record_id)
    if stored is None or record_id in table.trashed:
        raise not_found()
    changes = prepare(workspace, owner, body, caller, stored)
    return change(workspace, owner, [(stored, changes)], caller)[0]


def update_many(
    workspace: Workspace, owner: Object, ids: list[str], body: Any, caller: Caller
) -> list[Row]:
    """Update records alike, all or none.

    :param workspace: where
    :param owner: their object
    :param ids: their ids
    :param body: what the client sent
    :param caller: who sent it
    :return: the records
    :raises ApiError: when Twenty refuses something, or they are too many
    """
    maximum = workspace.rules.batch_maximum
    if len(ids) > maximum:
        raise ApiError(f"Cannot update more than {maximum} records at once")
    rows = workspace.table(owner.name).rows
    pairs = [(rows[i], prepare(workspace, owner, body, caller, rows[i])) for i in ids]
    return change(workspace, owner, pairs, caller)


def insert(workspace: Workspace, owner: Object, sent: list[Row], caller: Caller) -> list[Row]:
    """Insert prepared records, all or none.

    :param workspace: where
    :param owner: their object
    :param sent: their columns
    :param caller: who sent them
    :return: the records
    :raises ApiError: when a key is taken or a reference leads nowhere
    """
    now = workspace.now()
    table = workspace.table(owner.name)
    defaults = {
        f.name: f.plain_default
        for f in owner.fields.values()
        if f.plain_default is not None and f.type not in ("ACTOR", "POSITION")
    }
    rows = [
        {
            "id": str(uuid.uuid4()),
            "createdAt": now,
            "updatedAt": now,
            "createdBy": caller.actor,
            **defaults,
            **row,
            "updatedBy": caller.actor,
        }
        for row in sent
    ]
    _check(workspace, owner, rows, {})
    _place(rows, table.lowest, table.highest)
    _write(workspace, owner, rows)
    for row in rows:
        happened(workspace, owner, "created", row, caller)
    return [table.rows[row["id"]] for row in rows]


def change(
    workspace: Workspace, owner: Object, pairs: list[tuple[Row, Row]], caller: Caller
) -> list[Row]:
    """Write prepared changes, all or none.

    :param workspace: where
    :param owner: object of the records
    :param pairs: each record as stored and the columns to change
    :param caller: who sent them
    :return: the records
    :raises ApiError: when a key is taken or a reference leads nowhere
    """
    now = workspace.now()
    table = workspace.table(owner.name)
    rows = [{**old, "updatedAt": now, **new, "updatedBy": caller.actor} for old, new in pairs]
    before = {old["id"]: old for old, _ in pairs}
    _check(workspace, owner, rows, before)
    _place(rows, table.lowest, table.highest)
    _write(workspace, owner, rows)
    for row in rows:
        was = before[row["id"]]
        what = "restored" if was.get("deletedAt") and not row.get("deletedAt") else "updated"
        happened(workspace, owner, what, row, caller, old=was)
    return [table.rows[row["id"]] for row in rows]


def _match(workspace: Workspace, owner: Object, row: Row) -> str:
    """Find the record that an upsert would update, by id and by unique values, trashed or not."""
    table = workspace.table(owner.name)
    found: dict[str, str] = {}
    told = []
    if row.get("id") in table.rows:
        found["id"] = row["id"]
        told.append(f"id (id: {row['id']})")
    for field in owner.uniques:
        value = table.read(row, field.key_path) if field.name in row else None
        ids = table.with_value(field.key_path, [value]) if value else []
        if ids:
            found[field.name] = ids[0]
            told.append(f"{field.name} ({'.'.join(field.key_path)}: {value})")
    if len(set(found.values())) > 1:
        raise ApiError(
            "Multiple records found with the same unique field values for "
            f"{'; '.join(told)}. Cannot determine which record to update."
        )
    return next(iter(found.values()), "")


def _check(workspace: Workspace, owner: Object, rows: list[Row], before: dict[str, Row]) -> None:
    """Check keys and references of rows that are about to be written."""
    table = workspace.table(owner.name)
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise duplicate(owner.name, "Id", "")
    if not before:
        taken = next((i for i in ids if i in table.rows), None)
        if taken:
            raise duplicate(owner.name, "Id", taken)
    for field in owner.uniques:
        _check_unique(workspace, owner, field, rows)
    for column in owner.file_columns:
        workspace.files.check_once([e["fileId"] for row in rows for e in row.get(column) or []])
    for column, field in owner.joins.items():
        _check_references(workspace, owner, field, {r[column] for r in rows if r.get(column)}, ids)


def _check_unique(workspace: Workspace, owner: Object, field: Field, rows: list[Row]) -> None:
    table = workspace.table(owner.name)
    seen: dict[object, str] = {}
    for row in rows:
        value = table.read(row, field.key_path)
        if value in (None, ""):
            continue
        holders = [i for i in table.with_value(field.key_path, [value]) if i != row["id"]]
        if value in seen or holders:
            raise duplicate(owner.name, field.label, seen.get(value) or holders[0])
        seen[value] = row["id"]


def _check_references(
    workspace: Workspace, owner: Object, field: Field, values: set[str], ids: list[str]
) -> None:
    known = workspace.table(field.target).rows
    for value in values:
        if value not in known and not (field.target == owner.name and value in ids):
            mark = field.id.replace("-", "")[:27]
            raise ApiError(
                f'insert or update on table "{owner.table}" violates foreign key '
                f'constraint "FK_{mark}"'
            )


def _place(rows: list[Row], lowest: float, highest: float) -> None:
    """Give positions: a record without one comes first, so a batch ends up in reverse."""
    for row in rows:
        wanted = row.get("position", "first")
        if wanted == "first":
            row["position"] = lowest - 1
        elif wanted == "last":
            row["position"] = highest + 1
        lowest, highest = min(lowest, row["position"]), max(highest, row["position"])


def _write(workspace: Workspace, owner: Object, rows: list[Row]) -> None:
    table = workspace.table(owner.name)
    for column in owner.file_columns:
        for row in rows:
            workspace.files.bind(row.get(column) or [], row["id"])
    for row in rows:
        table.put(row)


def require_id(value: str) -> str:
    """Check the id in a path.

    :param value: part of the path
    :return: the id
    :raises ApiError: when it is no UUID
    """
    try:
        return fields.record_reference("id", value)
    except ApiError:
        raise ApiError(f"'{value}' is not a valid UUID") from None
