"""A messy customer of 2,000 contacts, moved once and looked at by many tests."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.messy import generate
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.emulators.messy import World
    from tests.support.emulated import Emulated, Record

CONTACTS = 2000
SEED = 3
_UNDER = {"file": "attachment"}


class MessyRun:
    """
    The first full run and what it left.

    :param requests: what the destination was asked
    :param content: what the destination holds
    """

    def __init__(self, between: Emulated) -> None:
        self.between = between
        between.control("reset-counters", body={})
        self.run = between.migration.full()
        self.requests: dict[str, Any] = between.control("requests")
        self.content: dict[str, list[Record]] = between.content()
        self.entries: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in between.entries(self.run):
            self.entries[entry.key.source_object, entry.key.source_id].append(entry)
        self.issues: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for issue in between.issues(self.run):
            _, kind, source_id, _ = issue["key"]
            self.issues[kind, source_id].append(issue)
        self._rows = {
            row["id"]: row for rows in self.content.values() for row in rows if "id" in row
        }

    @property
    def world(self) -> World:
        """What the customer has, and what is true about it."""
        return self.between.world

    def entry(self, kind: str, source_id: str) -> Entry:
        """Return the one outcome of a record, other than that another line took it."""
        entries = self.entries[_UNDER.get(kind, kind), source_id]
        told = {(str(e.outcome), e.last["reason"]): e for e in entries if e.outcome != "excluded"}
        assert len(told) == 1, (kind, source_id, list(told))
        return next(iter(told.values()))

    def outcome(self, kind: str, source_id: str) -> tuple[str, str]:
        """Return outcome and reason of a record."""
        entry = self.entry(kind, source_id)
        return str(entry.outcome), entry.last["reason"]

    def record(self, kind: str, source_id: str) -> Record | None:
        """Return the record in Twenty that was made of a source record, if any was."""
        entry = self.entry(kind, source_id)
        return self._rows[entry.destination_id] if entry.destination_id else None

    def problems(self, kind: str, source_id: str) -> list[tuple[str, str, str]]:
        """Return field, problem and detail of what was left out of a record."""
        found = self.issues[_UNDER.get(kind, kind), source_id]
        return [(i["field"], i["problem"], i["detail"]) for i in found]


@contextmanager
def moved(folder: Path) -> Iterator[MessyRun]:
    """Move the customer."""
    with emulated(generate(SEED, CONTACTS), folder) as between:
        yield MessyRun(between)
