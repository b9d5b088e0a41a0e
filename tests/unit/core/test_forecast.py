"""What is foretold is what the limiter of the real run allows, to the second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.forecast import (
    Calls,
    Step,
    duration,
    forecast_line,
    foretell,
    predict,
    read_forecast,
)
from airflow_crm_migration.core.limits import Budget, Window
from airflow_crm_migration.core.protocols import Usage
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400
MINUTE = Budget((Window(100, 60),), 0.5)


def step(*calls: tuple[float, int], name: str = "load", seconds: float = 0.0) -> Step:
    return Step("person", name, list(calls), seconds)


def test_calls_take_what_the_windows_leave_of_them() -> None:
    [found] = predict([step((1.0, 500))], MINUTE)
    assert (found.requests, found.weight, found.deferrals) == (500, 500, 0)
    assert found.seconds == pytest.approx(600, rel=0.01)


def test_calls_that_no_limit_counts_take_only_their_own_time() -> None:
    [found] = predict([step((0.0, 40), seconds=0.25)], MINUTE)
    assert (found.requests, found.weight, found.seconds) == (40, 0, 10)


def test_the_time_of_replies_passes_within_the_time_of_the_limit() -> None:
    slow, quick = predict([step((1.0, 100), seconds=s) for s in (2.0, 0.1)], MINUTE)
    assert slow.seconds == pytest.approx(200, rel=0.02)
    assert quick.seconds == pytest.approx(120, rel=0.02)


def test_costs_are_those_of_the_calls() -> None:
    budget = Budget((Window(10, 1, calls=True), Window(6000, 600)), 1)
    creates, notes = predict([step((5.0, 1000)), step((10.0, 100))], budget)
    assert creates.seconds == pytest.approx(500, rel=0.02)
    assert notes.seconds == pytest.approx(100, rel=0.02)


def test_a_budget_of_a_day_lasts_over_all_steps_and_defers() -> None:
    budget = Budget((Window(100, 60), Window(1000, DAY)), 1)
    first, second = predict([step((1.0, 800)), step((1.0, 800), name="reconcile")], budget)
    assert first.deferrals == 0
    assert first.seconds == pytest.approx(480, rel=0.01)
    assert second.deferrals == 1
    assert second.seconds == pytest.approx(DAY, rel=0.02)


def test_equal_calls_are_kept_as_one_entry() -> None:
    calls = Calls()
    calls.add([1.0, 1.0, 0.0])
    calls.add_made(Usage(10, 4.0, 0.0), Usage(15, 7.0, 9.0))
    calls.add_made(Usage(15, 7.0, 0.0), Usage(16, 27.0, 9.0))
    calls.add_made(Usage(16, 27.0, 0.0), Usage(16, 27.0, 9.0))
    assert calls.runs == [(1.0, 2), (0.0, 1), (1.0, 3), (0.0, 2), (20.0, 1)]
    assert calls.number == 9


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Staging(tmp_path), "run-1", "acme", "sandbox", dry_run=True)


def test_a_run_collects_its_steps_and_one_done_again_counts_once(run: Run) -> None:
    assert read_forecast(run) is None
    for calls in (30, 50):
        foretell(run, step((1.0, calls)), MINUTE)
    foretell(run, step((1.0, 2), (0.0, 3), name="reconcile"), MINUTE)
    found: Any = read_forecast(run)
    assert [(one.step, one.requests) for one in found.predicted] == [("load", 50), ("reconcile", 5)]
    assert found.total.requests == 55
    assert found.total.seconds == pytest.approx(62.4, rel=0.02)


def test_the_log_tells_it_in_words(run: Run) -> None:
    line = forecast_line(foretell(run, step((1.0, 3000)), MINUTE))
    assert line == "3,000 requests in 1 h 0 min at 50 % of 100/60s"
    budget = Budget((Window(1000, DAY),), 0.8)
    line = forecast_line(foretell(run, step((1.0, 2000)), budget))
    assert line.endswith("80 % of 1000/86400s, 2 times deferred until a budget starts anew")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.4, "0 s"), (59.6, "1 min 0 s"), (3661, "1 h 1 min"), (90000, "1 d 1 h")],
)
def test_a_duration_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
