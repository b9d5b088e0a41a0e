"""How often which fault struck which kind of write."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.support.faulty.schedule import Cell

HITS = "hits by kind of write and fault"
"""Title of the table, under which a test tells its lines."""


@dataclass
class Matrix:
    """
    A table of hits.

    :param cells: all that there are
    :param seconds: what each seed took
    """

    cells: Sequence[Cell] = ()
    hits: Counter[Cell] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def add(self, labels: Iterable[str], seconds: float) -> None:
        """
        Count what happened under a seed.

        :param labels: of what happened, each once
        :param seconds: that it took
        """
        self.seconds.append(seconds)
        for label in labels:
            _, fault, kind = label.split("|")
            self.hits[fault, kind] += 1

    def lacking(self, least: int) -> list[Cell]:
        """Return the cells with fewer hits."""
        return [cell for cell in self.cells if self.hits[cell] < least]

    def lines(self) -> list[str]:
        """Return the table as text: a row per kind of write, a column per fault."""
        faults, kinds = (list(dict.fromkeys(names)) for names in zip(*self.cells, strict=True))
        wide = max(map(len, kinds))
        words = {fault: ["", *fault.split()][-2:] for fault in faults}
        heads = [
            " ".join([" " * wide, *(pair[at].rjust(_width(pair)) for pair in words.values())])
            for at in (0, 1)
        ]
        rows = [
            " ".join(
                [kind.ljust(wide), *(f"{self.hits[f, kind]:{_width(words[f])}}" for f in faults)]
            )
            for kind in kinds
        ]
        each = sum(self.seconds) / max(1, len(self.seconds))
        most = max(self.seconds, default=0.0)
        return [
            *heads,
            *rows,
            f"{len(self.seconds)} seeds, {each:.1f} s each, {most:.1f} s at most",
        ]


def _width(words: Sequence[str]) -> int:
    return max(3, *map(len, words))
