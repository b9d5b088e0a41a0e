"""Writes for people what a rollback would do, a row for each record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.report.csvs import write_csv
from airflow_crm_migration.core.report.table import Table
from airflow_crm_migration.core.report.words import reason_words
from airflow_crm_migration.core.rollback.forecast import read_planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.table import Row
    from airflow_crm_migration.core.run import Run

COLUMNS = ("what happens", "object", "id", "in the source", "why", "detail")


def write_review(run: Run, phase: str) -> None:
    """Write ``review/rollback/<environment>/<phase>.csv`` from what was forecast."""

    def walk() -> Iterator[Row]:
        for one in read_planned(run, phase):
            sources = ", ".join(f"{key.source_object} {key.source_id}" for key in one.keys)
            why = reason_words(one.reason) if one.reason else ""
            yield one.fate, phase, one.id, sources, why, one.detail

    table = Table(phase, COLUMNS, walk, 0)
    write_csv(run.staging, f"review/rollback/{run.environment}/{phase}.csv", table)
