"""The common base of the emulators: an application behind a clock, faults, a gate and a journal."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from airflow_crm_migration.emulators.clock import Clock
from airflow_crm_migration.emulators.control import CONTROL, Control
from airflow_crm_migration.emulators.exchange import Exchange
from airflow_crm_migration.emulators.faults import Fault, Faults, Plan, Rule
from airflow_crm_migration.emulators.gate import Gate
from airflow_crm_migration.emulators.journal import Journal
from airflow_crm_migration.emulators.limits import TokenBucket, WindowCounter
from airflow_crm_migration.emulators.server import PortTaken, RunningEmulator, start

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = [
    "CONTROL",
    "Clock",
    "Emulator",
    "Faults",
    "Plan",
    "PortTaken",
    "Rule",
    "RunningEmulator",
    "TokenBucket",
    "WindowCounter",
    "start",
]

_BEFORE = ("401", "429", "5xx")
_BAD = 400
# A handler may name in scope["state"] what it was asked where the path does not tell.
OPERATION = "operation"


def fault_reply(status: int, path: str) -> Response:
    """Make the reply of an injected fault, in no platform's own words.

    :param status: 400, 401, 429 or 5xx
    :param path: of the request
    :return: the reply
    """
    return JSONResponse({"error": f"injected {status}", "path": path}, status)


class Emulator:
    """A stand-in server: an ASGI application to be run by :func:`start`.

    :param name: of the platform
    :param app: the application that knows the platform's paths
    :param clock: what time it is; a real-time clock when left out
    :param faults: what goes wrong; nothing when left out
    :param content: gives all stored records, object -> records
    :param fault_reply: makes the reply of an injected 4xx or 5xx from status and path
    :param full_log: whether every request is kept, not only counted
    """

    def __init__(
        self,
        name: str,
        app: FastAPI,
        *,
        clock: Clock | None = None,
        faults: Faults | None = None,
        content: Callable[[], dict[str, list[dict[str, Any]]]] = dict,
        fault_reply: Callable[[int, str], Response] = fault_reply,
        full_log: bool = False,
    ) -> None:
        self.name = name
        self.app = app
        self.clock = clock or Clock()
        self.faults = faults or Faults()
        self.journal = Journal(full_log)
        self.gate = Gate()
        self.content = content
        self._fault_reply = fault_reply
        self._numbers = itertools.count(1)
        self._late = 0
        self._none_late = asyncio.Event()
        self._none_late.set()
        app.include_router(Control(self).router())

    @property
    def notifications(self) -> int:
        """How often somebody would have been mailed or notified, or an automation started."""
        return self.journal.notifications.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI).

        :param scope: of the request
        :param receive: of the request
        :param send: of the request
        """
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self.app(scope, receive, send)
            return
        number = next(self._numbers)
        exchange = Exchange(scope, receive, send)
        if not await exchange.read():
            return
        fault = self.faults.decide(number, exchange.method, exchange.path, exchange.asked)
        sent = await self._answer(exchange, fault)
        operation = scope.get("state", {}).get(OPERATION, "")
        status = exchange.status if sent else 0
        self.journal.add(number, exchange.method, exchange.path, status, operation)
        if sent:
            await exchange.deliver()

    async def _answer(self, exchange: Exchange, fault: Fault) -> bool:
        """Handle a request and tell whether its reply is to be sent."""
        await self.clock.sleep(fault.latency)
        if not await self.gate.hold(exchange, "before"):
            return False
        if fault.kind in _BEFORE:
            await self._refuse(exchange, fault)
            return True
        handler = self._fault_reply(_BAD, exchange.path) if fault.refused else self.app
        if fault.kind == "timeout":
            await self.clock.sleep(fault.seconds)
            await exchange.hang_up()
            return False
        if fault.kind == "late":
            await self._handle_late(exchange, handler, fault.seconds)
            return False
        await exchange.handle(handler)
        if not await self.gate.hold(exchange, "after"):
            return False
        return await self._reply(exchange, fault)

    async def _reply(self, exchange: Exchange, fault: Fault) -> bool:
        """Spoil the reply of a handled request, and tell whether it is still to be sent."""
        if fault.kind == "reply_lost":
            await exchange.hang_up()
        elif fault.kind == "half_reply":
            await exchange.deliver_half()
        elif fault.kind == "5xx_after":
            exchange.forget()
            await self._refuse(exchange, fault)
        return fault.kind not in ("reply_lost", "half_reply")

    async def _refuse(self, exchange: Exchange, fault: Fault) -> None:
        reply = self._fault_reply(fault.status, exchange.path)
        if fault.retry_after is not None:
            # A scaled server speaks in scaled seconds.
            reply.headers["Retry-After"] = f"{fault.retry_after / self.clock.scale:g}"
        await exchange.handle(reply)

    async def _handle_late(self, exchange: Exchange, handler: ASGIApp, seconds: float) -> None:
        self._late += 1
        self._none_late.clear()
        try:
            await exchange.hang_up()
            await self.clock.sleep(seconds)
            await exchange.handle(handler)
        finally:
            self._late -= 1
            if not self._late:
                self._none_late.set()

    async def idle(self) -> None:
        """Wait until nothing is left that is handled late."""
        await self._none_late.wait()
