"""A gate that holds one request, so that a test can act at an exact moment."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.exchange import Exchange


class Gate:
    """Holds the first matching request before it is handled, or before its reply is sent."""

    def __init__(self) -> None:
        self._wanted: dict[str, Any] | None = None
        self._open = asyncio.Event()
        self.holding: dict[str, Any] | None = None

    def close(self, method: str = "*", path: str = "", when: str = "before", skip: int = 0) -> None:
        """Hold one request.

        :param method: HTTP method, ``*`` for any
        :param path: regular expression searched in the path
        :param when: ``before`` it is handled, or ``after`` it was, before the reply
        :param skip: how many matching requests pass before
        :raises ValueError: when a value makes no sense
        """
        if when not in ("before", "after"):
            raise ValueError(f"gate when {when!r}: before or after")
        re.compile(path)
        self.release()
        self._open = asyncio.Event()
        self._wanted = {"method": method, "path": path, "when": when, "skip": int(skip)}

    def release(self) -> None:
        """Let the held request go on and hold no other."""
        self._wanted = None
        self._open.set()

    def state(self) -> dict[str, Any]:
        """Tell what is wanted and what is held.

        :return: ``held`` (bool), ``request`` (method, path, when) and ``wanted``
        """
        return {
            "held": self.holding is not None,
            "request": self.holding,
            "wanted": self._wanted,
        }

    async def hold(self, exchange: Exchange, when: str) -> bool:
        """Hold the request if it is the one.

        :param exchange: the request
        :param when: ``before`` or ``after``
        :return: whether the client is still there
        """
        if not self._catches(exchange, when):
            return True
        self.holding = {"method": exchange.method, "path": exchange.path, "when": when}
        released = asyncio.ensure_future(self._open.wait())
        gone = asyncio.ensure_future(exchange.gone())
        try:
            await asyncio.wait([released, gone], return_when=asyncio.FIRST_COMPLETED)
            return not gone.done()
        finally:
            self.holding = None
            released.cancel()
            gone.cancel()

    def _catches(self, exchange: Exchange, when: str) -> bool:
        wanted = self._wanted
        if wanted is None or wanted["when"] != when:
            return False
        if wanted["method"] not in ("*", exchange.method):
            return False
        if not re.search(wanted["path"], exchange.path):
            return False
        if wanted["skip"] > 0:
            wanted["skip"] -= 1
            return False
        self._wanted = None
        return True
