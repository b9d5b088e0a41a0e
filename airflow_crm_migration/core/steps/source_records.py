"""Puts together what the mapping is fed: extract, index, merge map, selection."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.extract_read import rejected_rows
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.selection import SELECTION, Selection, select_sample
from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.core.steps.duplicates import read_decided
from airflow_crm_migration.core.transform.link_index import LinkIndex
from airflow_crm_migration.core.transform.records import SourceRecords

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run


@contextmanager
def indexed(run: Run, mapping: PairMapping) -> Iterator[LinkIndex]:
    """Open an index of all source records by every key that links may name."""
    with LinkIndex(read_decided(run).survivors) as index:
        for name in mapping.source_objects:
            keys, looked_at = mapping.keys.get(name, {}), mapping.looked_at.get(name, set())
            for record in run.records(name):
                index.add(name, keys, record, looked_at=looked_at)
            # What names a rejected record names a record that did not arrive, not a missing one.
            for row in rejected_rows(run.staging, run.folder, name):
                known = {**row.get("values", {}), "id": row["id"]}
                index.add(name, keys, known, readable=False, looked_at=looked_at)
        yield index


@contextmanager
def source_records(
    run: Run, mapping: PairMapping, choices: Mapping[str, Any], *, whole: bool = False
) -> Iterator[SourceRecords]:
    """
    Open the records of a run as they enter the mapping.

    :param choices: as the engagement says
    :param whole: those too that a sample run leaves out
    """
    with indexed(run, mapping) as index:
        merged = {
            (row["object"], str(row["values"]["id"])): row["values"]
            for row in read_parts(run.staging, run.name("dedupe/merged"))
        }
        selection = None if whole else read_selection(run)
        chosen = mapping.chosen(dict(choices))
        yield SourceRecords(mapping, run.records, index, merged, selection, chosen)


def choose_sample(
    run: Run, mapping: PairMapping, size: int, *, choices: Mapping[str, Any]
) -> dict[str, int]:
    """
    Choose the records of a sample run.

    :param choices: what the customer chose
    :param size: records per source object before their parents are added
    :return: source object -> number chosen
    """
    with source_records(run, mapping, choices, whole=True) as records:
        chosen = select_sample(mapping, records.walk, records.index, size, records.choices)
    run.write(SELECTION, {name: sorted(ids) for name, ids in chosen.items()})
    return {name: len(ids) for name, ids in chosen.items()}


def choose_unfinished(
    run: Run, mapping: PairMapping, *, choices: Mapping[str, Any]
) -> dict[str, int]:
    """
    Choose the records that the environment's ledger calls rejected or held, and no others.

    Those of which only a link was rejected count too, and so do the records that a chosen one
    becomes part of.

    :param choices: as the engagement says
    :return: source object -> number chosen, of those that are still in the source
    """
    with Ledger(run.staging, run.ledger) as ledger:
        chosen = _unfinished(ledger.snapshot)
    with source_records(run, mapping, choices, whole=True) as records:
        for name, ids in chosen.items():
            ids |= {records.index.survivor(name, source_id) for source_id in ids}
        for fold in mapping.folds:
            for name, source_id in records.folded_into(fold, chosen.get(fold.source, set())):
                chosen.setdefault(name, set()).add(source_id)
        there = {
            name: sum(bool(records.index.find(name, "id", source_id)) for source_id in ids)
            for name, ids in chosen.items()
        }
    run.write(SELECTION, {name: sorted(ids) for name, ids in chosen.items()})
    return there


def _unfinished(snapshot: Snapshot) -> Selection:
    chosen: Selection = {}
    found = chain(
        snapshot.with_outcome(Outcome.REJECTED),
        snapshot.with_outcome(Outcome.HELD),
        snapshot.with_outcome(Outcome.REJECTED, principal=False),
    )
    for entry in found:
        chosen.setdefault(entry.key.source_object, set()).add(entry.key.source_id)
    return chosen


def read_selection(run: Run) -> Selection | None:
    """Return the records of a sample, None when the run takes all."""
    chosen: dict[str, Any] | None = run.read_if_there(SELECTION, None)
    return None if chosen is None else {name: set(ids) for name, ids in chosen.items()}
