"""The core REST API under ``/rest``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from airflow_crm_migration.emulators.twenty import writes
from airflow_crm_migration.emulators.twenty.callers import caller_of, read_json
from airflow_crm_migration.emulators.twenty.depth import deep
from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.grouping import group
from airflow_crm_migration.emulators.twenty.listing import DEFAULT_LIMIT, Lister, Wanted
from airflow_crm_migration.emulators.twenty.match import matching, mentions_deleted
from airflow_crm_migration.emulators.twenty.merge import duplicates, merge
from airflow_crm_migration.emulators.twenty.query import Filter, parse_filter, parse_order
from airflow_crm_migration.emulators.twenty.removal import destroy, find, restore, soft_delete

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace


class Call:
    """One REST call.

    :param workspace: where
    :param request: of the client
    :param plural: object in the path
    :raises ApiError: when the call is refused before anything is done
    """

    def __init__(self, workspace: Workspace, request: Request, plural: str) -> None:
        self.workspace = workspace
        self.query = request.query_params
        self.caller: Caller = caller_of(workspace, request)
        self.object: Object = workspace.object(plural)
        workspace.spend()
        self.depth = _number("depth", self.query.get("depth", "0"))
        if self.depth > 1:
            raise ApiError(f"'depth={self.depth}' parameter invalid. Allowed values are 0, 1")

    def show(self, row: Row) -> Row:
        """Show a record at the depth that was asked for."""
        return deep(self.workspace, self.object, row, self.caller.base_url, self.depth)

    def reply(self, verb: str, rows: Row | list[Row], status: int = 200) -> Response:
        """Reply with the record or the records that were written."""
        if isinstance(rows, list):
            return _json({"data": {_key(verb, self.object.plural): rows}}, status)
        return _json({"data": {_key(verb, self.object.name): rows}}, status)

    def filter(self) -> Filter:
        """Parse the filter, an empty one when there is none."""
        text = self.query.get("filter", "")
        return parse_filter(text) if text else {}

    def flag(self, name: str) -> bool:
        """Read a parameter that is true or false."""
        return self.query.get(name) == "true"

    def wanted(self) -> Wanted:
        """Read which page is asked for."""
        return Wanted(
            filter=self.filter(),
            order=parse_order(self.query.get("order_by", "")),
            limit=_number("limit", self.query.get("limit", str(DEFAULT_LIMIT))),
            after=self.query.get("starting_after", ""),
            before=self.query.get("ending_before", ""),
        )


def rest_api(workspace: Workspace) -> APIRouter:
    """Make the routes.

    :param workspace: that they serve
    :return: the routes
    """
    router = APIRouter(prefix="/rest")
    _creating(router, workspace)
    _updating(router, workspace)
    _reading(router, workspace)
    _removing(router, workspace)
    return router


def _creating(router: APIRouter, workspace: Workspace) -> None:
    @router.post("/batch/{plural}")
    async def batch(request: Request, plural: str) -> Response:
        body = await read_json(request)
        call = Call(workspace, request, plural)
        if not isinstance(body, list):
            raise ApiError("args.data.forEach is not a function")
        rows = writes.create(workspace, call.object, body, call.caller, upsert=call.flag("upsert"))
        return call.reply("create", [call.show(r) for r in rows], 201)

    @router.post("/{plural}/duplicates")
    async def find_duplicates(request: Request, plural: str) -> Response:
        body = await read_json(request)
        call = Call(workspace, request, plural)
        found = duplicates(workspace, call.object, body, call.caller)
        key = f"{call.object.name}Duplicates"
        info = {"startCursor": None, "endCursor": None}
        pages = {"hasNextPage": False, "hasPreviousPage": False, **info}
        data = [
            {key: [call.show(r) for r in rows], "totalCount": len(rows), "pageInfo": pages}
            for rows in found
        ]
        return _json({"data": data})

    @router.post("/{plural}")
    async def create(request: Request, plural: str) -> Response:
        body = await read_json(request)
        call = Call(workspace, request, plural)
        upsert = call.flag("upsert")
        row = writes.create(workspace, call.object, [body], call.caller, upsert=upsert)[0]
        return call.reply("create", call.show(row), 201)


def _updating(router: APIRouter, workspace: Workspace) -> None:
    @router.patch("/{plural}/merge")
    async def merge_records(request: Request, plural: str) -> Response:
        body = await read_json(request)
        call = Call(workspace, request, plural)
        return call.reply("merge", call.show(merge(workspace, call.object, body, call.caller)))

    @router.patch("/restore/{plural}")
    async def take_back(request: Request, plural: str) -> Response:
        call = Call(workspace, request, plural)
        wanted = call.filter()
        # The server looks for deleted records itself; a filter that says so too matches nothing.
        ids = [] if mentions_deleted(wanted) else matching(workspace, call.object, _deleted(wanted))
        rows = restore(workspace, call.object, ids, call.caller)
        return call.reply("restore", [call.show(r) for r in rows])

    @router.api_route("/{plural}", methods=["PATCH", "PUT"])
    async def update_many(request: Request, plural: str) -> Response:
        body = await read_json(request)
        call = Call(workspace, request, plural)
        ids = matching(workspace, call.object, call.filter())
        rows = writes.update_many(workspace, call.object, ids, body, call.caller)
        return call.reply("update", [call.show(r) for r in rows])

    @router.api_route("/{plural}/{record_id}", methods=["PATCH", "PUT"])
    async def update(request: Request, plural: str, record_id: str) -> Response:
        if plural == "restore":
            raise _bad_path(request)
        body = await read_json(request)
        record_id = writes.require_id(record_id)
        call = Call(workspace, request, plural)
        row = writes.update(workspace, call.object, record_id, body, call.caller)
        return call.reply("update", call.show(row))

    @router.patch("/{first}/{second}/{third:path}")
    async def no_such_path(request: Request, first: str, second: str, third: str) -> Response:
        caller_of(workspace, request)
        if first == "restore":
            raise _bad_path(request)
        # Newer servers restore here (PATCH /rest/people/<id>/restore); this one mangles the id.
        raise ApiError(f"'{second[-8:]}/{third}' is not a valid UUID")


def _reading(router: APIRouter, workspace: Workspace) -> None:
    lister = Lister(workspace)

    @router.get("/{plural}/groupBy")
    async def group_by(request: Request, plural: str) -> Response:
        call = Call(workspace, request, plural)
        by, aggregate = call.query.get("group_by", ""), call.query.get("aggregate", "")
        return _json(group(workspace, call.object, call.filter(), by, aggregate))

    @router.get("/{plural}/{record_id}")
    async def get_one(request: Request, plural: str, record_id: str) -> Response:
        caller_of(workspace, request)
        record_id = writes.require_id(record_id)
        call = Call(workspace, request, plural)
        row = find(workspace, call.object, record_id)
        return _json({"data": {call.object.name: call.show(row)}})

    @router.get("/{plural}")
    async def get_many(request: Request, plural: str) -> Response:
        call = Call(workspace, request, plural)
        page = lister.page(call.object, call.wanted())
        rows = [call.show(r) for r in page.rows]
        data = {"data": {plural: rows}, "totalCount": page.total, "pageInfo": page.info()}
        return _json(data)


def _removing(router: APIRouter, workspace: Workspace) -> None:
    @router.delete("/{plural}/{record_id}")
    async def delete_one(request: Request, plural: str, record_id: str) -> Response:
        caller_of(workspace, request)
        record_id = writes.require_id(record_id)
        call = Call(workspace, request, plural)
        soft = call.flag("soft_delete")
        find(workspace, call.object, record_id, trashed=not soft)
        if soft:
            row = soft_delete(workspace, call.object, [record_id], call.caller)[0]
            return call.reply("delete", call.show(row))
        destroy(workspace, call.object, [record_id], call.caller)
        return call.reply("delete", {"id": record_id})

    @router.delete("/{plural}")
    async def delete_many(request: Request, plural: str) -> Response:
        call = Call(workspace, request, plural)
        wanted = call.filter()
        if not wanted:
            raise ApiError("Filters are mandatory to delete many records")
        ids = matching(workspace, call.object, wanted)
        if call.flag("soft_delete"):
            rows = soft_delete(workspace, call.object, ids, call.caller)
            return call.reply("delete", [call.show(r) for r in rows])
        destroyed = destroy(workspace, call.object, ids, call.caller)
        return call.reply("delete", [{"id": i} for i in destroyed])


def _deleted(wanted: Filter) -> Filter:
    trashed = {"deletedAt": {"is": "NOT_NULL"}}
    return {"and": [wanted, trashed]} if wanted else trashed


def _key(verb: str, name: str) -> str:
    return f"{verb}{name[0].upper()}{name[1:]}"


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ApiError(f"{name} '{text}' is invalid. Should be an integer")
    return int(text)


def _bad_path(request: Request) -> ApiError:
    path = request.url.path
    examples = "/rest/companies/id or /rest/companies or /rest/batch/companies"
    return ApiError(f"Query path '{path}' invalid. Valid examples: {examples}")


def _json(value: Any, status: int = 200) -> Response:
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, media_type="application/json; charset=utf-8")


def error_reply(error: ApiError) -> JSONResponse:
    """Make the REST reply of a refusal.

    :param error: the refusal
    :return: the reply
    """
    return JSONResponse(error.rest(), error.status, media_type="application/json; charset=utf-8")
