"""Duplicates by an object's own criteria, and merging."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.prepare import prepare
from airflow_crm_migration.emulators.twenty.removal import destroy, find
from airflow_crm_migration.emulators.twenty.schema import KEY_PARTS
from airflow_crm_migration.emulators.twenty.writes import change

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.store import Path, Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

_FEWEST, _MOST = 2, 9


def duplicates(workspace: Workspace, owner: Object, body: Any, caller: Caller) -> list[list[Row]]:
    """Find the duplicates of some records.

    :param workspace: where
    :param owner: their object
    :param body: ``{"ids": [...]}`` or ``{"data": [{...}]}``
    :param caller: who asks
    :return: for each record those like it, as stored
    :raises ApiError: when the body is neither
    """
    if not isinstance(body, dict) or not (body.get("ids") or body.get("data")):
        raise ApiError('You have to provide either "data" or "ids" argument')
    if body.get("ids"):
        wanted = [find(workspace, owner, record_id) for record_id in body["ids"]]
    else:
        wanted = [prepare(workspace, owner, data, caller) for data in body["data"]]
    return [_like(workspace, owner, row) for row in wanted]


def merge(workspace: Workspace, owner: Object, body: Any, caller: Caller) -> Row:
    """Merge records into one of them.

    :param workspace: where
    :param owner: their object
    :param body: ``{"ids": [...], "conflictPriorityIndex": n}``
    :param caller: who does it
    :return: the record that stays, as stored
    :raises ApiError: when it cannot be done
    """
    ids = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not _FEWEST <= len(ids) <= _MOST:
        raise ApiError(f"Merge needs {_FEWEST} to {_MOST} record ids")
    index = body.get("conflictPriorityIndex", 0)
    if owner.criteria is None or not isinstance(index, int) or not 0 <= index < len(ids):
        raise ApiError(f"Cannot merge records of {owner.name}")
    rows = [find(workspace, owner, record_id) for record_id in ids]
    stays = rows.pop(index)
    changes = _combined(owner, stays, rows)
    for row in rows:
        _hand_over(workspace, owner, row["id"], stays["id"])
    # The others go first: their unique values may move to the one that stays.
    destroy(workspace, owner, [row["id"] for row in rows], caller)
    return change(workspace, owner, [(stays, changes)], caller)[0]


def _like(workspace: Workspace, owner: Object, row: Row) -> list[Row]:
    table = workspace.table(owner.name)
    found: dict[str, None] = {}
    for criterion in owner.criteria or []:
        paths = [_path(owner, column) for column in criterion]
        values = [table.read(row, path) for path in paths]
        if all(values):
            for record_id in table.with_value(paths[0], values[:1]):
                other = table.rows[record_id]
                if [table.read(other, path) for path in paths] == values:
                    found[record_id] = None
    live = (i for i in found if i not in table.trashed and i != row.get("id"))
    return [table.rows[i] for i in live]


def _path(owner: Object, column: str) -> Path:
    """Read a database column such as ``emailsPrimaryEmail``."""
    for name, field in owner.columns.items():
        if column == name:
            return (name,)
        if isinstance(field.blank, dict) and re.match(f"{name}[A-Z]", column):
            rest = column[len(name) :]
            return name, rest[0].lower() + rest[1:]
    raise KeyError(column)


def _combined(owner: Object, stays: Row, others: list[Row]) -> Row:
    changes: Row = {}
    for column, field in owner.columns.items():
        values = [row[column] for row in (stays, *others) if row.get(column)]
        if field.type == "EMAILS" and values:
            changes[column] = _all_emails(values)
        elif column not in stays and values and field.type not in KEY_PARTS:
            changes[column] = values[0]
        elif column not in stays and values:
            changes[column] = dict(values[0])
    return changes


def _all_emails(values: list[dict[str, Any]]) -> dict[str, Any]:
    every = [e for v in values for e in (v["primaryEmail"], *v["additionalEmails"]) if e]
    first, *rest = dict.fromkeys(every) or [""]
    return {"primaryEmail": first, "additionalEmails": rest}


def _hand_over(workspace: Workspace, owner: Object, old: str, new: str) -> None:
    for child, field in workspace.schema.references(owner.name):
        table = workspace.table(child.name)
        for child_id in table.with_value((field.join,), [old]):
            table.put({**table.rows[child_id], field.join: new})
