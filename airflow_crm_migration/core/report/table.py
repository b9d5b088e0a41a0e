"""A table of a report: the page and a CSV file are made of the same one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

Cell = str | int | None
Row = Sequence[Cell]


@dataclass(frozen=True)
class Table:
    """
    A table of the report.

    :param name: of its CSV file, without the ending
    :param walk: walks all rows, as often as called
    :param total: how many rows there are
    """

    name: str
    columns: tuple[str, ...]
    walk: Callable[[], Iterator[Row]]
    total: int

    def first(self, number: int) -> list[Row]:
        """Return the first rows."""
        return list(islice(self.walk(), number))


def table(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Table:
    """Return a table of rows that are few enough to be kept."""
    kept = list(rows)
    return Table(name, tuple(columns), partial(iter, kept), len(kept))
