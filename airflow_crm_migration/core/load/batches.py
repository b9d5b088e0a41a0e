"""Writes rows in batches so that one bad row sinks only itself and a lost reply loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_crm_migration.core.errors import Duplicate, Refused, Unsettled
from airflow_crm_migration.core.protocols import Stored, Write

Call = Callable[[Sequence[Write]], list[Stored | Refused]]
Result = Stored | Refused
Settle = Callable[[Sequence[Write]], dict[str, Result]]

ATTEMPTS = 4
"""How often a batch is sent whose fate was unknown and which then proved not to be written."""


def write_batch(call: Call, settle: Settle, rows: Sequence[Write]) -> list[Result]:
    """
    Write rows and tell each one's fate, in order.

    A batch that is refused as a whole is split until the bad row stands alone.

    :param call: writes all rows or none, or tells a refusal in a row's place
    :param settle: asks for the fate of rows: those that stand in the destination as they were
        meant, and those that must not be sent again
    :raises Unsettled: when the destination cannot be asked, or never takes the rows
    """
    if not rows:
        return []
    try:
        return _settled(call, settle, rows)
    except Refused as refusal:
        if len(rows) == 1:
            return [_after_all(settle, rows[0], refusal)]
        middle = len(rows) // 2
        return write_batch(call, settle, rows[:middle]) + write_batch(call, settle, rows[middle:])


def _after_all(settle: Settle, row: Write, refusal: Refused) -> Result:
    """Look whether a row whose id is taken is there as it was meant: a lost call may end late."""
    if not isinstance(refusal, Duplicate):
        return refusal
    return settle([row]).get(row.id or "", refusal)


def _settled(call: Call, settle: Settle, rows: Sequence[Write]) -> list[Result]:
    """Send what is not there yet until every row's fate is known."""
    fate: dict[int, Result] = {}
    for attempt in range(ATTEMPTS):
        waiting = [i for i in range(len(rows)) if i not in fate]
        try:
            results = call([rows[i] for i in waiting])
            return _filled(fate, waiting, results, len(rows))
        except Unsettled:
            known = settle([rows[i] for i in waiting])
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
