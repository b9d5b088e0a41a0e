"""How many requests undoing takes, and how long at the pace of the forecast."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from airflow_crm_migration.core.rollback.plan import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_crm_migration.core.protocols import Capabilities, Destination


@dataclass
class Pace:
    """Measures how fast the destination answers, the waiting for its limits included."""

    destination: Destination
    clock: Callable[[], float] = time.monotonic
    _begun: float = field(init=False)
    _first: int = field(init=False)

    def __post_init__(self) -> None:
        """Begin."""
        self._begun, self._first = self.clock(), self._total()

    @property
    def requests(self) -> int:
        """How many were made since."""
        return self._total() - self._first

    def seconds(self, requests: int) -> float:
        """Return how long requests take at the pace so far; 0 where nothing was asked."""
        made = self.requests
        return requests * (self.clock() - self._begun) / made if made else 0.0

    def _total(self) -> int:
        return sum(self.destination.requests_made.values())


def undo_requests(can: Capabilities, actions: Mapping[str, int], links: int) -> dict[str, int]:
    """
    Return kind -> requests that undoing a phase takes, and checking that it is undone.

    :param actions: action -> number of records
    :param links: rows that hang on them
    """
    deleted, restored, trashed = (
        ceil(actions.get(action, 0) / can.batch_size)
        for action in (Action.DELETE, Action.RESTORE, Action.TRASH)
    )
    pages = ceil(can.batch_size / can.read_size)
    rows = ceil(links / can.batch_size)
    checked = ceil(actions.get(Action.DELETE, 0) / can.read_size) + ceil(links / can.read_size)
    return {
        "look": pages * (deleted + restored + trashed + rows),
        "look for children": deleted + trashed,
        "delete": deleted + (0 if can.links_go_along else rows),
        "update": restored,
        "trash": trashed,
        "check": checked + 1,
    }
