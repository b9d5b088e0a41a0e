"""Moving records to the trash, destroying them and taking them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.twenty.errors import forbidden, not_found
from airflow_crm_migration.emulators.twenty.events import happened

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

# Their join rows go to the trash and come back with them.
_FOLLOWERS = {"note": ("noteTarget", "noteId"), "task": ("taskTarget", "taskId")}


def find(workspace: Workspace, owner: Object, record_id: str, *, trashed: bool = False) -> Row:
    """Find a record.

    :param workspace: where
    :param owner: its object
    :param record_id: its id
    :param trashed: whether one in the trash counts
    :return: the record
    :raises ApiError: when there is none
    """
    table = workspace.table(owner.name)
    row = table.rows.get(record_id)
    if row is None or (record_id in table.trashed and not trashed):
        raise not_found()
    return row


def soft_delete(workspace: Workspace, owner: Object, ids: list[str], caller: Caller) -> list[Row]:
    """Move records to the trash.

    :param workspace: where
    :param owner: their object
    :param ids: their ids
    :param caller: who does it
    :return: the records
    :raises ApiError: when they are members
    """
    _refuse_members(owner)
    return _mark(workspace, owner, ids, caller, workspace.now())


def restore(workspace: Workspace, owner: Object, ids: list[str], caller: Caller) -> list[Row]:
    """Take records back from the trash.

    :param workspace: where
    :param owner: their object
    :param ids: their ids
    :param caller: who does it
    :return: the records
    """
    return _mark(workspace, owner, ids, caller, None)


def destroy(workspace: Workspace, owner: Object, ids: list[str], caller: Caller) -> list[str]:
    """Destroy records with all that cascades, and clear references to them.

    :param workspace: where
    :param owner: their object
    :param ids: their ids
    :param caller: who does it
    :return: their ids
    :raises ApiError: when they are members
    """
    _refuse_members(owner)
    for record_id in ids:
        _destroy(workspace, owner, record_id, caller)
    return ids


def _refuse_members(owner: Object) -> None:
    if owner.name == "workspaceMember":
        raise forbidden()


def _mark(
    workspace: Workspace, owner: Object, ids: list[str], caller: Caller, deleted_at: str | None
) -> list[Row]:
    table = workspace.table(owner.name)
    what = "deleted" if deleted_at else "restored"
    now = workspace.now()
    for record_id in ids:
        old = table.rows[record_id]
        new = {**old, "deletedAt": deleted_at, "updatedAt": now, "updatedBy": caller.actor}
        table.put(new)
        happened(workspace, owner, what, new, caller, old=old)
        _follow(workspace, owner, record_id, deleted_at)
    return [table.rows[record_id] for record_id in ids]


def _follow(workspace: Workspace, owner: Object, record_id: str, deleted_at: str | None) -> None:
    if owner.name not in _FOLLOWERS:
        return
    name, column = _FOLLOWERS[owner.name]
    table = workspace.table(name)
    for follower in table.with_value((column,), [record_id]):
        table.put({**table.rows[follower], "deletedAt": deleted_at})


def _destroy(workspace: Workspace, owner: Object, record_id: str, caller: Caller) -> None:
    table = workspace.table(owner.name)
    row = table.rows.get(record_id)
    if row is None:
        return
    for child, field in workspace.schema.references(owner.name):
        children = workspace.table(child.name)
        for child_id in children.with_value((field.join,), [record_id]):
            if (field.settings or {}).get("onDelete") == "CASCADE":
                _destroy(workspace, child, child_id, caller)
            else:
                children.put({**children.rows[child_id], field.join: None})
    table.remove(record_id)
    happened(workspace, owner, "destroyed", row, caller)
