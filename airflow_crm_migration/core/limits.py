"""Keeps the calls of one process within the rate limits of a CRM.

Clock and sleep are handed in, so that a forecast can spend a migration's budget on a virtual clock.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What a pause leaves unused may be caught up on, up to this part of a window.
_BURST = 0.1
_WINDOW = re.compile(r"(\d+)/(\d+(?:\.\d+)?)s")


@dataclass(frozen=True)
class Window:
    """
    One published limit.

    :param requests: how many are allowed within the window
    :param seconds: length of the window
    """

    requests: int
    seconds: float


def parse_windows(text: str) -> tuple[Window, ...]:
    """
    Read limits as a connection gives them.

    :param text: for example ``100/60s, 100/1s``: requests per seconds, all of which hold
    :return: at least one window
    :raises ValueError: with the value and the fix
    """
    return tuple(_window(part.strip(), text) for part in text.split(","))


def _window(part: str, text: str) -> Window:
    found = _WINDOW.fullmatch(part)
    if not found or not int(found[1]) or not float(found[2]):
        raise ValueError(
            f"rate limit {part!r} in {text!r}: write requests per seconds, both above 0, "
            "for example 100/60s"
        )
    return Window(int(found[1]), float(found[2]))


class _Bucket:
    """Tokens of one window; below zero they are promised to callers that still wait."""

    def __init__(self, window: Window, share: float, now: float) -> None:
        self.rate = window.requests * share / window.seconds
        self.depth = max(1.0, window.requests * share * _BURST)
        self.tokens = 1.0
        self.at = now

    def refill(self, now: float) -> None:
        self.tokens = min(self.depth, self.tokens + (now - self.at) * self.rate)
        self.at = now

    def wait(self, weight: float) -> float:
        return (min(weight, self.depth) - self.tokens) / self.rate


class Limiter:
    """
    Token buckets over several windows, for all threads of a process.

    It starts with one request and no burst: each task makes a limiter of its own, and the bursts of
    tasks that follow one another would add up past the limit.

    :param windows: limits that hold at the same time
    :param share: part of each limit to use, above 0 and at most 1; the rest is left to others
    :param clock: seconds that only grow
    :param sleep: waits for seconds of that clock
    :raises ValueError: for a share that makes no sense
    """

    def __init__(
        self,
        windows: Sequence[Window],
        share: float = 0.8,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"budget share {share}: give a number above 0 and at most 1")
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        now = clock()
        self._buckets = [_Bucket(w, share, now) for w in windows]
        self._closed_until = now

    def acquire(self, weight: float = 1) -> None:
        """
        Wait until every window allows a call.

        :param weight: what the call costs; more than a burst is paid for afterwards
        """
        wait = self._take(weight)
        while wait > 0:
            self._sleep(wait)
            with self._lock:
                wait = self._closed_until - self._clock()

    def penalise(self, seconds: float) -> None:
        """
        Let nobody proceed for a while: the CRM said that its limit is reached.

        :param seconds: how long
        """
        with self._lock:
            now = self._clock()
            self._closed_until = max(self._closed_until, now + seconds)
            for bucket in self._buckets:
                bucket.refill(now)
                bucket.tokens = min(bucket.tokens, 0.0)

    def _take(self, weight: float) -> float:
        with self._lock:
            now = self._clock()
            wait = self._closed_until - now
            for bucket in self._buckets:
                bucket.refill(now)
                wait = max(wait, bucket.wait(weight))
                bucket.tokens -= weight
            return wait
