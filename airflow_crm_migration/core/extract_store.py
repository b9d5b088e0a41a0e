"""Where the records of one object wait on disk until API and CSV have been put together."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from airflow_crm_migration.core.canonical import canonical_json
from airflow_crm_migration.core.cells import BadCell
from airflow_crm_migration.core.identity import natural_id
from airflow_crm_migration.core.staging import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.protocols import Values

API, CSV = "api", "csv"

_TABLE = """
create table record (
    side text, number integer primary key, id text, key text, digest text, twice integer,
    anew integer, mate integer, content text, file text, row integer
);
create unique index by_id on record (side, id) where id is not null and not twice;
create index by_key on record (key) where key is not null;
create table claimed (id text primary key, times integer) without rowid;
"""
_SAME_ID = "select number, digest, anew from record where side=? and id=? and not twice"
_INSERT = (
    "insert into record (side, id, key, digest, twice, anew, content, file, row)"
    " values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_CLAIM = "insert into claimed values (?, 1) on conflict (id) do update set times = times + 1"
# A key that is in use more than once names nobody; a row with an id of its own is never renamed.
_MATE_BY_KEY = """
update record set mate = (
    select c.number from record c where c.side = 'csv' and c.key = record.key and c.id is null
)
where side = 'api' and mate is null and not twice and key in (
    select key from record where key is not null group by key
    having sum(side = 'api') = 1 and sum(side = 'csv') = 1 and sum(side = 'csv' and id is null) = 1
)
"""
_MATE_BY_ID = """
update record set mate = (
    select c.number from record c where c.side = 'csv' and c.id = record.id and not c.twice
)
where side = 'api' and id is not null and not twice
"""


@dataclass(frozen=True)
class Received:
    """
    A record as it was received, typed.

    :param bad: cells that have no reading
    :param file: of a CSV row, else ``api``
    :param row: of the file, or the record's number in the order of the API
    """

    values: Values
    bad: tuple[BadCell, ...]
    file: str
    row: int


@dataclass(frozen=True)
class Merged:
    """
    What is known of one record.

    :param sides: ``api``, ``csv`` or both
    :param twice: whether its id belongs to a record before it
    """

    received: Received
    sides: frozenset[str]
    twice: bool = False


@dataclass
class ExtractStore:
    """
    A temporary database of one object's records; a context manager.

    :param key: fields of its natural key, by which a CSV row without id finds its record
    """

    key: Sequence[str] = ()
    collapsed: int = 0
    _folder: Any = field(default=None, repr=False)
    _database: Any = field(default=None, repr=False)

    def __enter__(self) -> Self:
        """Make the database."""
        self._folder = tempfile.TemporaryDirectory()
        self._database = sqlite3.connect(Path(self._folder.name) / "records.sqlite")
        self._database.executescript(f"pragma journal_mode=off; pragma synchronous=off; {_TABLE}")
        return self

    def __exit__(self, *_: object) -> None:
        """Throw the database away."""
        self._database.close()
        self._folder.cleanup()

    def add(self, side: str, record: Received, *, anew: bool = True) -> bool:
        """
        Take a record; one that equals another with the same id is the same record.

        An API that gives an id twice gave the record once more after a change: the later one holds.

        :param anew: false for one that an earlier run received, which gives way to what is new
        :return: whether it was taken
        """
        content = canonical_json([record.values, [astuple(b) for b in record.bad]])
        digest = sha256(content.encode())
        record_id = record.values.get("id")
        before = self._database.execute(_SAME_ID, (side, record_id)).fetchone()
        number, known, newer = before or (None, None, False)
        if newer and not anew:
            return False
        if known == digest:
            self.collapsed += 1
            return False
        if before and side == API:
            self._database.execute("delete from record where number=?", (number,))
        twice = before is not None and side == CSV
        key = natural_id(record.values, self.key)
        row = (side, record_id, key, digest, twice, anew, content, record.file, record.row)
        self._database.execute(_INSERT, row)
        return True

    def claim(self, made_id: str) -> int:
        """Take an id that was made of a record's values; return how often it was taken by now."""
        self._database.execute(_CLAIM, (made_id,))
        return int(self._one("select times from claimed where id=?", made_id))

    def ids(self, side: str) -> int:
        """Return how many records of a side have an id."""
        return int(self._one("select count(*) from record where side=? and id is not null", side))

    def match(self) -> int:
        """Find the CSV row of each record of the API, by id, else by key; return how many."""
        self._database.execute(_MATE_BY_ID)
        self._database.execute(_MATE_BY_KEY)
        return int(self._one("select count(mate) from record"))

    def records(self) -> Iterator[Merged]:
        """Walk what both sides know: the API's records in its order, then the rows of CSV alone."""
        together = self._database.execute(
            "select a.side, a.twice, a.content, a.file, a.row, c.content, c.file, c.row"
            " from record a left join record c on c.number = a.mate"
            " where a.number not in (select mate from record where mate is not null)"
            " order by a.side, a.number"
        )
        for side, twice, *both in together:
            own = _received(*both[:3])
            if both[3] is None:
                yield Merged(own, frozenset({side}), bool(twice))
            else:
                yield Merged(_enriched(own, _received(*both[3:])), frozenset({API, CSV}))

    def _one(self, query: str, *values: Any) -> Any:
        row = self._database.execute(query, values).fetchone()
        return row[0] if row else None


def _received(content: str, file: str, row: int) -> Received:
    values, bad = json.loads(content)
    return Received(values, tuple(BadCell(*b) for b in bad), file, row)


def _enriched(api: Received, row: Received) -> Received:
    """Fill what the API left blank; a bad cell counts only where the other side has no value."""
    values = {**row.values, **api.values}
    bad = tuple(b for b in (*api.bad, *row.bad) if b.field not in values)
    return Received(values, bad, row.file, row.row)
