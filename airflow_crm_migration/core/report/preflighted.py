"""What was looked at in the destination before anything was written to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.protocols import Severity
from airflow_crm_migration.core.report.table import Table, table
from airflow_crm_migration.core.report.words import spoken

if TYPE_CHECKING:
    from airflow_crm_migration.core.report.model import Facts

_MEANING = {
    Severity.BLOCKER: "stops the run",
    Severity.WARNING: "look at it",
    Severity.INFO: "for information",
}


def preflight_table(facts: Facts) -> Table:
    """Return the table of all findings, the worst first, each with its fix."""
    found = sorted(facts.preflight, key=lambda finding: list(_MEANING).index(finding.severity))
    rows = [(_MEANING[f.severity], spoken(f.check), f.message, f.fix) for f in found]
    return table("preflight", ("importance", "check", "found", "what to do"), rows)
