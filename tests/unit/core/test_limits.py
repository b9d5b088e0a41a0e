from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.limits import Limiter, Window, parse_windows


class VirtualTime:
    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def limiter(windows: list[Window], share: float, time: VirtualTime) -> Limiter:
    return Limiter(windows, share, clock=time.clock, sleep=time.sleep)


def test_windows_are_read_from_a_connection():
    assert parse_windows("100/60s, 5/0.5s") == (Window(100, 60.0), Window(5, 0.5))


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
        Limiter([Window(1, 1)], share)


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
    limit = Limiter([Window(1, 1)], 1, clock=lambda: 0.0, sleep=sleep)
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
    share=st.floats(0.1, 0.8),
)
def test_no_window_of_any_kind_ever_sees_more_than_its_limit(
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
        assert len(within) <= max(requests * share * 1.1, 1 + requests * share) + 1
