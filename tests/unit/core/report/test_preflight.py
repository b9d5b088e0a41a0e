"""What was in the way of a run is told to people by name, each with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.protocols import Finding, Severity

if TYPE_CHECKING:
    from tests.support.report import MadeRun, Report

FOUND = [
    Finding(Severity.INFO, "tenant", "workspace ACME (w-1)"),
    Finding(Severity.WARNING, "demo_records", "records of sign-up: Airbnb, Ivan", "delete them"),
    Finding(Severity.BLOCKER, "role_permission", "note cannot be read", "give access to note"),
]


def test_every_finding_stands_in_the_report_with_its_fix_the_worst_first(run: MadeRun) -> None:
    run.begin().write("preflight/sandbox.json", [vars(finding) for finding in FOUND])
    report = run.report()
    rows = report.page.rows("Checks")
    assert [list(row.values()) for row in rows] == [
        ["stops the run", "role permission", "note cannot be read", "give access to note"],
        ["look at it", "demo records", "records of sign-up: Airbnb, Ivan", "delete them"],
        ["for information", "tenant", "workspace ACME (w-1)", ""],
    ]
    assert [list(row.values()) for row in report.csv("preflight")] == [
        list(row.values()) for row in rows
    ]


def test_a_run_that_checked_nothing_has_no_such_section(report: Report) -> None:
    assert "preflight" not in {attrs.get("id") for tag, attrs in report.page.tags}
