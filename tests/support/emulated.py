"""Klipy and Twenty as emulators, and a migration from one to the other."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.emulators import klipy, twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.klipy import DATE_FORMATS, write_export
from airflow_crm_migration.hooks.klipy.objects import OBJECTS
from tests.support.migration import Migration, connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.emulators.base import RunningEmulator
    from airflow_crm_migration.emulators.messy import World

SCALE = 600.0
"""Seconds on the emulators' clocks per second of ours: the limits are the published ones."""

KEY = "key-of-the-emulator"
PLURALS = {
    "company": "companies",
    "person": "people",
    "opportunity": "opportunities",
    "task": "tasks",
    "note": "notes",
    "attachment": "attachments",
    "taskTarget": "taskTargets",
    "noteTarget": "noteTargets",
    "workspaceMember": "workspaceMembers",
}
SOURCE_ID = "migrationSourceId"

Record = dict[str, Any]


@dataclass
class Emulated:
    """
    Both CRMs and the engagement between them.

    :param klipy: None where there are CSV files alone
    """

    world: World
    klipy: RunningEmulator | None
    twenty: RunningEmulator
    migration: Migration

    # -- what Twenty says, asked without the package ---------------------------------------

    def ask(self, path: str, **params: Any) -> Any:
        """Get something from Twenty's REST API."""
        headers = {"Authorization": f"Bearer {KEY}"}
        url = f"{self.twenty.base_url}/rest/{path}"
        reply = requests.get(url, headers=headers, params=params, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def records(self, object_name: str) -> list[Record]:
        """List the live records of an object."""
        plural, found = PLURALS[object_name], []
        params: dict[str, Any] = {"limit": 200}
        while True:
            page = self.ask(plural, **params)
            found += page["data"][plural]
            if not page["pageInfo"]["hasNextPage"]:
                return found
            params["starting_after"] = page["pageInfo"]["endCursor"]

    def arrived(self, object_name: str, line: str = "") -> dict[str, Record]:
        """Return source id -> record, of one mapping line or of the line named like the object."""
        start_of = f"{self.migration.engagement}:{line or object_name}:"
        return {
            record[SOURCE_ID].removeprefix(start_of): record
            for record in self.records(object_name)
            if (record[SOURCE_ID] or "").startswith(start_of)
        }

    def options(self, object_name: str, field: str) -> list[Record]:
        """Return the options of a select field in the order in which people see them."""
        objects = self.ask("metadata/objects")["data"]
        [owner] = [o for o in objects if o["nameSingular"] == object_name]
        [found] = [f for f in owner["fields"] if f["name"] == field]
        return sorted(found["options"], key=lambda option: int(option["position"]))

    def labels(self, object_name: str, field: str) -> dict[str, str]:
        """Return value -> label of a select field's options."""
        return {o["value"]: o["label"] for o in self.options(object_name, field)}

    def members(self) -> dict[str, str]:
        """Return e-mail -> id of the members."""
        return {m["userEmail"]: m["id"] for m in self.records("workspaceMember")}

    def content(self) -> dict[str, list[Record]]:
        """Return all that the workspace holds, without addresses that are new at every look."""
        found: dict[str, list[Record]] = self.control("content")
        for attachment in found["attachment"]:
            for file in attachment["file"] or []:
                del file["url"]
        return found

    def download(self, url: str) -> bytes:
        """Fetch a file from the address that Twenty shows with its record."""
        reply = requests.get(url, timeout=30)
        assert reply.status_code == 200, reply.text
        return reply.content

    def control(self, path: str, *, of: str = "twenty", body: Any = None) -> Any:
        """Ask an emulator about itself."""
        running = self.twenty if of == "twenty" else self.klipy
        assert running is not None
        method = "GET" if body is None else "POST"
        url = f"{running.base_url}/_emulator/{path}"
        reply = requests.request(method, url, json=body, timeout=60)
        assert reply.status_code == 200, reply.text
        return reply.json()

    # -- what the migration says -----------------------------------------------------------

    def entries(self, run: Run | None = None) -> list[Entry]:
        """List what the ledger says of every record."""
        place = (run or self.migration.new_run()).ledger
        with Ledger(self.migration.staging, place) as ledger:
            return [
                entry
                for phase in self.migration.pair.phases
                for entry in ledger.snapshot.entries(phase)
            ]

    def issues(self, run: Run) -> list[Record]:
        """List what was left out of records that arrived."""
        return [
            issue
            for phase in self.migration.phases(run)
            for issue in read_parts(self.migration.staging, run.name(f"load/{phase}"))
        ]


def date_formats() -> dict[str, str]:
    """Return the date formats of the emulator's export by object and field, as a customer would."""
    return {
        f"{name}.{field.name}": DATE_FORMATS[spec.csv_name][field.header]
        for name, spec in OBJECTS.items()
        for field in spec.fields.values()
        if field.header in DATE_FORMATS.get(spec.csv_name, {})
    }


def overrides(world: World) -> dict[str, str]:
    """Return what the customer says of owners who have no member, or whose name two share."""
    users, truth = world.users, world.truth
    said = {users[i].email or users[i].name: "leave_empty" for i in truth.owners_without_member}
    for name, ids in truth.ambiguous_owner_names.items():
        said[name] = next(e for i in sorted(ids) if (e := users[i].email))
    return said


@contextmanager
def emulated(
    world: World,
    folder: Path,
    *,
    api: bool = True,
    csv: Mapping[str, Any] | None = None,
    workspace_id: str | None = None,
    demo_records: bool = False,
    **engagement: Any,
) -> Iterator[Emulated]:
    """
    Start both CRMs, drop the export and connect an engagement to them.

    :param folder: staging of the engagement
    :param api: whether Klipy can be asked too; the CSV files are there in any case
    :param csv: how the files are written, beside their date formats
    :param engagement: settings of :class:`.Migration`
    """
    users = [u for u in world.users.values() if u.member]
    members = [twenty.ADMIN, *((u.email or _address(u.name), *_names(u.name)) for u in users)]
    with ExitStack() as stack:
        destination = stack.enter_context(
            start(
                twenty.create(
                    api_key=KEY,
                    scale=SCALE,
                    members=members,
                    demo_records=demo_records,
                    workspace_id=workspace_id,
                )
            )
        )
        source = stack.enter_context(start(klipy.create(world, scale=SCALE))) if api else None
        files_url = f"{source.base_url}/files" if source else None
        write_export(world, folder / "inbox", files_url=files_url)
        settings = {"owners": overrides(world), **engagement}
        yield Emulated(
            world,
            source,
            destination,
            Migration(
                folder,
                _connected("twenty", destination.base_url, KEY, 100),
                _connected("klipy", source.base_url, klipy.API_KEY, 200) if source else None,
                form=CsvFormat.model_validate({"formats": date_formats(), **(csv or {})}),
                **settings,
            ),
        )


def _connected(platform: str, url: str, key: str, per_minute: int) -> str:
    name = f"{platform}_{url.rpartition(':')[2]}"
    return connection(name, platform, url, key, rate_limits=f"{per_minute}/{60 / SCALE}s")


def _address(name: str) -> str:
    return name.lower().replace(" ", ".") + "@vendor-example.com"


def _names(name: str) -> tuple[str, str]:
    first, _, last = name.partition(" ")
    return first, last
