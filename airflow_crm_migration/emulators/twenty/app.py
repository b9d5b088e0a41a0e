"""Puts the Twenty emulator together."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from airflow_crm_migration.emulators.base import Clock, Emulator, Faults
from airflow_crm_migration.emulators.gateway import Gateway
from airflow_crm_migration.emulators.twenty.callers import BodyTooLarge
from airflow_crm_migration.emulators.twenty.errors import ApiError, limit_reached
from airflow_crm_migration.emulators.twenty.metadata_errors import MetadataError
from airflow_crm_migration.emulators.twenty.people import people_api
from airflow_crm_migration.emulators.twenty.rest import error_reply, rest_api
from airflow_crm_migration.emulators.twenty.routes import file_api, graphql_api, metadata_api
from airflow_crm_migration.emulators.twenty.seed import add_demo, add_member
from airflow_crm_migration.emulators.twenty.workspace import Rules, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

Member = tuple[str, str, str]
Limit = tuple[float, float]
ADMIN: Member = ("admin@example.com", "Ada", "Admin")
_TOO_MANY = 429
_COUNTED = ("/rest/", "/graphql")
_UNCOUNTED = "/rest/metadata"
_INJECTED = {
    400: ApiError("Refused for a test."),
    401: ApiError("Token invalid.", 401, "UNAUTHENTICATED"),
    _TOO_MANY: limit_reached(100, 60_000),
}


def create(
    clock: Clock | None = None,
    *,
    api_key: str = "emulator-key",
    scale: float = 1.0,
    batch_maximum: int = 200,
    short_limit: Limit = (100, 1.0),
    long_limit: Limit = (100, 60.0),
    gateway_limit: tuple[int, float] | None = None,
    members: Sequence[Member] = (ADMIN,),
    demo_records: bool = True,
    workspace_id: str | None = None,
    faults: Faults | None = None,
    full_log: bool = False,
) -> Emulator:
    """Make a stand-in for Twenty 2.21 with one workspace as sign-up leaves it.

    :param clock: what time it is; one of the given scale when left out
    :param api_key: the key that is accepted, called "migrator" in the workspace
    :param scale: emulated seconds per second, when no clock is given
    :param batch_maximum: records in one batch and in one update by filter
    :param short_limit: calls per seconds of the short window
    :param long_limit: calls per seconds of the long window
    :param gateway_limit: calls per seconds that a gateway before the server lets through
    :param members: e-mail, first and last name of each member, the first one acts for tests
    :param demo_records: whether the demo records are there
    :param workspace_id: UUID, a random one when left out
    :param faults: what goes wrong
    :param full_log: whether every request is kept, not only counted
    :return: the emulator, not yet served
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    emulator = Emulator(
        "twenty",
        app,
        clock=clock or Clock(scale),
        faults=faults,
        content=lambda: _content(workspace),
        fault_reply=_fault_reply,
        full_log=full_log,
    )
    rules = Rules(batch_maximum, short_limit, long_limit)
    identifier = workspace_id or str(uuid.uuid4())
    notify = emulator.journal.notify
    workspace = Workspace(emulator.clock, identifier, api_key, rules, notify)
    for member in members:
        add_member(workspace, *member)
    if demo_records:
        add_demo(workspace)
    for router in (metadata_api, graphql_api, file_api, rest_api, people_api):
        app.include_router(router(workspace))
    _handle_errors(app)
    if gateway_limit:
        app.add_middleware(
            Gateway,
            clock=emulator.clock,
            calls=gateway_limit[0],
            seconds=gateway_limit[1],
            counts=lambda path: path.startswith(_COUNTED) and not path.startswith(_UNCOUNTED),
        )
    return emulator


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def refuse(_: Request, error: ApiError) -> Response:
        return error_reply(error)

    @app.exception_handler(MetadataError)
    async def refuse_metadata(_: Request, error: MetadataError) -> Response:
        return JSONResponse(error.body, error.status)

    @app.exception_handler(BodyTooLarge)
    async def too_large(_: Request, __: BodyTooLarge) -> Response:
        return PlainTextResponse("request entity too large", 500)


def _content(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """Dump all records, trashed ones too, and the files."""
    objects = workspace.schema.objects.values()
    dump = {
        o.name: [workspace.show(o, row, "") for row in workspace.table(o.name).rows.values()]
        for o in objects
    }
    return {**dump, "files": workspace.files.dump()}


def _fault_reply(status: int, path: str) -> Response:
    """Make injected refusals as the server, or the proxy before it, would word them."""
    if status not in _INJECTED:
        return HTMLResponse(f"<html><body><h1>{status}</h1></body></html>", status)
    error = _INJECTED[status]
    if path == "/graphql" or (path == "/metadata" and status != _TOO_MANY):
        return JSONResponse({"data": None, "errors": [error.graphql()]})
    return error_reply(error)
