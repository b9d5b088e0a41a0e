"""What every Twenty endpoint does first: who calls, and with what body."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.workspace import Caller

if TYPE_CHECKING:
    from fastapi import Request

    from airflow_crm_migration.emulators.twenty.workspace import Workspace

MAXIMUM_BODY = 10 * 1024 * 1024
# A NUL that JSON escapes; an escaped backslash before "u0000" is only text.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class BodyTooLarge(Exception):
    """The body is above 10 MB, which the server refuses with bare text."""


def base_url(request: Request) -> str:
    """Tell under which address the caller sees the server.

    :param request: of the client
    :return: scheme and host
    """
    return f"{request.url.scheme}://{request.url.netloc}"


def caller_of(workspace: Workspace, request: Request) -> Caller:
    """Check the API key.

    :param workspace: where
    :param request: of the client
    :return: the caller
    :raises ApiError: without a key or with a wrong one
    """
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or not token:
        raise ApiError("Missing authentication token", 403, "FORBIDDEN_EXCEPTION")
    if not secrets.compare_digest(token.encode(), workspace.api_key.encode()):
        raise ApiError("Token invalid.", 401, "UNAUTHENTICATED")
    return Caller(base_url=base_url(request))


async def read_json(request: Request) -> Any:
    """Read a JSON body.

    :param request: of the client
    :return: its value
    :raises BodyTooLarge: above 10 MB
    :raises ApiError: when it is no JSON or holds a NUL
    """
    raw = await request.body()
    if len(raw) > MAXIMUM_BODY:
        raise BodyTooLarge
    try:
        value = json.loads(raw)
    except ValueError as e:
        raise ApiError(str(e)) from e
    if _NUL.search(raw):
        raise ApiError("Data validation error.", 500, "Error")
    return value
