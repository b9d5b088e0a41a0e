"""The tables of a rollback: forecast beside done, what was kept, what nobody takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.report.table import Table, table
from airflow_crm_migration.core.report.words import FATES, reason_words, spoken
from airflow_crm_migration.core.rollback.plan import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.model import Facts
    from airflow_crm_migration.core.report.table import Row

_RESIDUE = {
    "traces": "entries about deleted records that the destination's history keeps",
    "histories": "restored records whose history in the destination tells what became of them",
    "uploads": "uploads of earlier runs that are attached to nothing",
    "binaries": "uploaded files whose attachment is deleted; the destination's store may keep them",
}


def rollback_tables(facts: Facts) -> list[Table]:
    """Return the tables; those of what did not happen have no rows."""
    return [_counts(facts), _kept(facts), _kept_groups(facts), _residue(facts), _made(facts)]


def _counts(facts: Facts) -> Table:
    def rows() -> Iterator[Row]:
        for phase in facts.rollback.phases if facts.rollback else ():
            for fate in Fate:
                planned, undone = phase.planned.get(fate, 0), phase.undone
                done = None if undone is None else undone.get(fate, 0)
                if planned or done:
                    yield phase.name, FATES[fate], planned, done

    return table("rollback", ("object", "what", "forecast", "done"), rows())


def _kept(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for r in facts.kept.walk():
            yield r.object, r.id, r.sources, r.reason, reason_words(r.reason), r.detail

    columns = ("object", "id", "in the source", "reason", "meaning", "detail")
    return Table("rollback_kept", columns, walk, facts.kept.total)


def _kept_groups(facts: Facts) -> Table:
    rows: list[Row] = [
        (name, reason, number, reason_words(reason)) for (name, reason), number in facts.kept.groups
    ]
    return table("rollback_kept_groups", ("object", "reason", "number", "meaning"), rows)


def _residue(facts: Facts) -> Table:
    found = facts.rollback.residue if facts.rollback else {}
    rows = [(name, found[name], words) for name, words in _RESIDUE.items() if found.get(name)]
    return table("rollback_residue", ("what", "number", "meaning"), rows)


def _made(facts: Facts) -> Table:
    rows = [
        (one.object, one.field, spoken(one.action), one.detail)
        for one in (facts.rollback.schema if facts.rollback else ())
    ]
    return table("rollback_schema", ("object", "field", "change", "detail"), rows)
