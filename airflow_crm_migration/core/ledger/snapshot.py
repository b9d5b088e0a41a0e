"""The compacted ledger: a local SQLite file with one row per key.

It holds per key the origin (first created, linked or restored) and the last event, the intents that
are still open, and the names of the objects that it has absorbed, so that absorbing is idempotent.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from airflow_crm_migration.core.canonical import canonical_json
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airflow_crm_migration.core.ledger.objects import ObjectName, Row

SCHEMA_VERSION = 2
"""Of the tables below; a snapshot of another version is passed over and built anew."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  line TEXT, object TEXT, source_id TEXT, part TEXT, phase TEXT,
  outcome TEXT, destination_id TEXT, at TEXT, origin TEXT, last TEXT, images TEXT,
  PRIMARY KEY (line, object, source_id, part)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_destination ON records (destination_id, phase);
CREATE TABLE IF NOT EXISTS intents (
  line TEXT, object TEXT, source_id TEXT, part TEXT, phase TEXT, ref TEXT, row TEXT,
  PRIMARY KEY (line, object, source_id, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
  line TEXT, object TEXT, source_id TEXT, part TEXT, file_id TEXT, attached INTEGER, row TEXT,
  PRIMARY KEY (line, object, source_id, part, file_id)) WITHOUT ROWID;
"""
_COLUMNS = "SELECT line, object, source_id, part, origin, last, images FROM records"
_BY_OUTCOME = f"{_COLUMNS} WHERE outcome = ? AND (part = '') = ?"
_FORGET_INTENT = "DELETE FROM intents WHERE line = ? AND object = ? AND source_id = ? AND part = ?"
_MARK_ATTACHED = (
    "UPDATE uploads SET attached = 1"
    " WHERE line = ? AND object = ? AND source_id = ? AND part = ? AND file_id = ?"
)
_ENTRY = f"{_COLUMNS} WHERE line = ? AND object = ? AND source_id = ? AND part = ?"
_PRINCIPALS = f"{_COLUMNS} WHERE phase = ? AND part = ''"
_PARTS = f"{_COLUMNS} WHERE phase = ? AND part != ''"
_PARTS_OF = f"{_COLUMNS} WHERE line = ? AND object = ? AND source_id = ? AND part != ''"
_BY_ID = f"{_PRINCIPALS} AND origin IS NOT NULL ORDER BY destination_id, line, object, source_id"
_MADE = (
    "SELECT destination_id FROM records WHERE json_extract(origin, '$.outcome') = 'created'"
    " AND destination_id IN (SELECT value FROM json_each(?))"
)
_BY_OTHERS = (
    "SELECT count(*) FROM (SELECT last AS row FROM records UNION ALL SELECT row FROM intents)"
    " WHERE json_extract(row, '$.epoch') > ? AND json_extract(row, '$.run') != ?"
)
_HOLDERS = (
    "SELECT line, object, source_id, part FROM records"
    " WHERE phase = ? AND destination_id = ? AND part = ''"
)
_STANDING = f"{_COLUMNS} WHERE line = ? AND object = ? AND part = '' AND origin IS NOT NULL"
_ORIGINS = (Outcome.CREATED, Outcome.LINKED, Outcome.RESTORED)


@dataclass(frozen=True)
class Entry:
    """
    What the ledger knows of a key.

    :param origin: the event by which a record came to stand in the destination, if any did
    :param last: the latest event
    :param images: field that was written over -> the first image that was taken before that
    """

    key: Key
    origin: Row | None
    last: Row
    images: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The outcome that holds now."""
        return Outcome(self.last["outcome"])

    @property
    def stands(self) -> bool:
        """Whether a record came to stand there: one whose update was refused still does."""
        return self.origin is not None

    @property
    def destination_id(self) -> str | None:
        """The id in the destination, None when no record of ours stands there."""
        return _standing_id(self.origin, self.last)


def _ends(row: Row) -> bool:
    """Tell whether from this event on no record of the destination stands for the key."""
    handed_on = (row["outcome"], row.get("reason")) == (Outcome.MERGED, Reason.TAKEN_OVER)
    return handed_on or row["outcome"] == Outcome.DELETED or row.get("reason") == Reason.ROLLED_BACK


def _standing_id(origin: Row | None, last: Row) -> str | None:
    return (last.get("id") or origin["id"]) if origin else None


class Snapshot:
    """The ledger of one environment as of the objects absorbed so far."""

    def __init__(self, file: Path) -> None:
        """
        Open or make the snapshot file.

        :param file: local path
        """
        self.file = file
        self._db = sqlite3.connect(file)
        self._db.executescript(_SCHEMA)
        self._db.execute("PRAGMA journal_mode = MEMORY")

    def close(self) -> None:
        """Close the file without committing: it is a copy, and the disk may be full."""
        self._db.close()

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy."""
        self._db.commit()
        with closing(sqlite3.connect(file)) as target:
            self._db.backup(target)

    # -- absorbing -------------------------------------------------------------------------

    def absorbed(self) -> set[str]:
        """Return the names of the objects absorbed so far."""
        return {name for (name,) in self._db.execute("SELECT name FROM objects")}

    def absorb(self, folder: str, name: ObjectName, rows: Sequence[Row]) -> None:
        """
        Take in the rows of one object; a second time changes nothing.

        :param folder: of the ledger that the object belongs to
        """
        before = self._db.total_changes
        self._db.execute("INSERT OR IGNORE INTO objects VALUES (?)", (name.path(folder),))
        if self._db.total_changes == before:
            return
        for row in rows:
            if name.kind == "intent":
                self._open_intent(name, row)
            else:
                self._take_event(name, row)

    def _open_intent(self, name: ObjectName, row: Row) -> None:
        values = (*row["key"], name.phase, name.base, canonical_json(row))
        self._db.execute("INSERT OR REPLACE INTO intents VALUES (?,?,?,?,?,?,?)", values)

    def _take_event(self, name: ObjectName, row: Row) -> None:
        if row.get("event") == "uploaded":
            # Of uploads without a known id there may be several.
            values = (*row["key"], row["id"] or name.base, 0, canonical_json(row))
            self._db.execute("INSERT OR IGNORE INTO uploads VALUES (?,?,?,?,?,?,?)", values)
            return
        self._db.execute(_FORGET_INTENT, row["key"])
        if row.get("event") == "unwritten":
            return
        if row.get("file_id"):
            self._db.execute(_MARK_ATTACHED, (*row["key"], row["file_id"]))
        self._record(name.phase, row)

    def _record(self, phase: str, row: Row) -> None:
        known = self.entry(Key(*row["key"]))
        origin = known.origin if known else None
        images = dict(known.images) if known else {}
        if _ends(row):
            origin, images = None, {}
        elif origin is None and row["outcome"] in _ORIGINS:
            origin, images = row, images | row.get("images", {})
        for name in row.get("fields", ()):
            images.setdefault(name, row["image"])
        values = (
            *row["key"], phase, row["outcome"], _standing_id(origin, row), row["at"],
            canonical_json(origin) if origin else None, canonical_json(row),
            canonical_json(images) if images else None,
        )  # fmt: skip
        self._db.execute("INSERT OR REPLACE INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?)", values)

    # -- asking ----------------------------------------------------------------------------

    def entry(self, key: Key) -> Entry | None:
        """Return what is known of a key."""
        return next(self._entries(_ENTRY, key), None)

    def _entries(self, query: str, values: Sequence[object]) -> Iterator[Entry]:
        for *key, origin, last, images in self._db.execute(query, values):
            yield Entry(
                Key(*key),
                json.loads(origin) if origin else None,
                json.loads(last),
                json.loads(images) if images else {},
            )

    def destination_id(self, keys: Iterable[Key]) -> str | None:
        """Return the id of the first key that stands in the destination, merged ones followed."""
        entry = self.standing(keys)
        return entry.destination_id if entry else None

    def standing(self, keys: Iterable[Key]) -> Entry | None:
        """Return the first key that stands in the destination, merged ones followed."""
        for key in keys:
            entry = self.entry(key)
            if entry is not None and entry.last.get("into"):
                entry = self.entry(key._replace(source_id=entry.last["into"]))
            if entry is not None and entry.destination_id:
                return entry
        return None

    def holders(self, phase: str, destination_id: str) -> list[Key]:
        """Return the keys that a record of the destination came from."""
        return [Key(*key) for key in self._db.execute(_HOLDERS, (phase, destination_id))]

    def entries(self, phase: str, *, principal: bool = True) -> Iterator[Entry]:
        """
        Walk what is known of a phase.

        :param principal: only the records themselves, without the rows that hang on them
        """
        return self._entries(_PRINCIPALS if principal else _PARTS, (phase,))

    def parts_of(self, key: Key) -> Iterator[Entry]:
        """Walk what is known of the rows that hang on a record."""
        return self._entries(_PARTS_OF, key[:3])

    def standing_records(self, phase: str) -> Iterator[list[Entry]]:
        """Walk the records of the destination that keys of a phase stand for, by their ids."""
        for _, entries in groupby(
            self._entries(_BY_ID, (phase,)), key=lambda entry: entry.destination_id
        ):
            yield list(entries)

    def standing_phases(self) -> dict[str, int]:
        """Return phase -> number of keys that stand in the destination."""
        query = "SELECT phase, count(*) FROM records WHERE origin IS NOT NULL GROUP BY phase"
        return dict(self._db.execute(query))

    def made(self, ids: Collection[str]) -> set[str]:
        """Return those ids under which records stand that were created, of any object."""
        return {found for (found,) in self._db.execute(_MADE, (json.dumps(list(ids)),))}

    def standing_of(self, line: str, source_object: str) -> Iterator[Entry]:
        """Walk the principal records of a mapping line that stand in the destination."""
        return self._entries(_STANDING, (line, source_object))

    def with_outcome(self, outcome: Outcome, *, principal: bool = True) -> Iterator[Entry]:
        """
        Walk what stands at an outcome, over all runs and phases.

        :param principal: only the records themselves, else only the rows that hang on them
        """
        return self._entries(_BY_OUTCOME, (outcome, principal))

    def standing_by_line(self) -> dict[tuple[str, str], int]:
        """Return (line, source object) -> number of principal records in the destination."""
        query = (
            "SELECT line, object, count(*) FROM records"
            " WHERE part = '' AND origin IS NOT NULL GROUP BY line, object"
        )
        return {(line, name): number for line, name, number in self._db.execute(query)}

    def open_intents(self, phase: str) -> list[Row]:
        """Return the intents of a phase that no result has closed."""
        query = (
            "SELECT row FROM intents WHERE phase = ? ORDER BY ref, line, object, source_id, part"
        )
        return [json.loads(row) for (row,) in self._db.execute(query, (phase,))]

    def unattached_uploads(self) -> list[Row]:
        """Return the uploads that were completed and never attached: residue."""
        query = "SELECT row FROM uploads WHERE attached = 0 ORDER BY line, object, source_id"
        return [json.loads(row) for (row,) in self._db.execute(query)]

    def written_by_others(self, epoch: int, run: str) -> int:
        """
        Count the keys that runs other than one wrote of last, or announced to, after an epoch.

        :param run: the run's prefix in staging
        """
        (number,) = self._db.execute(_BY_OTHERS, (epoch, run)).fetchone()
        return int(number)
