"""From the body that a client sends to the columns that are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty import fields
from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect
from airflow_crm_migration.emulators.twenty.schema import SERVER_SIDE

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Field, Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

SOURCES = (
    "EMAIL", "CALENDAR", "WORKFLOW", "AGENT", "API",
    "IMPORT", "MANUAL", "SYSTEM", "WEBHOOK", "APPLICATION",
)  # fmt: skip
_ACTOR_PARTS = {"source", "name", "workspaceMemberId", "context"}


def prepare(
    workspace: Workspace, owner: Object, body: Any, caller: Caller, stored: Row | None = None
) -> Row:
    """Check and normalise a body.

    :param workspace: where
    :param owner: object of the record
    :param body: what the client sent
    :param caller: who sent it
    :param stored: the record that is changed, None for a new one
    :return: columns to write, those left out stay as they are
    :raises ApiError: when Twenty refuses something
    """
    if not isinstance(body, dict):
        raise ApiError("Record data should be an object")
    # An upsert may send a record's own files again.
    own = {"id": str(body.get("id", "")).lower()} if stored is None else stored
    preparer = _Preparer(workspace, owner, caller, own)
    changes: Row = {}
    for name, value in body.items():
        relation = owner.fields.get(name)
        if relation is not None and relation.join:
            changes[relation.join] = _linked(workspace, relation, value)
        elif name not in SERVER_SIDE:
            changes[name] = preparer.column(name, value)
    if stored is not None:
        changes.pop("id", None)
    return changes


class _Preparer:
    """Normalises the columns of one record."""

    def __init__(self, workspace: Workspace, owner: Object, caller: Caller, stored: Row) -> None:
        self._workspace = workspace
        self._owner = owner
        self._caller = caller
        self._stored = stored

    def column(self, name: str, value: Any) -> Any:
        column = self._owner.columns.get(name)
        if column is None:
            raise ApiError(f'Object {self._owner.name} doesn\'t have any "{name}" field.')
        if value is None and not (column.nullable or isinstance(column.blank, dict)):
            raise fields.not_null(name, self._owner.table)
        if name == "id":
            return fields.record_id(value)
        if column.type == "ACTOR":
            return self._actor(name, value)
        if column.type == "POSITION":
            return _position(value)
        if column.type == "FILES" and value is not None:
            return self._workspace.files.value(column, value, self._stored["id"])
        before = self._stored.get(name, column.blank)
        return fields.normalise(column, name, value, before)

    def _actor(self, name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or set(value) - _ACTOR_PARTS:
            raise ApiError(f'Invalid actor value {inspect(value)} for field "{name}"')
        source = value.get("source", self._caller.actor["source"])
        if source not in SOURCES:
            valid = ", ".join(SOURCES)
            message = f'Invalid value "{source}" for field "{name}.source"'
            raise ApiError(f"{message}. Valid values are: {valid}")
        # Without a name all but the source falls back to the caller's (observed on Twenty 2.21).
        if not value.get("name"):
            return {**self._caller.actor, "source": source}
        member = value.get("workspaceMemberId")
        path = f"{name}.workspaceMemberId"
        return {
            "source": source,
            "workspaceMemberId": member and fields.record_reference(path, member),
            "name": value["name"],
            "context": value.get("context"),
        }


def _position(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number or value in ("first", "last"):
        return value
    raise ApiError(f'Invalid position value {inspect(value)} for field "position"')


def _linked(workspace: Workspace, relation: Field, value: Any) -> str | None:
    """Resolve ``{"connect": {"where": {...}}}`` to the id of the one record with that value."""
    if isinstance(value, dict) and value.get("disconnect") is True:
        return None
    where = value.get("connect", {}).get("where") if isinstance(value, dict) else None
    if not isinstance(where, dict) or not where:
        message = f'Invalid relation value {inspect(value)} for field "{relation.name}"'
        raise ApiError(f"{message}, use {relation.join}")
    found = _where(workspace, relation.target, where)
    if len(found) != 1:
        raise ApiError(
            f"Expected 1 record to connect to {relation.name}, but found {len(found)} "
            f"for {inspect(where)}"
        )
    return found[0]


def _where(workspace: Workspace, target: str, where: dict[str, Any]) -> list[str]:
    table = workspace.table(target)
    unique = {f.name: f.key_path for f in table.object.uniques} | {"id": ("id",)}
    found: set[str] | None = None
    for name, wanted in where.items():
        if name not in unique:
            raise ApiError(f'Field "{name}" of {target} is not unique and cannot connect')
        path = unique[name]
        value = wanted.get(path[1]) if len(path) > 1 and isinstance(wanted, dict) else wanted
        ids = {i for i in table.with_value(path, [value]) if i not in table.trashed}
        found = ids if found is None else found & ids
    return sorted(found or ())
