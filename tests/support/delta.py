"""A customer who goes on working in both systems between two runs, and the runs themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.emulators.klipy import write_export
from airflow_crm_migration.emulators.messy.world import Contact, Deal
from tests.support.customer import at, customer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.emulators.messy import World
    from tests.support.emulated import Emulated, Record

READING = (
    "GET ",
    "POST /metadata currentWorkspace",
    "POST /metadata relations",
    "POST /metadata objects",
    "POST /metadata findWorkspaceInvitations",
    "POST /graphql people",
    "POST /graphql companies",
)


def contact(name: str, **values: Any) -> Contact:
    """Return a contact who resembles nobody else."""
    plain = {"title": "Clerk", "country": "GB", "city": "Leeds"} | values
    email = plain.pop("email", f"{name}@{name}-example.com")
    return Contact(name, name.title(), f"of {name}", email, at(1), at(1), "u1", **plain)


def deal(name: str, stage: str, **values: Any) -> Deal:
    """Return a deal."""
    return Deal(name, f"Deal {name}", "Sales Pipeline", stage, at(1), at(1), "u1", **values)


def working_customer(*contacts: Contact, deals: tuple[Deal, ...] = ()) -> World:
    """Return the customer with more contacts and deals."""
    world = customer()
    world.contacts |= {one.id: one for one in contacts}
    world.deals |= {one.id: one for one in deals}
    return world


class Working:
    """What stands in Twenty, and both sides' people at work on it."""

    def __init__(self, between: Emulated) -> None:
        self.between = between
        self.runs: list[Run] = []
        self.calls: dict[str, Any] = {}

    # -- runs ------------------------------------------------------------------------------

    def full(self) -> Run:
        return self._noted(self.between.migration.full)

    def delta(self, **policies: Any) -> Run:
        """Export what the source holds now, and do a run by what was signed before."""
        self.export()
        return self._noted(lambda: self.between.migration.delta(**policies))

    def export(self) -> None:
        klipy = self.between.klipy
        files_url = f"{klipy.base_url}/files" if klipy else None
        write_export(
            self.between.world, self.between.migration.folder / "inbox", files_url=files_url
        )

    def _noted(self, run: Any) -> Run:
        self.between.control("reset-counters", body={})
        self.runs.append(run())
        self.calls = self.between.control("requests")["calls"]
        return self.runs[-1]

    @property
    def writes(self) -> dict[str, Any]:
        """The calls of the last run that may have written something."""
        return {name: made for name, made in self.calls.items() if not name.startswith(READING)}

    # -- people at work --------------------------------------------------------------------

    def edit(self, object_name: str, source_id: str, line: str = "", **values: Any) -> str:
        """Change a record in Twenty as a person would, and return its id."""
        record_id = str(self.record(object_name, source_id, line)["id"])
        body = {"object": object_name, "id": record_id, "record": values}
        self.between.control("edit", body=body)
        return record_id

    def remove(self, object_name: str, record_id: str, action: str = "delete") -> None:
        body = {"object": object_name, "id": record_id, "action": action}
        self.between.control("edit", body=body)

    # -- what there is ---------------------------------------------------------------------

    def record(self, object_name: str, source_id: str, line: str = "") -> Record:
        return self.between.arrived(object_name, line)[source_id]

    def has(self, object_name: str, source_id: str, line: str = "") -> bool:
        return source_id in self.between.arrived(object_name, line)

    def tags(self, object_name: str, source_id: str) -> set[str]:
        labels = self.between.labels(object_name, "klipyTags")
        return {labels[v] for v in self.record(object_name, source_id)["klipyTags"] or []}

    def option(self, object_name: str, field: str, label: str) -> str:
        """Return the value of an option."""
        labels = self.between.labels(object_name, field)
        return next(value for value, name in labels.items() if name == label)

    def outcome(self, line: str, source_id: str) -> tuple[str, str]:
        """Return what the ledger says of a record."""
        last = self.entry(line, source_id).last
        return last["outcome"], last["reason"]

    def entry(self, line: str, source_id: str) -> Entry:
        found = (e for e in self.between.entries() if e.key[:1] + e.key[2:3] == (line, source_id))
        return next(found)

    def conflicts(self, phase: str, run: int = -1) -> dict[str, list[Record]]:
        """Return source id -> conflicts that a run listed."""
        found: dict[str, list[Record]] = {}
        for row in self._parts(f"load/{phase}/conflicts", run):
            found.setdefault(row["key"][2], []).append(row)
        return found

    def problems(self, phase: str, source_id: str, run: int = -1) -> set[tuple[str, str, str]]:
        """Return field, problem and detail of what a run left out of a record."""
        return {
            (row["field"], row["problem"], row["detail"])
            for row in self._parts(f"load/{phase}", run)
            if row["key"][2] == source_id
        }

    def _parts(self, folder: str, run: int) -> Iterator[Record]:
        yield from read_parts(self.between.migration.staging, self.runs[run].name(folder))
