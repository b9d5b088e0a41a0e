"""Finds source records by id, e-mail, domain or name, with ambiguity as a result of its own.

Held in a local SQLite file: millions of keys stay out of memory.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from airflow_crm_migration.core.values.domains import (
    names_no_company,
    own_domain,
    registrable_domain,
)
from airflow_crm_migration.core.values.emails import addresses_in, normal_email
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import LinkWay

Survivors = Mapping[tuple[str, str], str]
"""(object, merged source id) -> source id of the survivor."""


class LinkIndex:
    """
    Which source records answer to a key.

    Use as a context manager: the file is removed at the end.
    """

    def __init__(self, survivors: Survivors) -> None:
        """
        Begin an empty index.

        :param survivors: merged records answer as their survivor, so that the spellings of one
            person are not ambiguous
        """
        self._survivors = survivors
        self._folder = tempfile.TemporaryDirectory(prefix="crm-links-")
        self._db = sqlite3.connect(Path(self._folder.name) / "links.sqlite")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(
            "CREATE TABLE keys (object TEXT, by TEXT, key TEXT, id TEXT, readable INTEGER,"
            " PRIMARY KEY (object, by, key, id)) WITHOUT ROWID"
        )
        self._db.execute(
            "CREATE TABLE known (object TEXT, id TEXT, fields TEXT,"
            " PRIMARY KEY (object, id)) WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        """Return the index."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        self._db.close()
        self._folder.cleanup()

    def add(
        self,
        object_name: str,
        keys: Mapping[str, Iterable[str]],
        record: Mapping[str, Any],
        *,
        readable: bool = True,
        looked_at: Iterable[str] = (),
    ) -> None:
        """
        Index a record.

        :param keys: way -> fields that carry its keys
        :param record: a typed source record with ``id``
        :param readable: one that could not be read whole answers only where no other does
        :param looked_at: fields that conditions on other records look at
        """
        source_id = str(record["id"])
        rows = [(object_name, "id", source_id, source_id, readable)]
        for by, fields in keys.items():
            keyed = (key_of(by, text) for f in fields for text in _named(by, record.get(f)))
            rows += [(object_name, by, key, source_id, readable) for key in keyed if key]
        self._db.executemany("INSERT OR IGNORE INTO keys VALUES (?,?,?,?,?)", rows)
        if known := {name: record.get(name) for name in looked_at}:
            row = (object_name, source_id, json.dumps(known, default=str))
            self._db.execute("INSERT OR IGNORE INTO known VALUES (?,?,?)", row)

    def find(self, object_name: str, by: str, value: str) -> set[str]:
        """
        Return the source ids of the records that answer to a key: none, one, or an ambiguity.

        :param by: ``id``, ``email``, ``domain`` or ``name``
        """
        answers = self._answers(object_name, by, value)
        best = any(readable for _, readable in answers)
        return {source_id for source_id, readable in answers if readable == best}

    def _answers(self, object_name: str, by: str, value: str) -> list[tuple[str, bool]]:
        """Return the source ids of all who answer to a key, and whether they could be read."""
        key = key_of(by, value)
        query = "SELECT id, readable FROM keys WHERE object = ? AND by = ? AND key = ?"
        found = self._db.execute(query, (object_name, by, key)).fetchall()
        return [(self.survivor(object_name, i), bool(readable)) for i, readable in found]

    def survivor(self, object_name: str, source_id: str) -> str:
        """Return the id under which a record lives on."""
        return self._survivors.get((object_name, source_id), source_id)

    def matches(self, way: LinkWay, record: Mapping[str, Any]) -> list[tuple[str, set[str]]]:
        """
        Return what each value of a link way finds.

        :return: (value, source ids found) for every value that names somebody: a free-mail domain
            and a host of many companies' pages do not
        """
        if way.through is None:
            return self._matches(way, record)
        found: list[tuple[str, set[str]]] = []
        for value, ids in self._matches(way.through, record):
            found += [] if ids else [(value, ids)]
            between = (self._known(way.through.object, source_id) for source_id in sorted(ids))
            found += [match for other in between for match in self._matches(way, other)]
        return found

    def _matches(self, way: LinkWay, record: Mapping[str, Any]) -> list[tuple[str, set[str]]]:
        values = _values(way, record)
        if way.by == "self":
            return [(value, {value}) for value in values]
        return [(value, self.find(way.object, way.by, value)) for value in values]

    def candidates(self, way: LinkWay, record: Mapping[str, Any]) -> set[tuple[str, str]]:
        """
        Return what a link way may lead to, were all that answers to its values readable.

        :return: (object, source id); no id for all of the object, where a record that lies between
            could not be read whole
        """
        beginnings = [record]
        if way.through is not None:
            if not self.readable(way.through, record):
                return {(way.object, "")}
            between = self._all_answers(way.through, record)
            beginnings = [self._known(way.through.object, source_id) for source_id, _ in between]
        answers = [found for other in beginnings for found in self._all_answers(way, other)]
        return {(way.object, source_id) for source_id, _ in answers}

    def readable(self, way: LinkWay, record: Mapping[str, Any]) -> bool:
        """Tell whether all that a plain way may lead to could be read whole."""
        return all(readable for _, readable in self._all_answers(way, record))

    def _all_answers(self, way: LinkWay, record: Mapping[str, Any]) -> list[tuple[str, bool]]:
        values = _values(way, record)
        return [found for v in values for found in self._answers(way.object, way.by, v)]

    def related(self, way: LinkWay, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Walk what conditions may look at of each record that a link way finds."""
        for _, ids in self.matches(way, record):
            yield from (self._known(way.object, source_id) for source_id in sorted(ids))

    def _known(self, object_name: str, source_id: str) -> dict[str, Any]:
        query = "SELECT fields FROM known WHERE object = ? AND id = ?"
        row = self._db.execute(query, (object_name, source_id)).fetchone()
        return json.loads(row[0]) if row else {}


def _values(way: LinkWay, record: Mapping[str, Any]) -> list[str]:
    """Return the values of a record that name somebody."""
    values = _named(way.by, record.get(way.source))
    if way.by == "domain":
        return [v for v in values if not names_no_company(registrable_domain(v) or "")]
    return values


def _named(by: str, value: Any) -> list[str]:
    """Return the texts of a value that name records; a cell may hold several addresses."""
    found = texts(value)
    return [a for text in found for a in addresses_in(text)] if by == "email" else found


def key_of(by: str, value: str) -> str | None:
    """Return the form of a key in which spellings of the same thing are equal."""
    if by == "id":
        return value.strip() or None
    if by == "email":
        return normal_email(value)
    if by == "domain":
        return own_domain(value)
    return " ".join(value.split()).casefold() or None
