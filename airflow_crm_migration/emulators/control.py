"""The control endpoints of an emulator, which are never limited nor faulted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.base import Emulator

CONTROL = "/_emulator"


class Control:
    """Endpoints under ``/_emulator``.

    :param emulator: that they control
    """

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def router(self) -> APIRouter:
        """Make the routes.

        :return: the routes
        """
        router = APIRouter(prefix=CONTROL)
        for method, path, endpoint in (
            ("GET", "/health", self.health),
            ("GET", "/requests", self.requests),
            ("GET", "/content", self.content),
            ("GET", "/notifications", self.notifications),
            ("POST", "/reset-counters", self.reset),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_faults),
            ("DELETE", "/faults", self.clear_faults),
            ("GET", "/gate", self.gate),
            ("POST", "/gate", self.close_gate),
            ("POST", "/release", self.release),
        ):
            router.add_api_route(path, endpoint, methods=[method], response_model=None)
        return router

    async def health(self) -> dict[str, Any]:
        """Tell who answers and what time it is."""
        clock = self._emulator.clock
        return {"name": self._emulator.name, "now": clock.now(), "scale": clock.scale}

    async def requests(self) -> dict[str, Any]:
        """Count the requests by call and status."""
        injected = len(self._emulator.faults.log)
        return {**self._emulator.journal.summary(), "injected": injected}

    async def content(self) -> Response:
        """Dump all records: object -> records."""
        return JSONResponse(self._emulator.content())

    async def notifications(self) -> dict[str, Any]:
        """Count what would have mailed or notified somebody."""
        kinds = self._emulator.journal.notifications
        return {"count": self._emulator.notifications, "kinds": kinds}

    async def reset(self) -> dict[str, Any]:
        """Count from nothing again."""
        self._emulator.journal.reset()
        return self._emulator.journal.summary()

    async def faults(self) -> dict[str, Any]:
        """Tell what is planned and what was injected."""
        return self._emulator.faults.state()

    async def add_faults(self, request: Request) -> Response:
        """Add a list of one-shot rules, or replace the random plan."""
        faults = self._emulator.faults
        return await _told(faults.program, faults.state, await request.json())

    async def clear_faults(self) -> dict[str, Any]:
        """Forget rules, plan and log, once what is handled late is handled."""
        await self._emulator.idle()
        self._emulator.faults.clear()
        return self._emulator.faults.state()

    async def gate(self) -> dict[str, Any]:
        """Tell whether a request is held."""
        return self._emulator.gate.state()

    async def close_gate(self, request: Request) -> Response:
        """Hold the next request that matches."""
        gate = self._emulator.gate
        return await _told(lambda w: gate.close(**w), gate.state, await request.json())

    async def release(self) -> dict[str, Any]:
        """Let the held request go on."""
        self._emulator.gate.release()
        return self._emulator.gate.state()


async def _told(
    act: Callable[[Any], None], state: Callable[[], dict[str, Any]], wanted: Any
) -> Response:
    try:
        act(wanted)
    except (TypeError, ValueError) as e:
        return JSONResponse({"error": str(e)}, 400)
    return JSONResponse(state())
