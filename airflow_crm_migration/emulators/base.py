"""The common base of the emulators: an application behind a clock, faults, a gate and a journal."""

from __future__ import annotations

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
    from starlette.types import Receive, Scope, Send

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

# A handler may name in scope["state"] what it was asked where the path does not tell.
OPERATION = "operation"


def fault_reply(status: int, path: str) -> Response:
    """Make the reply of an injected fault, in no platform's own words.

    :param status: 429 or 5xx
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
    :param fault_reply: makes the reply of an injected 429 or 5xx from status and path
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
        fault = self.faults.decide(number, exchange.method, exchange.path)
        sent = await self._answer(exchange, fault)
        operation = scope.get("state", {}).get(OPERATION, "")
        status = exchange.status if sent else 0
        self.journal.add(number, exchange.method, exchange.path, status, operation)
        if sent:
            await exchange.deliver()

    async def _answer(self, exchange: Exchange, fault: Fault) -> bool:
        await self.clock.sleep(fault.latency)
        if not await self.gate.hold(exchange, "before"):
            return False
        if fault.kind == "timeout":
            await self.clock.sleep(fault.seconds)
            await exchange.hang_up()
            return False
        if fault.kind in ("429", "5xx"):
            await exchange.handle(self._fault_reply(fault.status, exchange.path))
            return True
        await exchange.handle(self.app)
        if not await self.gate.hold(exchange, "after"):
            return False
        if fault.kind == "reply_lost":
            await exchange.hang_up()
            return False
        return True
