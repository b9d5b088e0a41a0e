"""What a write sets off: timeline entries, workflows and webhooks."""

from __future__ import annotations

import uuid
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.workspace import SYSTEM_ACTOR

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

_TIMELINE = "timelineActivity"
# Join objects whose creation is told on the timeline of what they point at.
_LINKS = {"noteTarget": "note", "taskTarget": "task"}
_UNTOLD = ("updatedAt", "updatedBy", "position", "searchVector")


def happened(
    workspace: Workspace,
    owner: Object,
    what: str,
    row: Row,
    caller: Caller,
    *,
    old: Row | None = None,
) -> None:
    """Tell that a record was written.

    :param workspace: where
    :param owner: object of the record
    :param what: ``created``, ``updated``, ``deleted``, ``restored`` or ``destroyed``
    :param row: the record
    :param caller: who did it
    :param old: the record before an update
    """
    event = f"{owner.name}.{what}"
    if caller.watched:
        for automation in workspace.automations:
            if fnmatchcase(event, automation["event"]):
                workspace.notify(automation["kind"])
    if owner.name in _LINKS and what == "created":
        _tell_link(workspace, owner, row)
    timeline = owner.fields.get("timelineActivities")
    if timeline and not owner.system and what != "destroyed":
        target = f"{timeline.inverse}Id"
        _tell(workspace, {"name": event, target: row["id"], "properties": _diff(old, row)})


def _tell_link(workspace: Workspace, owner: Object, row: Row) -> None:
    activity_name = _LINKS[owner.name]
    activity = workspace.table(activity_name).rows.get(row.get(f"{activity_name}Id") or "")
    if activity is None:
        return
    for column, field in owner.joins.items():
        if column.startswith("target") and row.get(column):
            inverse = workspace.schema.objects[field.target].fields["timelineActivities"].inverse
            _tell(
                workspace,
                {
                    "name": f"linked-{activity_name}.created",
                    f"{inverse}Id": row[column],
                    "linkedRecordCachedName": activity.get("title", ""),
                    "linkedRecordId": activity["id"],
                    "linkedObjectMetadataId": workspace.schema.objects[activity_name].id,
                    "properties": {},
                },
            )


def _tell(workspace: Workspace, entry: Row) -> None:
    now = workspace.now()
    times = {"createdAt": now, "updatedAt": now, "happensAt": now}
    by = {"createdBy": SYSTEM_ACTOR, "updatedBy": SYSTEM_ACTOR}
    workspace.table(_TIMELINE).put({"id": str(uuid.uuid4()), **times, **by, "position": 0, **entry})


def _diff(old: Row | None, new: Row) -> dict[str, Any]:
    if old is None:
        return {}
    changed = [c for c in {**old, **new} if old.get(c) != new.get(c) and c not in _UNTOLD]
    return {"diff": {c: {"before": old.get(c), "after": new.get(c)} for c in changed}}
