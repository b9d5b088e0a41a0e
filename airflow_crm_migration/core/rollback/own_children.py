"""Which records of ours refer to a record, by what the ledger says we stored."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from airflow_crm_migration.core.canonical import field_hash
from airflow_crm_migration.core.fields import FieldType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.snapshot import Entry

_TABLE = "CREATE TABLE refers (hash TEXT, id TEXT, PRIMARY KEY (hash, id)) WITHOUT ROWID"
_FIND = "SELECT DISTINCT id FROM refers WHERE hash IN (SELECT value FROM json_each(?)) LIMIT ?"


class OwnChildren:
    """
    An index on disk, for a large customer has millions of links.

    It spares requests: the destination is told not to list what we know. Whoever asks for more
    than ``most`` gets none, for a list that long would spare nothing.
    """

    most = 10_000

    def __enter__(self) -> Self:
        """Make an empty index."""
        self._folder = tempfile.TemporaryDirectory(prefix="crm-children-")
        self._db = sqlite3.connect(Path(self._folder.name) / "children.sqlite")
        self._db.execute(_TABLE)
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the index."""
        self._db.close()
        self._folder.cleanup()

    def add(self, entries: Iterable[Entry], schema: Mapping[str, ObjectSpec], phase: str) -> None:
        """
        Take what the ledger says of a phase.

        :param entries: those that do not stand are passed over
        :param schema: the destination's objects
        """
        for entry in entries:
            spec = schema.get(entry.key.part.partition(":")[0] or phase)
            if spec is not None and entry.stands:
                stored = entry.last.get("stored", {})
                self._db.executemany(
                    "INSERT OR IGNORE INTO refers VALUES (?, ?)",
                    [(stored[name], entry.destination_id) for name in _references(spec, stored)],
                )

    def of(self, ids: Collection[str]) -> list[str]:
        """Return the ids of our records that refer to records, none where there are too many."""
        wanted = json.dumps([field_hash(FieldType.REFERENCE, one) for one in ids])
        found = [one for (one,) in self._db.execute(_FIND, (wanted, self.most + 1))]
        return found if len(found) <= self.most else []


def _references(spec: ObjectSpec, stored: Mapping[str, object]) -> list[str]:
    return [
        name
        for name in stored
        if name in spec.fields and spec.fields[name].type is FieldType.REFERENCE
    ]
