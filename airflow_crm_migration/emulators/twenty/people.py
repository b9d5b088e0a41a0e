"""Control endpoints with which a test acts as the people of the workspace."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request

from airflow_crm_migration.emulators.base import CONTROL
from airflow_crm_migration.emulators.twenty import writes
from airflow_crm_migration.emulators.twenty.callers import base_url
from airflow_crm_migration.emulators.twenty.dates import iso
from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.prepare import prepare
from airflow_crm_migration.emulators.twenty.removal import destroy, find, restore, soft_delete
from airflow_crm_migration.emulators.twenty.seed import SETUP, add_member
from airflow_crm_migration.emulators.twenty.workspace import Caller

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

_INVITATION_SECONDS = 30 * 24 * 3600


def people_api(workspace: Workspace) -> APIRouter:
    """Make the control endpoints; nothing that they start counts as a notification of ours.

    :param workspace: that they change
    :return: the routes
    """
    router = APIRouter(prefix=CONTROL)

    @router.post("/person-made")
    async def person_made(request: Request) -> Any:
        wanted = await request.json()
        owner, caller = _object(workspace, wanted), _person(workspace, request)
        row = prepare(workspace, owner, wanted["record"], caller)
        made = writes.insert(workspace, owner, [row], caller)[0]
        return workspace.show(owner, made, caller.base_url)

    @router.post("/edit")
    async def edit(request: Request) -> Any:
        return _edited(workspace, await request.json(), _person(workspace, request))

    @router.post("/truncate")
    async def truncate(request: Request) -> Any:
        """Cut a stored binary short, as a broken disk would."""
        wanted = await request.json()
        file = workspace.files.files[wanted["file_id"]]
        file.content = (file.content or b"")[: wanted["bytes"]]
        return {"file_id": file.id, "bytes": len(file.content)}

    @router.post("/invite")
    async def invite(request: Request) -> Any:
        email = (await request.json())["email"].lower()
        until = iso(workspace.clock.now() + _INVITATION_SECONDS)
        invitation = {"id": str(uuid.uuid4()), "email": email, "roleId": None, "expiresAt": until}
        workspace.invitations[email] = invitation
        return invitation

    @router.post("/join")
    async def join(request: Request) -> Any:
        wanted = await request.json()
        names = wanted.get("first", ""), wanted.get("last", "")
        member = add_member(workspace, wanted["email"], *names)
        return workspace.show(workspace.schema.objects["workspaceMember"], member, "")

    @router.post("/automation")
    async def automation(request: Request) -> Any:
        wanted = await request.json()
        kind, event = wanted.get("kind", "workflow"), wanted["event"]
        workspace.automations.append({"kind": kind, "event": event})
        if kind == "webhook":
            _webhook(workspace, event)
        else:
            _workflow(workspace, event)
        return workspace.automations

    return router


def _edited(workspace: Workspace, wanted: dict[str, Any], caller: Caller) -> Any:
    owner, ids = _object(workspace, wanted), [wanted["id"]]
    action = wanted.get("action", "update")
    find(workspace, owner, wanted["id"], trashed=True)
    if action == "destroy":
        return {"id": destroy(workspace, owner, ids, caller)[0]}
    if action in ("delete", "restore"):
        act = soft_delete if action == "delete" else restore
        return workspace.show(owner, act(workspace, owner, ids, caller)[0], caller.base_url)
    row = writes.update(workspace, owner, wanted["id"], wanted["record"], caller)
    return workspace.show(owner, row, caller.base_url)


def _object(workspace: Workspace, wanted: dict[str, Any]) -> Object:
    name = wanted["object"]
    found = workspace.schema.objects.get(name) or workspace.schema.plural(name)
    if found is None:
        raise ApiError(f"object '{name}' not found. eg: companies")
    return found


def _person(workspace: Workspace, request: Request) -> Caller:
    member = next(iter(workspace.table("workspaceMember").rows.values()))
    name = " ".join(member["name"].values())
    actor = {"source": "MANUAL", "workspaceMemberId": member["id"], "name": name, "context": {}}
    return Caller(actor=actor, base_url=base_url(request), watched=False)


def _webhook(workspace: Workspace, event: str) -> None:
    now = workspace.now()
    workspace.webhooks.append(
        {
            "id": str(uuid.uuid4()),
            "targetUrl": "http://127.0.0.1/hook",
            "operations": [event],
            "description": "",
            "secret": "",
            "workspaceId": workspace.id,
            "createdAt": now,
            "updatedAt": now,
        }
    )


def _workflow(workspace: Workspace, event: str) -> None:
    objects = workspace.schema.objects
    row = {"name": f"On {event}", "statuses": ["ACTIVE"]}
    workflow = writes.insert(workspace, objects["workflow"], [row], SETUP)[0]
    settings = {"eventName": event}
    rows = {
        "workflowVersion": {
            "name": "v1",
            "status": "ACTIVE",
            "trigger": {"type": "DATABASE_EVENT", "settings": settings},
        },
        "workflowAutomatedTrigger": {"type": "DATABASE_EVENT", "settings": settings},
    }
    for name, made in rows.items():
        made["workflowId"] = workflow["id"]
        writes.insert(workspace, objects[name], [made], SETUP)
