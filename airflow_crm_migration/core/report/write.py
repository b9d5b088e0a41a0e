"""Writes a report: the page, and beside it a CSV file of every table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.report.csvs import write_csv
from airflow_crm_migration.core.report.facts import collected
from airflow_crm_migration.core.report.render import render_report
from airflow_crm_migration.core.report.tables import all_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.staging import Staging


def write_report(
    staging: Staging,
    run: str,
    *,
    keyring: Keyring | None = None,
    signers: Sequence[str] = (),
) -> str:
    """
    Write ``reports/<run>/report.html`` and its CSV files; an earlier report of the run is replaced.

    :param run: the run's folder in staging
    :param keyring: checks the sign-offs; without one they are told as not checked
    :param signers: who may sign, by mail address or name; empty for anyone
    :return: name of the page in staging
    """
    folder = f"reports/{run}"
    with collected(staging, run, keyring=keyring, signers=signers) as facts:
        for table in all_tables(facts).values():
            write_csv(staging, f"{folder}/{table.name}.csv", table)
        page = render_report(facts)
    staging.write_bytes(f"{folder}/report.html", page.encode())
    return f"{folder}/report.html"
