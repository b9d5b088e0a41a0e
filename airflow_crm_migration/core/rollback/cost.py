"""How many requests undoing takes, and how long they take within the limits of the connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_crm_migration.core.forecast import Calls, Step, predict
from airflow_crm_migration.core.protocols import Action
from airflow_crm_migration.core.rollback.plan import Fate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.core.protocols import Destination, Usage


@dataclass
class Cost:
    """
    The requests of a rollback.

    :param calls: all of them
    :param kinds: what they are for -> number
    """

    destination: Destination
    calls: Calls = field(default_factory=Calls)
    kinds: dict[str, int] = field(default_factory=dict)

    def add_phase(
        self, phase: str, fates: Mapping[str, int], links: Mapping[str, int], *, marks: int
    ) -> None:
        """
        Add what undoing a phase takes, and checking that it is undone.

        :param fates: what becomes of records -> number
        :param links: object -> rows that hang on them
        :param marks: fields that may bear our mark
        """
        can = self.destination.capabilities
        for fate, then in _THEN.items():
            for number in _batches(fates.get(fate, 0), can.batch_size):
                self._add("look", Action.READ, phase, number)
                for action in then:
                    self._add(action, action, phase, number)
        self._check(phase, fates.get(Fate.DELETE, 0))
        self._check(phase, fates.get(Fate.TRASH, 0))
        for _ in range(marks):
            self._check(phase, 1)
        for name, rows in links.items():
            self._add_links(name, rows)

    def _add_links(self, name: str, rows: int) -> None:
        can = self.destination.capabilities
        for number in _batches(rows, can.batch_size):
            self._add("look", Action.READ, name, number)
            if not can.links_go_along:
                self._add(Action.DELETE, Action.DELETE, name, number)
        self._check(name, rows)

    def _check(self, name: str, gone: int) -> None:
        for number in _batches(gone, self.destination.capabilities.read_size):
            self._add("check", Action.READ, name, number)

    def _add(self, kind: str, action: Action, object_name: str, number: int) -> None:
        costs = self.destination.cost(action, object_name, number)
        self.calls.add(costs)
        self.kinds[kind] = self.kinds.get(kind, 0) + len(costs)

    def add_made(self, kind: str, before: Usage, after: Usage) -> None:
        """
        Add requests that are made again as they were made between two looks.

        :param kind: what they are for
        """
        self.calls.add_made(before, after)
        self.kinds[kind] = self.kinds.get(kind, 0) + after.requests - before.requests

    def seconds(self, begun: Usage) -> float:
        """
        Return how long they take.

        :param begun: from when on replies took as long as they will
        """
        now = self.destination.usage
        made = now.requests - begun.requests
        a_call = (now.seconds - begun.seconds) / made if made else 0.0
        step = Step("", "rollback", self.calls.runs, a_call)
        return predict([step], self.destination.budget)[0].seconds


_THEN: Mapping[Fate, tuple[Action, ...]] = {
    Fate.DELETE: (Action.CHILDREN, Action.DELETE),
    Fate.RESTORE: (Action.UPDATE,),
    Fate.TRASH: (Action.CHILDREN, Action.UPDATE, Action.TRASH),
    Fate.GONE: (),
}
"""What follows a look at a batch."""


def _batches(number: int, size: int) -> Iterator[int]:
    while number > 0:
        yield min(number, size)
        number -= size
