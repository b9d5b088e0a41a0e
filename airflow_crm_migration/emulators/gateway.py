"""A gateway before a server, as operators put one there: it allows so many calls a day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from airflow_crm_migration.emulators.limits import WindowCounter

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_crm_migration.emulators.clock import Clock

_TOO_MANY = 429


class Gateway:
    """Counts calls before they reach an application, and says when more may come.

    :param app: the application
    :param clock: of the emulator
    :param calls: how many it lets through
    :param seconds: emulated seconds until it counts anew
    :param counts: whether a path is counted at all
    """

    def __init__(
        self,
        app: ASGIApp,
        clock: Clock,
        calls: int,
        seconds: float,
        counts: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._clock = clock
        self._counter = WindowCounter(clock, calls, seconds)
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass or refuse it (ASGI).

        :param scope: of the request
        :param receive: of the request
        :param send: of the request
        """
        wait = 0.0
        if scope["type"] == "http" and self._counts(scope["path"]):
            wait = self._counter.take()
        if not wait:
            await self._app(scope, receive, send)
            return
        # A client waits in real seconds, whatever the emulated clock does.
        seconds = math.ceil(wait / self._clock.scale)
        body = {"message": "the calls of this day are spent"}
        refusal = JSONResponse(body, _TOO_MANY, {"Retry-After": str(seconds)})
        await refusal(scope, receive, send)
