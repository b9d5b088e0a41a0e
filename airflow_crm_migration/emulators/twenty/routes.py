"""The endpoints beside the core REST API: metadata, GraphQL, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from airflow_crm_migration.emulators.base import OPERATION
from airflow_crm_migration.emulators.twenty import metadata
from airflow_crm_migration.emulators.twenty.callers import caller_of, read_json
from airflow_crm_migration.emulators.twenty.custom_objects import (
    create_object,
    delete_object,
    find_object,
    update_object,
)
from airflow_crm_migration.emulators.twenty.describe import describe_field, describe_object
from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.graph import Graph
from airflow_crm_migration.emulators.twenty.metadata_errors import missing, must_be_object
from airflow_crm_migration.emulators.twenty.metadata_graph import MetadataGraph

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

_MOST_LISTED = 1000


def metadata_api(workspace: Workspace) -> APIRouter:
    """Make the routes under ``/rest/metadata``.

    :param workspace: that they serve
    :return: the routes
    """
    router = APIRouter(prefix="/rest/metadata")
    _objects(router, workspace)
    _fields(router, workspace)

    @router.get("/webhooks")
    async def webhooks(request: Request) -> Any:
        caller_of(workspace, request)
        return workspace.webhooks

    return router


def _objects(router: APIRouter, workspace: Workspace) -> None:
    @router.get("/objects")
    async def list_objects(request: Request) -> Any:
        caller_of(workspace, request)
        every = workspace.schema.objects.values()
        return _listed(request, [describe_object(o, workspace.id) for o in every])

    @router.get("/objects/{object_id}")
    async def get_object(request: Request, object_id: str) -> Any:
        caller_of(workspace, request)
        return describe_object(find_object(workspace, object_id), workspace.id)

    @router.post("/objects", status_code=201)
    async def post_object(request: Request) -> Any:
        caller_of(workspace, request)
        sent = must_be_object(await read_json(request))
        return describe_object(create_object(workspace, sent), workspace.id)

    @router.patch("/objects/{object_id}")
    async def patch_object(request: Request, object_id: str) -> Any:
        caller_of(workspace, request)
        sent = must_be_object(await read_json(request))
        return describe_object(update_object(workspace, object_id, sent), workspace.id)

    @router.delete("/objects/{object_id}")
    async def remove_object(request: Request, object_id: str) -> Any:
        caller_of(workspace, request)
        return describe_object(delete_object(workspace, object_id), workspace.id)


def _fields(router: APIRouter, workspace: Workspace) -> None:
    @router.get("/fields")
    async def list_fields(request: Request) -> Any:
        caller_of(workspace, request)
        every = [f for o in workspace.schema.objects.values() for f in o.fields.values()]
        return _listed(request, [describe_field(f, workspace.id) for f in every])

    @router.get("/fields/{field_id}")
    async def get_field(request: Request, field_id: str) -> Any:
        caller_of(workspace, request)
        found = workspace.schema.field_by_id(field_id)
        if found is None:
            raise missing("Field")
        return describe_field(found[1], workspace.id)

    @router.post("/fields", status_code=201)
    async def post_field(request: Request) -> Any:
        caller_of(workspace, request)
        sent = must_be_object(await read_json(request))
        return describe_field(metadata.create_field(workspace, sent), workspace.id, written=True)

    @router.patch("/fields/{field_id}")
    async def patch_field(request: Request, field_id: str) -> Any:
        caller_of(workspace, request)
        sent = must_be_object(await read_json(request))
        changed = metadata.update_field(workspace, field_id, sent)
        return describe_field(changed, workspace.id, written=True)

    @router.delete("/fields/{field_id}")
    async def remove_field(request: Request, field_id: str) -> Any:
        caller_of(workspace, request)
        gone = metadata.delete_field(workspace, field_id)
        return describe_field(gone, workspace.id, written=True)


def graphql_api(workspace: Workspace) -> APIRouter:
    """Make ``/graphql`` and ``/metadata``.

    :param workspace: that they serve
    :return: the routes
    """
    router = APIRouter()
    core, beside = Graph(workspace), MetadataGraph(workspace)

    @router.post("/graphql")
    async def graphql(request: Request) -> Any:
        return await _answered(workspace, request, core)

    @router.post("/metadata")
    async def metadata_graphql(request: Request) -> Any:
        if request.headers.get("Content-Type", "").startswith("multipart/form-data"):
            return await _multipart(workspace, request, beside)
        return await _answered(workspace, request, beside)

    return router


def file_api(workspace: Workspace) -> APIRouter:
    """Make the addresses that files are sent to and fetched from.

    :param workspace: that they serve
    :return: the routes
    """
    router = APIRouter()

    @router.put("/file-upload/{file_id}")
    async def put(request: Request, file_id: str) -> Response:
        token = request.query_params.get("token", "")
        mime = request.headers.get("Content-Type", "")
        workspace.files.receive(file_id, token, mime, await request.body())
        return Response(status_code=204)

    @router.get("/file/files-field/{file_id}")
    async def get(request: Request, file_id: str) -> Response:
        file = workspace.files.open(file_id, request.query_params.get("token", ""))
        return Response(file.content, media_type=file.mime)

    return router


async def _answered(workspace: Workspace, request: Request, graph: Graph | MetadataGraph) -> Any:
    try:
        caller = caller_of(workspace, request)
        reply, asked = graph.answer(await read_json(request), caller)
    except ApiError as e:
        return {"errors": [e.graphql()], "data": None}
    setattr(request.state, OPERATION, asked)
    return reply


async def _multipart(workspace: Workspace, request: Request, graph: MetadataGraph) -> Any:
    try:
        caller = caller_of(workspace, request)
    except ApiError as e:
        return {"errors": [e.graphql()], "data": None}
    async with request.form() as form:
        parts = json.loads(str(form["map"]))
        upload = form[next(iter(parts))]
        if not isinstance(upload, UploadFile):
            return JSONResponse({"errors": [{"message": "No file in the request"}]}, 400)
        operations = json.loads(str(form["operations"]))
        return graph.uploaded(upload.filename or "", await upload.read(), operations, caller)


def _listed(request: Request, items: list[dict[str, Any]]) -> dict[str, Any]:
    text = request.query_params.get("limit", str(_MOST_LISTED))
    if not text.isdecimal():
        raise ApiError(f"limit '{text}' is invalid. Should be an integer")
    after, limit = request.query_params.get("starting_after"), int(text)
    ids = [item["id"] for item in items]
    start = ids.index(after) + 1 if after in ids else 0
    page = items[start : start + limit]
    info = {
        "hasNextPage": start + limit < len(items),
        "startCursor": page[0]["id"] if page else None,
        "endCursor": page[-1]["id"] if page else None,
    }
    return {"data": page, "pageInfo": info, "totalCount": len(items)}
