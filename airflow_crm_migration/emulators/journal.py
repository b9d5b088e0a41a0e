"""What an emulator was asked, and whom it would have bothered."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

_VARIABLE = re.compile(r"/(?:\d+|[0-9a-fA-F-]{32,36})(?=/|$)")


def template(path: str) -> str:
    """Replace the ids of a path.

    :param path: of a request
    :return: the path with ``{id}`` for every number and UUID
    """
    return _VARIABLE.sub("/{id}", path)


class Journal:
    """Counts of the requests, and on wish each of them.

    :param full: whether every request is kept
    """

    def __init__(self, full: bool = False) -> None:
        self.full = full
        self.reset()

    def reset(self) -> None:
        """Count from nothing; the numbers of the requests go on."""
        self.calls: Counter[tuple[str, str, int]] = Counter()
        self.requests: list[dict[str, Any]] = []
        self.notifications: Counter[str] = Counter()

    def add(self, number: int, method: str, path: str, status: int, operation: str = "") -> None:
        """Count a request.

        :param number: of the request
        :param method: HTTP method
        :param path: without the query
        :param status: of the reply, 0 when none was sent
        :param operation: what was asked where the path does not tell (GraphQL)
        """
        name = f"{template(path)} {operation}".rstrip()
        self.calls[method, name, status] += 1
        if self.full:
            entry = {"number": number, "method": method, "path": path, "status": status}
            self.requests.append({**entry, "operation": operation})

    def notify(self, kind: str, n: int = 1) -> None:
        """Count something that would have mailed or notified somebody, or started an automation.

        :param kind: what
        :param n: how often
        """
        self.notifications[kind] += n

    def summary(self) -> dict[str, Any]:
        """Sum the requests up.

        :return: ``total``, ``calls`` ("METHOD path" -> status -> count), ``statuses``, ``requests``
        """
        calls: dict[str, dict[str, int]] = {}
        statuses: Counter[str] = Counter()
        for (method, name, status), n in self.calls.items():
            calls.setdefault(f"{method} {name}", {})[str(status)] = n
            statuses[str(status)] += n
        total = statuses.total()
        return {"total": total, "calls": calls, "statuses": statuses, "requests": self.requests}
