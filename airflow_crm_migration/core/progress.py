"""Tells how far long work is: counts, rate, time left; never a value of a record."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ProgressLog:
    """Says a line at most every few seconds, and one at the end."""

    def __init__(
        self,
        label: str,
        total: int,
        say: Callable[[str], None],
        *,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Begin counting.

        :param label: what is counted
        :param total: how many there are, 0 when nobody knows
        :param say: takes a line for the log
        :param every: least seconds between two lines
        """
        self._label, self._total, self._say = label, total, say
        self._every, self._clock = every, clock
        self._begun = self._last = clock()
        self._done = 0

    def __call__(self, done: int) -> None:
        """Take the number done so far."""
        self._done = done
        now = self._clock()
        if now - self._last >= self._every:
            self._last = now
            self._say(self._line(now))

    def advance(self, number: int) -> None:
        """Take the number done since it was last told."""
        self(self._done + number)

    def finish(self) -> None:
        """Say how it ended."""
        self._say(self._line(self._clock()))

    def _line(self, now: float) -> str:
        rate = self._done / max(now - self._begun, 1e-9)
        line = f"{self._label}: {self._done:,}"
        if self._total:
            line += f" of {self._total:,} ({100 * self._done / self._total:.0f} %)"
        line += f", {rate:,.0f} a second"
        left = self._total - self._done
        return line + (f", {left / rate:,.0f} s left" if left > 0 and rate > 0 else "")
