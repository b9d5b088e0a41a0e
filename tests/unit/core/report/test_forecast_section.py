"""A dry run's report says what the real run would take; no other report speaks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.forecast import Step, foretell
from airflow_crm_migration.core.limits import Budget, Window
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.verdict import verdict_step
from tests.support.report import RUN, MadeRun

if TYPE_CHECKING:
    from pathlib import Path

STEPS = [
    Step("person", "load", [(1.0, 60), (0.0, 8)], 0.0),
    Step("person", "reconcile", [(1.0, 2)], 0.0),
]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Staging(tmp_path), RUN, "acme", "sandbox", dry_run=True)


@pytest.fixture
def foretold(run: Run) -> MadeRun:
    made = MadeRun(run.staging).begin(dry_run=True).extract().decide().load(["person"])
    for step in STEPS:
        foretell(run, step, Budget((Window(100, 60),), 0.5))
    return made


def test_the_section_tells_outcomes_requests_and_time(foretold: MadeRun) -> None:
    page = foretold.report().page
    text = " ".join(page.text["forecast"].split())
    assert "created, " in text
    assert "rejected records; 70 requests in 1 min 14 s at 50 % of 100/60s." in text
    assert [list(row.values()) for row in page.rows("Requests and time by step")] == [
        ["person", "load", "68", "60", "1 min 12 s", "0"],
        ["person", "reconcile", "2", "2", "2 s", "0"],
    ]


def test_its_rows_lie_beside_it(foretold: MadeRun) -> None:
    assert [row["step"] for row in foretold.report().csv("forecast")] == ["load", "reconcile"]


def test_a_run_that_wrote_has_no_such_section(tmp_path: Path) -> None:
    made = MadeRun(Staging(tmp_path)).begin().extract().decide().load(["person"])
    assert "forecast" not in made.report().page.text


def test_the_last_line_of_the_log_tells_it_too(run: Run, foretold: MadeRun) -> None:
    lines = verdict_step(run, ["person"], [], []).lines
    assert "the destination would count" in lines[0]
    assert lines[-1] == (
        "dry run, nothing was written: 70 requests in 1 min 14 s at 50 % of 100/60s"
    )
