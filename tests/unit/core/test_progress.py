"""The log tells how far long work is, not too often, and never whose records they are."""

from __future__ import annotations

from airflow_crm_migration.core.progress import ProgressLog


class Clock:
    """A clock that stands still until it is told to move."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def log(total: int) -> tuple[ProgressLog, Clock, list[str]]:
    clock, said = Clock(), list[str]()
    return ProgressLog("load person", total, said.append, every=10, clock=clock), clock, said


def test_a_line_tells_count_share_rate_and_time_left() -> None:
    progress, clock, said = log(4000)
    clock.now += 10
    progress(1000)
    assert said == ["load person: 1,000 of 4,000 (25 %), 100 a second, 30 s left"]


def test_nobody_is_told_more_often_than_asked_for() -> None:
    progress, clock, said = log(100)
    for done in range(1, 101):
        clock.now += 0.5
        progress(done)
    assert len(said) == 5


def test_the_end_is_always_told() -> None:
    progress, clock, said = log(2)
    progress(2)
    clock.now += 4
    progress.finish()
    assert said == ["load person: 2 of 2 (100 %), 0 a second"]


def test_what_nobody_counted_has_no_share() -> None:
    progress, clock, said = log(0)
    clock.now += 10
    progress(50)
    assert said == ["load person: 50, 5 a second"]


def test_no_time_and_no_work_are_no_mistake() -> None:
    progress, _, said = log(10)
    progress.finish()
    assert said == ["load person: 0 of 10 (0 %), 0 a second"]


def test_what_was_done_since_may_be_told_too() -> None:
    progress, clock, said = log(100)
    progress.advance(30)
    clock.now += 10
    progress.advance(20)
    assert said == ["load person: 50 of 100 (50 %), 5 a second, 10 s left"]
