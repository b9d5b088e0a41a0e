"""Who may ask Klipy's API what, and how often."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.limits import WindowCounter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import Request

    from airflow_crm_migration.emulators.clock import Clock

SCOPES = (
    "ALL",
    "people:read",
    "people:write",
    "companies:read",
    "companies:write",
    "companies:remove",
    "interactions:read",
    "interactions:write",
)
KEY_LIMIT, ORGANISATION_LIMIT, WINDOW = 200, 1000, 60
"""Published requests per minute of one key and of the whole organisation."""


class ApiError(Exception):
    """
    A refusal in the API's own shape.

    :param status: of the reply
    :param code: for programs
    :param message: for people
    :param details: what more there is to say
    :param headers: of the reply
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Any = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {"code": code, "message": message}
        if details is not None:
            self.body["details"] = details


@dataclass(frozen=True, slots=True)
class Key:
    """
    A key of the API.

    :param scopes: some of :data:`SCOPES`
    :param expires_at: emulated seconds since the epoch, None for never
    """

    text: str
    scopes: tuple[str, ...] = ("ALL",)
    expires_at: float | None = None


class Access:
    """
    Checks keys and counts requests.

    :param clock: of the emulator
    :param keys: known keys
    :raises ValueError: for a scope that does not exist
    """

    def __init__(self, clock: Clock, keys: Iterable[Key]) -> None:
        self._clock = clock
        self._keys = {key.text: key for key in keys}
        unknown = {s for key in self._keys.values() for s in key.scopes} - set(SCOPES)
        if unknown:
            raise ValueError(f"scope {min(unknown)!r}: one of {', '.join(SCOPES)}")
        self._counters = {text: WindowCounter(clock, KEY_LIMIT, WINDOW) for text in self._keys}
        self._organisation = WindowCounter(clock, ORGANISATION_LIMIT, WINDOW)

    def admit(self, request: Request, scope: str | None) -> dict[str, str]:
        """
        Let a request pass.

        :param request: with one of the two headers that carry a key
        :param scope: that the key must have, None where any key will do
        :return: headers of the reply
        :raises ApiError: 401, 403 or 429
        """
        key = self._key(request)
        headers = self._count(key)
        if scope is not None and not {"ALL", scope} & set(key.scopes):
            message = f"This API key lacks the scope {scope}."
            raise ApiError(403, "FORBIDDEN", message, {"required_scope": scope}, headers)
        return headers

    def _key(self, request: Request) -> Key:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        text = request.headers.get("X-Klipy-Api-Key") or (token if scheme == "Bearer" else "")
        if not text:
            raise ApiError(401, "UNAUTHORIZED", "An API key is required.")
        key = self._keys.get(text)
        if key is None:
            raise ApiError(401, "UNAUTHORIZED", "The API key is not valid.")
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            raise ApiError(401, "UNAUTHORIZED", "The API key has expired.")
        return key

    def _count(self, key: Key) -> dict[str, str]:
        counter = self._counters[key.text]
        wait = max(counter.take(), self._organisation.take())
        # A client waits in real seconds, whatever the emulated clock does.
        seconds = math.ceil(wait / self._clock.scale)
        reset = (counter.reset - self._clock.now()) / self._clock.scale
        headers = {
            "X-RateLimit-Limit": str(counter.limit),
            "X-RateLimit-Remaining": str(counter.remaining),
            "X-RateLimit-Reset": str(math.ceil(time.time() + reset)),
        }
        if wait:
            headers["Retry-After"] = str(seconds)
            raise ApiError(429, "RATE_LIMIT_EXCEEDED", "Too many requests.", None, headers)
        return headers
