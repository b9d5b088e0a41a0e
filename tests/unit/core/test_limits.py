from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.errors import QuotaSpent
from airflow_crm_migration.core.limits import Budget, Left, Limiter, Window, parse_windows


class VirtualTime:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


DAY = 86400.0


def limiter(windows: list[Window], share: float, time: VirtualTime) -> Limiter:
    return Limiter(Budget(tuple(windows), share), clock=time.clock, sleep=time.sleep)


def test_windows_are_read_from_a_connection():
    assert parse_windows("100/60s, 5/0.5s") == (Window(100, 60.0), Window(5, 0.5))
    assert parse_windows("80 calls/2s") == (Window(80, 2.0, calls=True),)
    assert str(parse_windows("80 calls/2s")[0]) == "80 calls/2s"


@pytest.mark.parametrize(
    "text", ["", "100", "100/s", "100/60", "0/60s", "5/0s", "100/60s,", "-1/1s"]
)
def test_a_bad_window_is_named_with_the_fix(text: str):
    with pytest.raises(ValueError, match=r"for example 100/60s") as caught:
        parse_windows(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("share", [0, -0.5, 1.1])
def test_a_bad_share_is_refused(share: float):
    with pytest.raises(ValueError, match="budget share"):
        Budget((Window(1, 1),), share)


def test_the_first_call_passes_and_the_next_ones_keep_the_rate():
    time = VirtualTime()
    limit = limiter([Window(100, 60)], 0.5, time)
    for _ in range(51):
        limit.acquire()
    assert time.now - 1000 == pytest.approx(60)


def test_limiters_made_one_after_another_have_no_burst_to_add_up():
    time = VirtualTime()
    for _ in range(20):
        limit = limiter([Window(60, 60)], 1, time)
        for _ in range(3):
            limit.acquire()
    assert time.now - 1000 == pytest.approx(20 * 2)


def test_a_weight_is_paid_in_full_even_above_the_burst():
    time = VirtualTime()
    limit = limiter([Window(10, 1)], 1, time)
    for _ in range(4):
        limit.acquire(20)
    assert time.now - 1000 == pytest.approx(3 * 2)


def test_calls_are_counted_by_one_window_and_tokens_by_another():
    time = VirtualTime()
    limit = limiter([Window(10, 1, calls=True), Window(1000, 500)], 1, time)
    for _ in range(101):
        limit.acquire(5)
    assert time.now - 1000 == pytest.approx(250)
    for _ in range(101):
        limit.acquire(0.5)
    assert time.now - 1000 == pytest.approx(250 + 100 * 0.25, rel=0.02)


def test_the_tightest_window_rules():
    time = VirtualTime()
    limit = limiter([Window(100, 1), Window(10, 10)], 1, time)
    for _ in range(11):
        limit.acquire()
    assert time.now - 1000 == pytest.approx(10)


def test_nobody_proceeds_during_a_penalty():
    time = VirtualTime()
    limit = limiter([Window(100, 1)], 1, time)
    limit.acquire()
    limit.penalise(30)
    limit.acquire()
    assert time.now >= 1030


def test_a_penalty_reaches_those_who_already_wait():
    time = VirtualTime()
    limit = limiter([Window(1, 10)], 1, time)

    def sleep(seconds: float) -> None:
        if not time.slept:
            limit.penalise(40)
        time.sleep(seconds)

    limit._sleep = sleep  # the penalty must fall within the wait
    limit.acquire()
    limit.acquire()
    assert time.now >= 1040


def test_threads_share_one_budget():
    lock = threading.Lock()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        with lock:
            waits.append(seconds)

    # The clock stands still: each caller must be told a turn of its own.
    limit = Limiter(Budget((Window(1, 1),), 1), clock=lambda: 0.0, sleep=sleep)
    threads = [threading.Thread(target=limit.acquire) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(waits) == pytest.approx([1, 2, 3, 4, 5, 6, 7])


@given(
    pauses=st.lists(st.floats(0, 20), max_size=60),
    requests=st.integers(1, 30),
    seconds=st.floats(0.5, 20),
    share=st.floats(0.1, 1),
)
def test_no_window_of_any_kind_ever_sees_more_than_is_published(
    pauses: list[float], requests: int, seconds: float, share: float
):
    time = VirtualTime()
    limit = limiter([Window(requests, seconds)], share, time)
    calls = []
    for pause in pauses:
        time.now += pause
        limit.acquire()
        calls.append(time.now)
    for start in calls:
        within = [c for c in calls if start <= c < start + seconds * 0.999]
        assert len(within) <= requests


# -- budgets that are spent and not waited for ------------------------------------------------


def spend(limit: Limiter, calls: int, weight: float = 1) -> int:
    """Make calls until the budget is spent and return how many were made."""
    for made in range(calls):
        try:
            limit.acquire(weight)
        except QuotaSpent:
            return made
    return calls


def test_a_days_budget_is_spent_as_fast_as_the_short_windows_allow():
    time = VirtualTime()
    limit = limiter([Window(100, 60), Window(1000, DAY)], 1, time)
    assert spend(limit, 2000) == 1000
    assert time.now - 1000 == pytest.approx(600, rel=0.01)


def test_when_it_is_spent_nobody_sleeps_and_the_wait_is_told():
    time = VirtualTime()
    limit = limiter([Window(30000, DAY)], 0.8, time)
    assert spend(limit, 9999, weight=5) == 4800
    with pytest.raises(QuotaSpent, match=r"80 % of 30000/86400s") as caught:
        limit.acquire(5)
    assert not time.slept
    assert DAY <= caught.value.retry_after <= DAY * 1.01
    time.now += caught.value.retry_after
    limit.acquire(5)
    assert limit.spent == 4801 * 5


@given(
    pauses=st.lists(st.floats(0, DAY), max_size=40),
    share=st.floats(0.1, 1),
    weight=st.floats(0.5, 15),
)
def test_no_day_wherever_it_begins_sees_more_than_its_share(
    pauses: list[float], share: float, weight: float
):
    time = VirtualTime()
    limit = limiter([Window(60, DAY)], share, time)
    calls = []
    for pause in pauses:
        time.now += pause
        calls += [time.now for _ in range(10) if spend(limit, 1, weight)]
    for start in calls:
        spent = weight * sum(start <= c < start + DAY * 0.999 for c in calls)
        assert spent <= max(60 * share, weight) + 1e-6


def test_a_wait_within_the_patience_is_waited_for():
    time = VirtualTime()
    limit = limiter([Window(1, 590)], 1, time)
    limit.acquire()
    limit.acquire()
    assert time.slept == pytest.approx([590])


def test_a_penalty_beyond_the_patience_is_not_slept_through():
    time = VirtualTime()
    limit = limiter([Window(100, 1)], 1, time)
    limit.penalise(3600)
    with pytest.raises(QuotaSpent) as caught:
        limit.acquire()
    assert caught.value.retry_after == pytest.approx(3600)
    assert not time.slept


def test_what_a_refused_call_would_have_cost_is_not_spent():
    time = VirtualTime()
    limit = limiter([Window(10, DAY)], 1, time)
    assert spend(limit, 99) == 10
    assert spend(limit, 99) == 0
    assert limit.spent == 10


# -- what replies tell ------------------------------------------------------------------------


def test_nothing_left_is_waited_for_until_the_window_starts_anew():
    time = VirtualTime()
    limit = limiter([Window(100, 60)], 0.8, time)
    limit.told(Left(0, 42))
    limit.acquire()
    assert time.now - 1000 == pytest.approx(42)


def test_what_is_left_of_a_short_window_beyond_nothing_changes_nothing():
    time = VirtualTime()
    limit = limiter([Window(100, 60)], 0.8, time)
    limit.told(Left(1, 42))
    limit.acquire()
    assert not time.slept


@pytest.mark.parametrize(("left", "goes_on"), [(6002, True), (6000, False), (0, False)])
def test_of_a_budget_the_share_of_others_is_left_to_them(left: float, goes_on: bool):
    time = VirtualTime()
    limit = limiter([Window(100, 1), Window(30000, DAY)], 0.8, time)
    limit.told(Left(left, 5000, whole=30000))
    assert spend(limit, 1) == goes_on
