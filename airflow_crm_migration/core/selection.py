"""Chooses the records of a sample: some of every kind, and everything that they refer to."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.protocols import Values
from airflow_crm_migration.core.transform.conditions import holds

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import LinkWay
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.mapping_values import Scalar
    from airflow_crm_migration.core.transform.link_index import LinkIndex

SELECTION = "selection.json"
"""In a run's folder: the chosen records, where it does not take all."""

Read = Callable[[str], Iterable[Values]]
Selection = dict[str, set[str]]


def select_sample(
    mapping: PairMapping, read: Read, index: LinkIndex, size: int, choices: Mapping[str, Scalar]
) -> Selection:
    """
    Choose records, the same ones on every run.

    :param read: walks the records of a source object, survivors with all that they take over
    :param index: of all source records
    :param size: records per source object before their parents are added
    :param choices: what the customer chose
    :return: source object -> chosen source ids, closed over links
    """
    chosen: Selection = {}
    for name in mapping.source_objects:
        ids = stratified(_members(read(name), _strata(mapping, name)), size)
        chosen[name] = ids | {index.survivor(name, source_id) for source_id in ids}
    for name in _children_first(mapping):
        ways = list(_ways(mapping, name))
        for record in read(name):
            if str(record["id"]) in chosen[name]:
                _add_parents(chosen, ways, record, index, choices)
    return chosen


def _members(
    records: Iterable[Values], fields: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for record in records:
        yield tuple(str(record.get(f)) for f in fields), str(record["id"])


def stratified(members: Iterable[tuple[tuple[str, ...], str]], size: int) -> set[str]:
    """
    Take ids from each stratum in turn, in an order that depends on nothing but the ids.

    :param members: stratum and id of each
    :param size: how many ids to take at most
    """
    strata: dict[tuple[str, ...], list[tuple[str, str]]] = defaultdict(list)
    for stratum, member in members:
        strata[stratum].append((hashlib.sha256(member.encode()).hexdigest(), member))
    queues = [sorted(members) for _, members in sorted(strata.items())]
    chosen: set[str] = set()
    depth = 0
    while len(chosen) < size and any(depth < len(queue) for queue in queues):
        for queue in queues:
            if depth < len(queue) and len(chosen) < size:
                chosen.add(queue[depth][1])
        depth += 1
    return chosen


def _strata(mapping: PairMapping, name: str) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(f for line in mapping.lines if line.source == name for f in line.strata)
    )


def _ways(mapping: PairMapping, name: str) -> Iterator[tuple[Any, LinkWay]]:
    for line in mapping.lines:
        if line.source == name:
            for link in line.links:
                yield from ((link.when, way) for way in link.ways if way.by != "self")
    for fold in mapping.folds:
        if fold.source == name:
            for into in fold.into:
                yield from ((into.when, way) for way in into.ways)


def _children_first(mapping: PairMapping) -> list[str]:
    """Source objects in the reverse order of the phases; folded ones before all others."""
    order = {phase: number for number, phase in enumerate(mapping.phases)}
    depth: dict[str, int] = {fold.source: len(order) for fold in mapping.folds}
    for line in mapping.lines:
        depth[line.source] = max(depth.get(line.source, 0), order[line.destination])
    return sorted(depth, key=lambda name: -depth[name])


def _add_parents(
    chosen: Selection,
    ways: list[tuple[Any, LinkWay]],
    record: Mapping[str, Any],
    index: LinkIndex,
    choices: Mapping[str, Scalar],
) -> None:
    for when, way in ways:
        if all(holds(part, record, choices, index.related) for part in (when, way.when)):
            for _, ids in index.matches(way, record):
                chosen.setdefault(way.object, set()).update(ids)
