"""Writes rows in batches so that one bad row sinks only itself and a lost reply loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airflow_crm_migration.core.errors import Refused, Unsettled
from airflow_crm_migration.core.protocols import Stored, Write

Call = Callable[[Sequence[Write]], list[Stored | Refused]]
Settle = Callable[[Sequence[Write]], dict[str, Stored]]
Result = Stored | Refused

ATTEMPTS = 4
"""How often a batch is sent whose fate was unknown and which then proved not to be written."""


def write_batch(call: Call, settle: Settle, rows: Sequence[Write]) -> list[Result]:
    """
    Write rows and tell each one's fate, in order.

    A batch that is refused as a whole is split until the bad row stands alone.

    :param call: writes all rows or none, or tells a refusal in a row's place
    :param settle: asks which rows stand in the destination as they were meant
    :raises Unsettled: when the destination cannot be asked, or never takes the rows
    """
    if not rows:
        return []
    try:
        return _settled(call, settle, rows)
    except Refused as refusal:
        if len(rows) == 1:
            return [refusal]
        middle = len(rows) // 2
        return write_batch(call, settle, rows[:middle]) + write_batch(call, settle, rows[middle:])


def _settled(call: Call, settle: Settle, rows: Sequence[Write]) -> list[Result]:
    """Send what is not there yet until every row's fate is known."""
    fate: dict[int, Result] = {}
    for attempt in range(ATTEMPTS):
        waiting = [i for i in range(len(rows)) if i not in fate]
        try:
            results = call([rows[i] for i in waiting])
            return _filled(fate, waiting, results, len(rows))
        except Unsettled:
            written = settle([rows[i] for i in waiting])
            fate |= {i: written[rows[i].id or ""] for i in waiting if (rows[i].id or "") in written}
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
