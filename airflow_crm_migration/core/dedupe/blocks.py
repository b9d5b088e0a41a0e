"""Pairs worth comparing: only within blocks, and there only what looks alike to rapidfuzz."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from airflow_crm_migration.core.values.names import fold_digraphs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from airflow_crm_migration.core.dedupe.agreement import PersonName

_ALIKE = 75
_SMALL = 40
_WIDEST = 1500
_WINDOW = 30
_CHUNK = 500_000


def similar_pairs(
    names: Sequence[PersonName], blocks: Iterable[Sequence[int]]
) -> Iterator[tuple[int, int]]:
    """
    Yield pairs of records of one block whose names look alike, each pair once.

    Records of one name are chained to the first of them instead of all to all.

    :param names: of the records
    :param blocks: groups of indexes of records, each in rising order
    """
    chains: set[tuple[int, int]] = set()
    loose: set[tuple[int, int]] = set()
    for block in dict.fromkeys(map(tuple, blocks)):
        by_name: dict[PersonName, int] = {}
        for index in block:
            first = by_name.setdefault(names[index], index)
            if first != index:
                chains.add((first, index))
        firsts = sorted(by_name.values())
        if len(firsts) <= _SMALL:
            loose.update(combinations(firsts, 2))
        else:
            for part in _divided(names, firsts):
                loose.update(_neighbours(names, part))
    yield from sorted(chains)
    yield from _alike(names, sorted(loose))


def _divided(names: Sequence[PersonName], block: list[int]) -> Iterable[list[int]]:
    """Divide by each word of the name: those who are alike have all but one in common."""
    found: dict[str, list[int]] = defaultdict(list)
    for index in block:
        for word in {fold_digraphs(w) for w in names[index].given + names[index].family}:
            found[word].append(index)
    return found.values()


def _neighbours(names: Sequence[PersonName], part: list[int]) -> Iterator[tuple[int, int]]:
    if len(part) <= _WIDEST:
        return combinations(part, 2)
    # so many people are no company: only neighbours in the alphabet
    line = sorted(part, key=lambda index: names[index].family + names[index].given)
    return (
        (min(one, other), max(one, other))
        for step in range(1, _WINDOW)
        for one, other in zip(line, line[step:], strict=False)
    )


def _alike(names: Sequence[PersonName], loose: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    import numpy as np

    straight = np.array([" ".join(name.given + name.family) for name in names], dtype=object)
    ordered = np.array([" ".join(sorted(n.given + n.family)) for n in names], dtype=object)
    family = np.array([" ".join(name.family) for name in names], dtype=object)
    for start in range(0, len(loose), _CHUNK):
        one, other = np.array(loose[start : start + _CHUNK]).T
        near = (family[one] == family[other]) & (family[one] != "")
        for texts in (straight, ordered):
            near |= _ratios(texts[one], texts[other]) >= _ALIKE
        yield from zip(one[near].tolist(), other[near].tolist(), strict=True)


def _ratios(one: NDArray[np.object_], other: NDArray[np.object_]) -> NDArray[np.float32]:
    from rapidfuzz import fuzz, process

    return process.cpdist(one.tolist(), other.tolist(), scorer=fuzz.ratio, score_cutoff=_ALIKE)
