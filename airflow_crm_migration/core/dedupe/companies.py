"""Which companies are one."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from airflow_crm_migration.core.dedupe.clusters import ClusterBuilder, Edge
from airflow_crm_migration.core.dedupe.company import Company, company_of
from airflow_crm_migration.core.dedupe.model import Match
from airflow_crm_migration.core.dedupe.survivors import choose_survivor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.protocols import Values

_PREFIX = 2
_ALIKE = 85
_LONG = 8
_RELATED = 60


def find_duplicate_companies(records: Iterable[Values]) -> list[Cluster]:
    """
    Find companies that are, or may be, one.

    Certain is one registrable domain, unless the names have nothing in common. Doubtful are equal
    or nearly equal names where one record has no domain. Free-mail domains and hosts that many
    companies have a page on say nothing.

    :param records: typed companies with ``id``, ``name``, ``domain``, ``website``, ``updated_at``
    :return: certain clusters, then doubtful ones, each sorted by their members
    """
    known = {str(record["id"]): record for record in sorted(records, key=lambda r: str(r["id"]))}
    companies = [company_of(record) for record in known.values()]
    builder = ClusterBuilder(
        [company.id for company in companies],
        companies,
        _contradict,
        lambda ids: choose_survivor([known[i] for i in ids]),
    )
    finders = (_by_domain, _by_name)
    return builder.build(edge for finder in finders for edge in finder(companies))


def _by_domain(companies: Sequence[Company]) -> Iterator[Edge]:
    by_domain: dict[str, list[int]] = defaultdict(list)
    for index, company in enumerate(companies):
        for domain in company.domains:
            by_domain[domain].append(index)
    for group in by_domain.values():
        yield from _of_one_domain(companies, group)


def _of_one_domain(companies: Sequence[Company], group: list[int]) -> Iterator[Edge]:
    by_key: dict[str, list[int]] = defaultdict(list)
    for index in group:
        by_key[companies[index].key].append(index)
    for same in by_key.values():
        yield from (Edge(same[0], i, Match.SAME_DOMAIN, 1.0, certain=True) for i in same[1:])
    for one, other in combinations(by_key, 2):
        pair = by_key[one][0], by_key[other][0]
        if _related(one, other):
            yield Edge(*pair, Match.SAME_DOMAIN, 1.0, certain=True)
        else:
            yield Edge(*pair, Match.CONFLICTING_NAMES, 0.6)


def _by_name(companies: Sequence[Company]) -> Iterator[Edge]:
    """Yield equal and nearly equal names; at least one of the two has no domain of its own."""
    blocks: dict[str, list[int]] = defaultdict(list)
    for index, company in enumerate(companies):
        if company.key and not company.free_mail:
            blocks[f"{company.key[:_PREFIX]} "].append(index)
            blocks[f" {company.key[-_PREFIX:]}"].append(index)
    seen = {pair for block in blocks.values() for pair in _alike(companies, block)}
    for one, other in sorted(seen):
        if companies[one].key == companies[other].key:
            yield Edge(one, other, Match.SAME_NAME, 0.85)
        elif _typo(companies[one].key, companies[other].key):
            yield Edge(one, other, Match.SIMILAR_NAME, 0.7)


def _alike(companies: Sequence[Company], block: list[int]) -> Iterator[tuple[int, int]]:
    import numpy as np
    from rapidfuzz import fuzz, process

    bare = [index for index in block if not companies[index].domains]
    if not bare or len(block) == 1:
        return
    scores = process.cdist(
        [companies[index].key for index in bare],
        [companies[index].key for index in block],
        scorer=fuzz.ratio,
        score_cutoff=_ALIKE,
        dtype=np.uint8,
    )
    for row, column in zip(*np.nonzero(scores), strict=True):
        one, other = sorted((bare[row], block[column]))
        if one != other:
            yield one, other


def _related(one: str, other: str) -> bool:
    """Tell whether two names of one domain can be one company's: much alike, part, abbreviation."""
    from rapidfuzz import fuzz

    if not one or not other:
        return True
    left, right = one.replace(" ", ""), other.replace(" ", "")
    initials = {"".join(word[0] for word in name.split()) for name in (one, other)}
    if initials & {left, right} or set(one.split()) & set(other.split()):
        return True
    return fuzz.partial_ratio(left, right) >= _RELATED


def _typo(one: str, other: str) -> bool:
    """Tell a slip of the keyboard in a long name; a number or a word more is another company."""
    from rapidfuzz.distance import OSA

    numbers = [[c for c in name if c.isdigit()] for name in (one, other)]
    if min(len(one), len(other)) < _LONG or numbers[0] != numbers[1]:
        return False
    return OSA.distance(one, other, score_cutoff=1) <= 1


def _contradict(one: Company, other: Company) -> bool:
    """Tell whether two companies have nothing but other domains and other names."""
    apart = bool(one.domains and other.domains and not one.domains & other.domains)
    return apart and one.key != other.key
