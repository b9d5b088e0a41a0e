"""Time that an emulator lives in."""

from __future__ import annotations

import asyncio
import time


class Clock:
    """A clock that starts at the real time and runs ``scale`` times as fast.

    :param scale: emulated seconds per real second, above 0
    :raises ValueError: when the scale is not above 0
    """

    def __init__(self, scale: float = 1.0) -> None:
        if scale <= 0:
            raise ValueError(f"clock scale {scale}: must be above 0")
        self.scale = scale
        self._start = time.time()
        self._monotonic = time.monotonic()

    def now(self) -> float:
        """Tell the emulated time.

        :return: emulated seconds since the epoch
        """
        return self._start + (time.monotonic() - self._monotonic) * self.scale

    async def sleep(self, emulated_seconds: float) -> None:
        """Wait.

        :param emulated_seconds: how long, by this clock
        """
        await asyncio.sleep(max(0.0, emulated_seconds) / self.scale)
