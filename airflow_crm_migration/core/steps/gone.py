"""The step that lists what is gone from the source and stands in the destination; it stays there.

An object that was read by a window cannot show what is gone: the rest of it is as it was.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.extract_read import extract_manifest, read_extract, rejected_rows
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.staging import PartWriter, read_manifest, read_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run


def list_gone(run: Run, mapping: PairMapping) -> dict[str, int]:
    """
    List per source object what stands in the environment and is not in the run's extract.

    :return: source object -> number of mapping lines of gone records, without objects that were
        read by a window
    """
    counts: dict[str, int] = {}
    with Ledger(run.staging, run.ledger) as ledger:
        for name in mapping.source_objects:
            if "base" in extract_manifest(run.staging, run.folder, name)["window"]:
                continue
            writer = PartWriter(run.staging, run.name(f"gone/{name}"))
            for row in _gone(run, mapping, name, ledger.snapshot):
                writer.add(row)
            counts[name] = sum(part["rows"] for part in writer.finish()["parts"])
    return counts


class GoneRecords:
    """Knows what a run found to be gone from the source, once it is asked."""

    def __init__(self, run: Run) -> None:
        """Take the run that listed it."""
        self._run = run
        self._listed: dict[str, set[tuple[str, str]]] = {}

    def __call__(self, key: Key) -> bool:
        """Tell whether the source record of a key is gone; unknown where nothing was listed."""
        name = key.source_object
        if name not in self._listed:
            folder = self._run.name(f"gone/{name}")
            known = read_manifest(self._run.staging, folder) is not None
            rows = read_parts(self._run.staging, folder) if known else ()
            self._listed[name] = {(row["line"], row["id"]) for row in rows}
        return (key.line, key.source_id) in self._listed[name]


def _gone(
    run: Run, mapping: PairMapping, object_name: str, snapshot: Snapshot
) -> Iterator[dict[str, Any]]:
    lines = [line.id for line in mapping.lines if line.source == object_name]
    with _known(run, object_name) as known:
        for entry in chain.from_iterable(snapshot.standing_of(i, object_name) for i in lines):
            line, _, source_id, _ = entry.key
            here = entry.last["reason"] != Reason.GONE_FROM_DESTINATION
            if here and not known(source_id):
                yield {"id": source_id, "line": line, "destination_id": entry.destination_id}


@contextmanager
def _known(run: Run, object_name: str) -> Iterator[Callable[[str], bool]]:
    """Open a look-up of the ids that a run read, readable or not; it waits on disk."""
    with closing(sqlite3.connect("")) as database:
        database.execute("create table known (id text primary key) without rowid")
        for rows in (
            read_extract(run.staging, run.folder, object_name, ["id"]),
            rejected_rows(run.staging, run.folder, object_name),
        ):
            ids = ((str(row["id"]),) for row in rows)
            database.executemany("insert or ignore into known values (?)", ids)

        def known(source_id: str) -> bool:
            query = "select 1 from known where id = ?"
            return database.execute(query, (source_id,)).fetchone() is not None

        yield known
