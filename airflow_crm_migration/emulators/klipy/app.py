"""
The API of Klipy that its public beta documents: people, companies by id, interactions.

There is no list of companies and nothing of deals, tags, notes or files. Where the published pages
leave the shape open, the choice is marked "assumed".
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from airflow_crm_migration.emulators.klipy import records
from airflow_crm_migration.emulators.klipy.access import Access, ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from airflow_crm_migration.emulators.clock import Clock
    from airflow_crm_migration.emulators.messy import Activity, World

T = TypeVar("T")
BASE = "/api/v1"
VERSION = "1"
_WRITES = (
    ("POST", "/people", "people:write"),
    ("PUT", "/people", "people:write"),
    ("PATCH", "/people/{record_id}", "people:write"),
    ("DELETE", "/people/{record_id}", "people:write"),
    ("POST", "/companies", "companies:write"),
    ("PATCH", "/companies/{record_id}", "companies:write"),
    ("DELETE", "/companies/{record_id}", "companies:remove"),
    ("POST", "/interactions", "interactions:write"),
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PeopleFilter(_Body):
    """No filter of people is published."""


class InteractionFilter(_Body):
    """Filter of interactions."""

    company_id: Annotated[str | None, Field(alias="companyId")] = None
    contact_id: Annotated[str | None, Field(alias="contactId")] = None


class PeopleQuery(_Body):
    """Body of ``POST /people/query``; the highest limit is assumed."""

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    filter: PeopleFilter | None = None


class InteractionQuery(_Body):
    """Body of ``POST /interactions/query``; the highest limit is assumed."""

    cursor: str | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    filter: InteractionFilter | None = None


class KlipyApi:
    """
    The paths of the API over a world, which may change while they are served.

    :param world: what the organisation has
    :param access: who may ask
    :param clock: of the emulator
    :param older_envelope: whether replies have the shape of the older documentation
    """

    def __init__(self, world: World, access: Access, clock: Clock, *, older_envelope: bool) -> None:
        self.world = world
        self.access = access
        self.clock = clock
        self.older_envelope = older_envelope
        self.on_write: Callable[[], None] = lambda: None
        self._numbers = itertools.count(1)
        self.app = FastAPI(openapi_url=None)
        self._handle_errors()
        self._add_reads()
        self._add_writes()
        self.app.get("/files/{file_id}/{name:path}")(self.file)

    async def authenticate(self, request: Request) -> Response:
        """Answer ``GET /authenticate``; what the data hold is assumed."""
        headers = self.access.admit(request, None)
        organisation = {"id": f"org_{self.world.seed}", "name": "Vendor Example"}
        return self._reply("authentication", {"organization": organisation}, headers)

    async def person(self, request: Request, record_id: str) -> Response:
        """Answer ``GET /people/{id}``."""
        headers = self.access.admit(request, "people:read")
        found = _found(self.world.contacts, record_id, headers)
        return self._reply("person", records.person(self.world, found), headers)

    async def company(self, request: Request, record_id: str) -> Response:
        """Answer ``GET /companies/{id}``."""
        headers = self.access.admit(request, "companies:read")
        found = _found(self.world.companies, record_id, headers)
        return self._reply("company", records.company(self.world, found), headers)

    async def interaction(self, request: Request, record_id: str) -> Response:
        """Answer ``GET /interactions/{id}``."""
        headers = self.access.admit(request, "interactions:read")
        found = _found(self.world.activities, record_id, headers)
        return self._reply("interaction", records.interaction(self.world, found), headers)

    async def people(self, request: Request, query: PeopleQuery) -> Response:
        """Answer ``POST /people/query``."""
        headers = self.access.admit(request, "people:read")
        contacts = list(self.world.contacts.values())
        page, info = _page(contacts, query, "people", headers)
        data = [records.person(self.world, contact) for contact in page]
        return self._reply_page("people", data, info, headers)

    async def interactions(self, request: Request, query: InteractionQuery) -> Response:
        """Answer ``POST /interactions/query``."""
        headers = self.access.admit(request, "interactions:read")
        wanted = query.filter or InteractionFilter()
        activities = list(self.world.activities.values())
        if wanted != InteractionFilter():
            activities = [a for a in activities if _matches(a, wanted)]
        page, info = _page(activities, query, f"interactions {wanted!r}", headers)
        data = [records.interaction(self.world, activity) for activity in page]
        return self._reply_page("interactions", data, info, headers)

    async def file(self, file_id: str, name: str) -> Response:
        """Answer ``GET /files/{id}/{name}``, where attachments lie that an export names by URL."""
        file = self.world.files.get(file_id)
        if file is None or file.place != "source" or file.name != name:
            raise ApiError(404, "NOT_FOUND", "There is no such file.")
        return Response(file.content(), media_type=file.content_type)

    def content(self) -> dict[str, list[dict[str, Any]]]:
        """
        Give everything that the API can give.

        :return: object -> records
        """
        world = self.world
        return {
            "people": [records.person(world, c) for c in world.contacts.values()],
            "companies": [records.company(world, c) for c in world.companies.values()],
            "interactions": [records.interaction(world, a) for a in world.activities.values()],
        }

    def _add_reads(self) -> None:
        self.app.get(f"{BASE}/authenticate")(self.authenticate)
        self.app.get(f"{BASE}/people/{{record_id}}")(self.person)
        self.app.get(f"{BASE}/companies/{{record_id}}")(self.company)
        self.app.get(f"{BASE}/interactions/{{record_id}}")(self.interaction)
        self.app.post(f"{BASE}/people/query")(self.people)
        self.app.post(f"{BASE}/interactions/query")(self.interactions)

    def _add_writes(self) -> None:
        for method, path, scope in _WRITES:
            self.app.add_api_route(BASE + path, self._writer(scope), methods=[method])

    def _writer(self, scope: str) -> Callable[[Request], Awaitable[Response]]:
        """Make the answer to a write, which succeeds, is counted and changes nothing."""

        async def write(request: Request) -> Response:
            headers = self.access.admit(request, scope)
            self.on_write()
            record_id = request.path_params.get("record_id", f"new_{next(self._numbers)}")
            return self._reply("write", {"id": record_id, "isDuplicate": False}, headers)

        return write

    def _reply(self, name: str, data: dict[str, Any], headers: dict[str, str]) -> Response:
        if self.older_envelope:
            return JSONResponse({"success": True, "data": {name: data}}, headers=headers)
        return JSONResponse({"object": name, "data": data, "meta": self._meta()}, headers=headers)

    def _reply_page(
        self, name: str, data: list[dict[str, Any]], info: dict[str, Any], headers: dict[str, str]
    ) -> Response:
        if self.older_envelope:
            # Where the older pages put the cursor is assumed.
            older = {"success": True, "data": {name: data, "page_info": info}}
            return JSONResponse(older, headers=headers)
        page = {"object": "list", "data": data, "page_info": info, "meta": self._meta()}
        return JSONResponse(page, headers=headers)

    def _meta(self) -> dict[str, str]:
        now = datetime.fromtimestamp(self.clock.now(), UTC)
        stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
        number = f"req_{next(self._numbers):08d}"
        return {"request_id": number, "api_version": VERSION, "timestamp": stamp}

    def error_reply(self, error: ApiError) -> Response:
        """
        Answer with a refusal.

        :param error: what is refused
        :return: the reply; that the older envelope wraps errors too is assumed
        """
        older = {"success": False, "error": error.body}
        body = older if self.older_envelope else error.body
        return JSONResponse(body, error.status, headers=error.headers)

    def _handle_errors(self) -> None:
        @self.app.exception_handler(ApiError)
        async def refused(_: Request, error: ApiError) -> Response:
            return self.error_reply(error)

        @self.app.exception_handler(RequestValidationError)
        async def invalid(_: Request, error: RequestValidationError) -> Response:
            details = [
                {"field": ".".join(map(str, e["loc"])), "issue": e["msg"]} for e in error.errors()
            ]
            return self.error_reply(ApiError(400, "VALIDATION_ERROR", "Invalid request.", details))

        @self.app.exception_handler(HTTPException)
        async def unknown(_: Request, __: HTTPException) -> Response:
            # Only unknown paths and methods come here: nothing says which methods a path has.
            return self.error_reply(ApiError(404, "NOT_FOUND", "There is no such resource."))


def _found(stored: dict[str, T], record_id: str, headers: dict[str, str]) -> T:
    if record_id not in stored:
        raise ApiError(404, "NOT_FOUND", f"No record {record_id}.", None, headers)
    return stored[record_id]


def _matches(activity: Activity, wanted: InteractionFilter) -> bool:
    if wanted.company_id is not None and wanted.company_id not in activity.company_ids:
        return False
    return wanted.contact_id is None or wanted.contact_id in activity.contact_ids


def _page(
    found: list[T],
    query: PeopleQuery | InteractionQuery,
    what: str,
    headers: dict[str, str],
) -> tuple[list[T], dict[str, Any]]:
    """Cut a page; a cursor is good only for the query that it came from."""
    digest = hashlib.sha256(what.encode()).hexdigest()[:8]
    start = 0 if query.cursor is None else _position(query.cursor, digest, headers)
    end = start + query.limit
    more = end < len(found)
    return found[start:end], {
        "next_cursor": _cursor(end, digest) if more else None,
        "has_more": more,
    }


def _cursor(position: int, digest: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([digest, position]).encode()).decode()


def _position(cursor: str, digest: str, headers: dict[str, str]) -> int:
    try:
        of, position = json.loads(base64.urlsafe_b64decode(cursor))
    except (TypeError, ValueError):
        of, position = "", 0
    if of != digest:
        raise ApiError(400, "INVALID_CURSOR", "The cursor is not valid here.", None, headers)
    return int(position)
