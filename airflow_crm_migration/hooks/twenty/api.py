"""How Twenty speaks: paths, pages, GraphQL, and what its errors mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from airflow_crm_migration.core.errors import (
    CrmError,
    Duplicate,
    Refused,
    Throttled,
    Unauthorised,
    UserMistake,
)
from airflow_crm_migration.hooks.base import CrmHook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests
    from airflow.sdk import Connection

_GRAPHQL = ("/graphql", "/metadata")
# The second one is an upsert's, which finds the record by its id and another by the unique value.
_TAKEN = ("duplicate entry", "multiple records found with the same unique field")
_NO_ACCESS = ("UNAUTHENTICATED", "FORBIDDEN", "PERMISSION_DENIED")


class TwentyApi(CrmHook):
    """The calls of a Twenty workspace, below what the steps ask for."""

    # 2.21 also allows no more than 100 within one second.
    default_windows: ClassVar[str] = "100/60s, 100/1s"

    def auth_headers(self, connection: Connection) -> dict[str, str]:
        """
        Return the header with the API key.

        :param connection: whose password is the key
        """
        key = (connection.password or "").strip()
        if not key:
            raise UserMistake(
                f"connection {self.conn_id}: the password is empty; give an API key of the "
                "workspace (Settings, APIs & Webhooks)"
            )
        return {"Authorization": f"Bearer {key}"}

    def pages(
        self, plural: str, size: int, filters: str | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """
        Walk records page by page, in the order of their ids.

        :param plural: object as paths name it
        :param size: records on a page
        :param filters: a REST filter
        """
        # depth 1 would show links to trashed records as null
        params: dict[str, Any] = {"limit": size, "depth": 0}
        if filters:
            params["filter"] = filters
        while True:
            reply = self.call("GET", f"/rest/{plural}", params=params)
            yield reply["data"][plural]
            page = reply.get("pageInfo") or {}
            if not page.get("hasNextPage"):
                return
            params["starting_after"] = page["endCursor"]

    def graphql(
        self,
        path: str,
        query: str,
        variables: Mapping[str, Any],
        *,
        name: str,
        repeatable: bool = True,
        weight: float = 1,
    ) -> dict[str, Any]:
        """
        Ask by GraphQL.

        :param path: ``/graphql`` for records, ``/metadata`` for all else
        :param name: of the operation, for counters
        :param repeatable: as for :meth:`request`
        :param weight: what the call costs: one for each root field (read in Twenty's source)
        :return: the ``data`` of the reply
        """
        body = {"query": query, "variables": variables}
        limited = path == "/graphql"
        reply = self.call(
            "POST",
            path,
            json=body,
            weight=weight,
            limited=limited,
            repeatable=repeatable,
            name=name,
        )
        data: dict[str, Any] = reply["data"]
        return data

    def words(self, response: requests.Response) -> tuple[str, str | None]:
        """
        Return Twenty's messages in one line.

        :param response: with an error status
        """
        try:
            body = response.json()
        except ValueError:
            return super().words(response)
        if not isinstance(body, dict):
            return str(body), None
        told = body.get("messages") or body.get("message") or body.get("error")
        messages = [str(m) for m in (told if isinstance(told, list) else [told])]
        details = list(dict.fromkeys(_details(body.get("errors"))))
        return "; ".join(details or messages), body.get("code")

    def translate(self, response: requests.Response) -> Exception | None:
        """
        Return what a reply means; GraphQL tells its errors under status 200.

        :param response: read whole
        """
        error = super().translate(response)
        if error is None and response.request.path_url.endswith(_GRAPHQL):
            return _graphql_error(response)
        if type(error) is Refused:
            return _kind(error.message, error.code)(
                error.message, status=error.status, code=error.code
            )
        return error


def _kind(message: str, code: str | None) -> type[CrmError]:
    if code in _NO_ACCESS:
        return Unauthorised
    return Duplicate if any(words in message.lower() for words in _TAKEN) else Refused


def _graphql_error(response: requests.Response) -> Exception | None:
    try:
        errors = response.json().get("errors")
    except ValueError:
        return None  # told where the JSON is asked for
    if not errors:
        return None
    message = str(errors[0].get("message"))
    extensions = errors[0].get("extensions") or {}
    if extensions.get("subCode") == "LIMIT_REACHED":
        return Throttled(message)
    code = extensions.get("code")
    return _kind(message, code)(message, status=response.status_code, code=code)


def _details(errors: Any) -> Iterator[str]:
    """Give the messages that metadata errors hide in a tree."""
    if isinstance(errors, dict):
        if isinstance(errors.get("message"), str):
            yield errors["message"]
        errors = list(errors.values())
    if isinstance(errors, list):
        for inner in errors:
            yield from _details(inner)
