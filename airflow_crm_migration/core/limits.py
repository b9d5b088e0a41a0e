"""Keeps the calls of one process within the rate limits of a CRM.

Clock and sleep are handed in, so that a forecast can spend a migration's budget on a virtual clock.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from airflow_crm_migration.core.errors import QuotaSpent

if TYPE_CHECKING:
    from collections.abc import Callable

# What a pause leaves unused may be caught up on, up to this part of a window.
_BURST = 0.1
# A long window remembers what was spent in pieces of this part of its length.
_PIECE = 0.01
_WINDOW = re.compile(r"(\d+)( calls)?/(\d+(?:\.\d+)?)s")


@dataclass(frozen=True)
class Window:
    """
    One published limit.

    :param requests: how many are allowed within the window; tokens, where calls cost several
    :param seconds: length of the window
    :param calls: whether it counts every call as one, whatever it costs
    """

    requests: int
    seconds: float
    calls: bool = False

    def __str__(self) -> str:
        return f"{self.requests}{' calls' if self.calls else ''}/{self.seconds:g}s"


def parse_windows(text: str) -> tuple[Window, ...]:
    """
    Read limits as a connection gives them.

    :param text: for example ``80 calls/2s, 30000/86400s``: requests, or tokens where calls cost
        different numbers of them, per seconds; ``calls`` counts each call as one; all of them hold
    :return: at least one window
    :raises ValueError: with the value and the fix
    """
    return tuple(_window(part.strip(), text) for part in text.split(","))


def _window(part: str, text: str) -> Window:
    found = _WINDOW.fullmatch(part)
    if not found or not int(found[1]) or not float(found[3]):
        raise ValueError(
            f"rate limit {part!r} in {text!r}: write requests per seconds, both above 0, "
            "for example 100/60s"
        )
    return Window(int(found[1]), float(found[3]), bool(found[2]))


@dataclass(frozen=True)
class Budget:
    """
    What a connection may be asked.

    :param windows: limits that hold at the same time
    :param share: part of each limit to use, above 0 and at most 1; the rest is left to others
    :param patience: longest wait for a call in seconds; a window that is longer is a budget that
        may be spent at once and is not waited for when it is spent
    :raises ValueError: for a share that makes no sense
    """

    windows: tuple[Window, ...]
    share: float = 0.8
    patience: float = 600.0

    def __post_init__(self) -> None:
        """Refuse a share that makes no sense."""
        if not 0 < self.share <= 1:
            raise ValueError(f"budget share {self.share}: give a number above 0 and at most 1")

    @property
    def pace(self) -> float:
        """Seconds that the short windows take for one request."""
        short = [w for w in self.windows if w.seconds <= self.patience] or self.windows
        return max(w.seconds / w.requests for w in short)

    def __str__(self) -> str:
        return f"{self.share * 100:g} % of {', '.join(map(str, self.windows))}"


@dataclass(frozen=True)
class Left:
    """
    What a reply says is left of a limit.

    :param requests: or tokens that are left to all of its users
    :param seconds: until it starts anew
    :param whole: of a long budget what it starts with, so that our share of it is kept; of a short
        window, which the own count keeps, 0
    """

    requests: float
    seconds: float
    whole: float = 0


class _Count(Protocol):
    """What is left of one window."""

    def refill(self, now: float) -> None:
        """Take note of the time."""

    def wait(self, cost: float) -> float:
        """Return the seconds until a call may be made."""

    def take(self, cost: float) -> None:
        """Spend."""

    def empty(self) -> None:
        """Give up what was saved."""


class _Bucket:
    """Tokens of a short window; below zero they are promised to callers that still wait."""

    def __init__(self, window: Window, share: float, now: float) -> None:
        ours = window.requests * share
        self.rate = ours / window.seconds
        # With what flows in meanwhile a burst never exceeds the window as it was published.
        self.depth = max(1.0, min(ours * _BURST, window.requests - ours + 1))
        self.tokens = 1.0
        self.at = now

    def refill(self, now: float) -> None:
        self.tokens = min(self.depth, self.tokens + (now - self.at) * self.rate)
        self.at = now

    def wait(self, cost: float) -> float:
        return (min(cost, self.depth) - self.tokens) / self.rate

    def take(self, cost: float) -> None:
        self.tokens -= cost

    def empty(self) -> None:
        self.tokens = min(self.tokens, 0.0)


class _Allowance:
    """What was spent within a long window, wherever the CRM lets its own begin."""

    def __init__(self, window: Window, share: float, now: float) -> None:
        self.limit = window.requests * share
        self.seconds = window.seconds
        self.pieces: deque[tuple[float, float]] = deque()
        self.at = now

    def refill(self, now: float) -> None:
        self.at = now
        while self.pieces and self.pieces[0][0] <= now:
            self.pieces.popleft()

    def wait(self, cost: float) -> float:
        wait, free = 0.0, self.limit - sum(spent for _, spent in self.pieces)
        for until, spent in self.pieces:
            if free >= min(cost, self.limit):
                break
            wait, free = until - self.at, free + spent
        return wait

    def take(self, cost: float) -> None:
        length = self.seconds * _PIECE
        until = (self.at // length + 1) * length + self.seconds
        if self.pieces and self.pieces[-1][0] == until:
            cost += self.pieces.pop()[1]
        self.pieces.append((until, cost))

    def empty(self) -> None:
        """Keep what is known: a refusal does not tell which limit it was about."""


class Limiter:
    """
    Holds all threads of a process to a budget.

    In a short window it starts with one request and no burst: each task makes a limiter of its own,
    and the bursts of tasks that follow one another would add up past the limit. A budget of more
    than the patience (a day's) it spends as fast as the short windows allow, and knows of nothing
    that was spent before it was made: that the CRM tells, by what its replies say is left
    (:meth:`told`) or by refusing the one call that is too many. Where a CRM tells neither, tasks
    that follow one another on one day may use more than their share of that day.

    :param budget: what it holds to
    :param clock: seconds that only grow
    :param sleep: waits for seconds of that clock
    """

    def __init__(
        self,
        budget: Budget,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.budget = budget
        self.spent = 0.0
        """What all calls cost so far."""
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        now = clock()
        self._counts = [(w, self._count(w, now)) for w in budget.windows]
        self._closed_until = now

    def _count(self, window: Window, now: float) -> _Count:
        kind = _Allowance if window.seconds > self.budget.patience else _Bucket
        return kind(window, self.budget.share, now)

    def acquire(self, weight: float = 1) -> None:
        """
        Wait until every window allows a call.

        :param weight: what the call costs; more than a burst is paid for afterwards
        :raises QuotaSpent: instead of a wait beyond the patience, with its seconds
        """
        wait = self._take(weight)
        while wait > 0:
            self._sleep(wait)
            with self._lock:
                wait = self._bearable(self._closed_until - self._clock())

    def penalise(self, seconds: float) -> None:
        """
        Let nobody proceed for a while: the CRM said that its limit is reached.

        :param seconds: how long
        """
        with self._lock:
            now = self._clock()
            self._closed_until = max(self._closed_until, now + seconds)
            for _, count in self._counts:
                count.refill(now)
                count.empty()

    def told(self, left: Left) -> None:
        """
        Take note of what the CRM says is left of a limit.

        :param left: of all its users together
        """
        if left.requests - left.whole * (1 - self.budget.share) < 1:
            self.penalise(left.seconds)

    def _take(self, weight: float) -> float:
        with self._lock:
            now = self._clock()
            wait = self._closed_until - now
            costs = [(count, 1 if window.calls else weight) for window, count in self._counts]
            for count, cost in costs:
                count.refill(now)
                wait = max(wait, count.wait(cost))
            self._bearable(wait)
            for count, cost in costs:
                count.take(cost)
            self.spent += weight
            return wait

    def _bearable(self, wait: float) -> float:
        if wait > self.budget.patience:
            raise QuotaSpent(f"the budget of {self.budget} is spent", retry_after=wait)
        return wait
