"""Request limits as CRMs publish them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.clock import Clock

# Float arithmetic may leave a refilled bucket a hair below a whole token.
_TOLERANCE = 1e-6


class TokenBucket:
    """A bucket that refills continuously.

    :param clock: the emulator's clock
    :param capacity: tokens in the full bucket
    :param window_seconds: emulated seconds in which an empty bucket is full again
    """

    def __init__(self, clock: Clock, capacity: float, window_seconds: float) -> None:
        self.capacity = capacity
        self.window_seconds = window_seconds
        self._clock = clock
        self._tokens = float(capacity)
        self._at = clock.now()

    def wait(self, n: float = 1) -> float:
        """Tell how long until ``n`` tokens are there, taking none.

        :param n: tokens wanted
        :return: emulated seconds, 0.0 when they are there
        """
        now = self._clock.now()
        rate = self.capacity / self.window_seconds
        self._tokens = min(self.capacity, self._tokens + (now - self._at) * rate)
        self._at = now
        lacking = n - self._tokens
        return 0.0 if lacking <= _TOLERANCE else lacking / rate

    def take(self, n: float = 1) -> float:
        """Take ``n`` tokens, or none at all.

        :param n: tokens wanted
        :return: 0.0 when taken, else the emulated seconds to wait
        """
        wait = self.wait(n)
        if wait == 0.0:
            self._tokens -= n
        return wait


class WindowCounter:
    """A counter that starts anew when its window has passed.

    A window begins with its first request.

    :param clock: the emulator's clock
    :param limit: requests in one window
    :param window_seconds: emulated seconds of a window
    """

    def __init__(self, clock: Clock, limit: int, window_seconds: float) -> None:
        self.limit = limit
        self.window_seconds = window_seconds
        self._clock = clock
        self._used = 0
        self._reset = 0.0

    def _turn(self) -> float:
        now = self._clock.now()
        if now >= self._reset:
            self._used, self._reset = 0, now + self.window_seconds
        return now

    @property
    def remaining(self) -> int:
        """Requests left in the window."""
        self._turn()
        return self.limit - self._used

    @property
    def reset(self) -> float:
        """End of the window in emulated seconds since the epoch."""
        self._turn()
        return self._reset

    def take(self, n: int = 1) -> float:
        """Count ``n`` requests, or none at all.

        :param n: requests wanted
        :return: 0.0 when counted, else the emulated seconds until the window ends
        """
        now = self._turn()
        if self._used + n > self.limit:
            return self._reset - now
        self._used += n
        return 0.0
