"""Klipy to Twenty for the fault suite."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import requests

from airflow_crm_migration.emulators import twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.messy import generate
from tests.support.emulated import KEY, SCALE, emulated
from tests.support.faulty import kinds
from tests.support.faulty.kinds import Request
from tests.support.faulty.pairs import Content

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from airflow_crm_migration.core.protocols import Member
    from airflow_crm_migration.emulators.base import RunningEmulator
    from tests.support.migration import Migration

CONTACTS = 100
WORKSPACE = "0d2f4ab1-58cf-4a5c-9d0c-6a3f4f1f7a10"
NEW = r"\A\n"
"""Nothing in the query: no upsert."""

#: Columns that the server fills by itself, and objects that are not ours.
COLUMNS = {"searchVector", "updatedBy"}
OBJECTS = {"timelineActivity", "workspaceMember", "files"}
#: Times that are the server's own where nothing was sent.
TIMES = ("createdAt", "updatedAt", "deletedAt")


def _batch(plural: str) -> str:
    return f"^/rest/batch/{plural}$"


class KlipyToTwenty:
    requests: ClassVar = {
        kinds.create("company"): Request("POST", _batch("companies"), NEW),
        kinds.create("person"): Request("POST", _batch("people"), NEW),
        kinds.create("opportunity"): Request("POST", _batch("opportunities"), NEW),
        kinds.create("task"): Request("POST", _batch("tasks"), NEW),
        kinds.FILL: Request("POST", _batch("[a-z]+"), "upsert=true"),
        kinds.UPDATE: Request("POST", _batch("[a-z]+"), "upsert=true"),
        kinds.RESTORE: Request("POST", "^/graphql$", r"\{ restore[A-Z]"),
        kinds.LINK: Request("POST", _batch("[a-z]+Targets"), NEW),
        kinds.UPLOAD: Request("*", "^/(metadata$|file-upload/)", "FileUpload|token="),
        kinds.ATTACH: Request("POST", _batch("attachments"), NEW),
        kinds.DELETE: Request("POST", "^/graphql$", r"\{ destroy[A-Z]"),
        kinds.REVERT: Request("POST", _batch("[a-z]+"), "upsert=true"),
        kinds.TRASH: Request("POST", "^/graphql$", r"\{ delete[A-Z]"),
        kinds.BESIDE: Request("GET", "^/(rest|file)/"),
    }
    writes = Request("POST", "^/rest/batch/")

    @contextmanager
    def migration(self, folder: Path) -> Iterator[Migration]:
        with emulated(generate(1, CONTACTS), folder, api=False, workspace_id=WORKSPACE) as both:
            yield both.migration

    def start(self, members: Sequence[Member]) -> RunningEmulator:
        people = [(m.email, *_names(m.name)) for m in members if m.email != twenty.ADMIN[0]]
        return start(
            twenty.create(
                api_key=KEY,
                scale=SCALE,
                members=[twenty.ADMIN, *people],
                demo_records=False,
                workspace_id=WORKSPACE,
            )
        )

    def connection(self, url: str, *, limited: bool) -> dict[str, Any]:
        rate = f"100/{60 / SCALE}s" if limited else "100000/1s"
        extra = {"rate_limits": rate, "batch_size": 30}
        return {"conn_type": "twenty", "host": url, "password": KEY, "extra": extra}

    def trash(self, server: RunningEmulator, object_name: str, record_id: str) -> None:
        wanted = {"object": object_name, "id": record_id, "action": "delete"}
        url = f"{server.base_url}/_emulator/edit"
        assert requests.post(url, json=wanted, timeout=30).status_code == 200

    def content(self, dump: dict[str, Any], begun: str) -> Content:
        files = {file["id"]: file for file in dump["files"]}
        return Content(
            records={
                (name, row["id"]): _comparable(row, files, begun)
                for name, rows in dump.items()
                if name not in OBJECTS
                for row in rows
            },
            names={m["id"]: m["userEmail"] for m in dump["workspaceMember"]},
            loose_files={i for i, file in files.items() if not file["record"]},
        )


def _names(name: str) -> tuple[str, str]:
    first, _, last = name.partition(" ")
    return first, last


def told(value: Any) -> Any:
    """Return what a formatted text says: its blocks have random ids."""
    formatted = isinstance(value, dict) and "blocknote" in value
    return value["markdown"] if formatted else value


def _comparable(row: dict[str, Any], files: dict[str, Any], begun: str) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in COLUMNS}
    kept |= {name: "now" for name in TIMES if (kept[name] or "") >= begun}
    if kept.get("file"):
        kept["file"] = [{f["label"]: files[f["fileId"]]["sha256"]} for f in kept["file"]]
    return {name: told(value) for name, value in kept.items()}


PAIR = KlipyToTwenty()
