"""The kinds of write that faults strike, as requests and as objects of the ledger tell them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ledger.objects import parse_name, unpack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILL = "fill"
UPDATE = "update"
RESTORE = "restore"
LINK = "link"
UPLOAD = "upload"
ATTACH = "attach"
DELETE = "delete"
REVERT = "revert"
TRASH = "trash"
BESIDE = "beside"
"""What is no write: requests that read, and what a load keeps beside its intents and results."""

OF_JOB = {FILL: 0, RESTORE: 0, UPDATE: 1, REVERT: 2, DELETE: 2, TRASH: 2}
"""Kinds of one job: the first load meets records, the second changes its own, then all is undone.

What they do look alike: a field is written in all three.
"""


def create(object_name: str) -> str:
    """Return the kind of write that makes records of an object."""
    return f"create {object_name}"


@dataclass(frozen=True)
class Request:
    """
    What the requests of a kind look like.

    :param path: regular expression searched in the path, without the query
    :param asks: regular expression searched in ``<query>\\n<body>``
    """

    method: str = "*"
    path: str = ""
    asks: str = ""

    def matches(self, method: str, path: str, asked: bytes) -> bool:
        """Tell whether a request is one of these."""
        return bool(
            self.method in ("*", method)
            and re.search(self.path, path)
            and re.search(self.asks.encode(), asked)
        )


def of_request(
    requests: Mapping[str, Request], job: int, method: str, path: str, asked: bytes
) -> list[str]:
    """
    Return the kinds of a request.

    :param requests: kind -> what it looks like
    :param job: number of the job that makes it
    """
    return [
        kind
        for kind, request in requests.items()
        if OF_JOB.get(kind, job) == job and request.matches(method, path, asked)
    ]


def of_object(name: str, content: bytes, job: int) -> tuple[str, set[str]]:
    """
    Return what an object in staging is to a load, and the kinds of write that it tells of.

    :param name: in staging
    :return: ``intent``, ``result``, ``image`` or ``other``, and the kinds
    """
    update = next(kind for kind in (FILL, UPDATE, REVERT) if OF_JOB[kind] == job)
    if name.startswith("ledger/") and "/images/" in name:
        return "image", {update}
    place = parse_name(name)
    if place is None:
        return "other", {BESIDE}
    rows = unpack(content) or []
    if place.kind == "intent":
        found: Iterable[set[str]] = (_of_intent(row, place.phase, update) for row in rows)
    else:
        found = (_of_result(row, place.phase, update) for row in rows)
    return place.kind, set().union(*found)


_OF_OPERATION = {
    "restore": {RESTORE},
    "attach": {UPLOAD, ATTACH},
    "delete": {DELETE},
    "trash": {TRASH},
}


def _of_intent(row: Mapping[str, Any], phase: str, update: str) -> set[str]:
    if row["op"] == "create":
        return {LINK if row["key"][3] else create(phase)}
    return _OF_OPERATION.get(row["op"], {update})


def _of_result(row: Mapping[str, Any], phase: str, update: str) -> set[str]:
    if row.get("event") == "uploaded":
        return {UPLOAD}
    if "file_id" in row:
        return {ATTACH}
    if row.get("outcome") == "created":
        return {LINK if row["key"][3] else create(phase)}
    if row.get("reason") == "rolled_back":
        return {DELETE} if row["outcome"] == "deleted" else {REVERT, TRASH}
    restored = {RESTORE} if row.get("outcome") == "restored" else set()
    return restored or ({update} if "image" in row else set())
