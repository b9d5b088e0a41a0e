"""Writes a report: the page, and beside it a CSV file of every table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.report.csvs import write_csv
from airflow_crm_migration.core.report.render import render_report
from airflow_crm_migration.core.report.tables import all_tables

if TYPE_CHECKING:
    from airflow_crm_migration.core.report.model import Facts
    from airflow_crm_migration.core.staging import Staging


def write_report(staging: Staging, facts: Facts) -> str:
    """
    Write ``reports/<run>/report.html`` and its CSV files; an earlier report of the run is replaced.

    :param facts: from :func:`.facts.collect`
    :return: name of the page in staging
    """
    folder = f"reports/{facts.run.folder}"
    for table in all_tables(facts).values():
        write_csv(staging, f"{folder}/{table.name}.csv", table)
    page = f"{folder}/report.html"
    staging.write_bytes(page, render_report(facts).encode())
    return page
