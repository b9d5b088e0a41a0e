"""Calls of Twenty's metadata API, which is not rate limited (observed on 2.21)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import Refused, Unauthorised
from airflow_crm_migration.hooks.twenty.schema import Schema, read_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.hooks.twenty.api import TwentyApi

_PAGE = 200
# Only GraphQL tells what a relation points at (read in Twenty's source).
_TARGETS = """
query {
  objects(paging: {first: 1000}) {
    edges { node {
      nameSingular
      fieldsList { name relation { targetObjectMetadata { nameSingular } } }
    } }
  }
}
"""


class Metadata:
    """
    Reads and changes the schema of a workspace.

    :param api: of the workspace
    """

    def __init__(self, api: TwentyApi) -> None:
        self._api = api

    def schema(self) -> Schema:
        """Read all objects with their fields, as they are now."""
        return read_schema(self._objects(), dict(self._targets()))

    def field(self, field_id: str) -> dict[str, Any]:
        """Read one field."""
        return _one(self._call("GET", f"fields/{field_id}"))

    def create_field(self, body: Mapping[str, Any]) -> None:
        """Create a field."""
        self._call("POST", "fields", json=body)

    def change_options(
        self, field_id: str, options: list[dict[str, Any]], default: str | None = None
    ) -> None:
        """
        Replace the options of a field.

        :param options: all of them, those that exist with their ids: Twenty deletes an option whose
            id is missing and blanks it in every record
        :param default: the new default, None to leave it; it must be among the options
        """
        body: dict[str, Any] = {"options": options}
        if default is not None:
            body["defaultValue"] = f"'{default}'"
        self._call("PATCH", f"fields/{field_id}", json=body)

    def webhooks(self) -> list[dict[str, Any]]:
        """Read the webhooks of the workspace."""
        return _many(self._call("GET", "webhooks"))

    def _objects(self) -> Iterator[dict[str, Any]]:
        params: dict[str, Any] = {"limit": _PAGE}
        while True:
            reply = self._call("GET", "objects", params=params)
            yield from _many(reply)
            page = reply.get("pageInfo") or {}
            if not page.get("hasNextPage"):
                return
            params["starting_after"] = page["endCursor"]

    def _targets(self) -> Iterator[tuple[tuple[str, str], str]]:
        try:
            data = self._api.graphql("/metadata", _TARGETS, {}, name="relations")
        except (Refused, Unauthorised):
            return  # names tell the standard ones
        for node in (edge["node"] for edge in data["objects"]["edges"]):
            for field in node["fieldsList"]:
                if field["relation"]:
                    target = field["relation"]["targetObjectMetadata"]["nameSingular"]
                    yield (node["nameSingular"], field["name"]), target

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return self._api.call(method, f"/rest/metadata/{path}", limited=False, **options)


def _many(reply: Any) -> list[dict[str, Any]]:
    # 2.21 answers {"data": [..]}, its own documentation says {"data": {"objects": [..]}}.
    data = reply.get("data", reply) if isinstance(reply, dict) else reply
    found: list[dict[str, Any]] = next(iter(data.values()), []) if isinstance(data, dict) else data
    return found


def _one(reply: dict[str, Any]) -> dict[str, Any]:
    # 2.21 answers the object itself, its own documentation says {"data": {"field": {..}}}.
    found: dict[str, Any] = next(iter(reply["data"].values())) if "data" in reply else reply
    return found
