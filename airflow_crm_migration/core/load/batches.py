"""Writes rows in batches so that one bad row sinks only itself and a lost reply loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from airflow_crm_migration.core.errors import Duplicate, Refused, ServerError, Unsettled
from airflow_crm_migration.core.protocols import Stored, Write

Call = Callable[[Sequence[Write]], list[Stored | Refused]]
Result = Stored | Refused
Settle = Callable[[Sequence[Write]], dict[str, Result]]

ATTEMPTS = 4
"""How often a batch is sent whose fate was unknown and which then proved not to be written."""
_FAILURES = 10
"""How many single rows in succession a destination may fail at before it counts as broken."""


def write_batch(
    call: Call, settle: Settle, rows: Sequence[Write], *, takes: bool = False
) -> list[Result]:
    """
    Write rows and tell each one's fate, in order.

    A batch that is refused as a whole is split until the bad row stands alone; so is one at which
    the destination fails again and again. Of a destination that fails at everything no row is told
    as refused.

    :param call: writes all rows or none, or tells a refusal in a row's place
    :param settle: asks for the fate of rows: those that stand in the destination as they were
        meant, and those that must not be sent again
    :param takes: whether the destination took anything in this load before
    :raises Unsettled: when the destination cannot be asked, or never takes the rows
    """
    return _Batch(call, settle, takes).write(rows) if rows else []


@dataclass
class _Batch:
    """
    Rows that are written together, or in ever smaller parts.

    :param failed: single rows at which the destination failed since it took one
    """

    call: Call
    settle: Settle
    takes: bool
    failed: int = 0

    def write(self, rows: Sequence[Write]) -> list[Result]:
        results = self._split(rows)
        failure = next((r for r in results if isinstance(r, ServerError)), None)
        if failure is not None and not self.takes:
            raise failure
        return [
            Refused(r.message, status=r.status, code=r.code) if isinstance(r, ServerError) else r
            for r in results
        ]

    def _split(self, rows: Sequence[Write]) -> list[Result | ServerError]:
        try:
            return self._taken(self._settled(rows))
        except Refused as refusal:
            if len(rows) == 1:
                return [self._after_all(rows[0], refusal)]
        except ServerError as failure:
            if len(rows) == 1:
                return [self._failing(failure)]
        middle = len(rows) // 2
        return self._split(rows[:middle]) + self._split(rows[middle:])

    def _taken(self, results: list[Result]) -> list[Result | ServerError]:
        if any(isinstance(result, Stored) for result in results):
            self.takes, self.failed = True, 0
        return list(results)

    def _failing(self, failure: ServerError) -> ServerError:
        self.failed += 1
        if self.failed >= _FAILURES:
            raise failure
        return failure

    def _after_all(self, row: Write, refusal: Refused) -> Result:
        """Look whether a row whose id is taken is as it was meant: a lost call may end late."""
        if not isinstance(refusal, Duplicate):
            return refusal
        return self.settle([row]).get(row.id or "", refusal)

    def _settled(self, rows: Sequence[Write]) -> list[Result]:
        """Send what is not there yet until every row's fate is known."""
        fate: dict[int, Result] = {}
        for attempt in range(ATTEMPTS):
            waiting = [i for i in range(len(rows)) if i not in fate]
            try:
                results = self.call([rows[i] for i in waiting])
                return _filled(fate, waiting, results, len(rows))
            except Unsettled:
                known = self.settle([rows[i] for i in waiting])
                fate |= {i: known[rows[i].id or ""] for i in waiting if (rows[i].id or "") in known}
                if len(fate) == len(rows):
                    return [fate[i] for i in range(len(rows))]
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")


def _filled(
    fate: dict[int, Result], waiting: list[int], results: list[Result], total: int
) -> list[Result]:
    fate |= dict(zip(waiting, results, strict=True))
    return [fate[i] for i in range(total)]
