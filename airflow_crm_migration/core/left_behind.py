"""Which fields of the source no rule of a mapping reads: they stay behind, and people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.transform.conditions import fields_looked_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_crm_migration.core.mapping import Condition, Fold, Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping


def left_behind(mapping: PairMapping, source_object: str, fields: Collection[str]) -> list[str]:
    """
    Return the fields of a source object that no rule for it reads.

    :param mapping: resolved, so that columns of the customer's own have their rules
    :param fields: those that were read from the source
    """
    return sorted(set(fields) - _read_of_its_own(mapping, source_object))


def fields_read(mapping: PairMapping, source_object: str) -> set[str]:
    """Return the fields of a source object that rules read, those of other records' rules too."""
    return _read_of_its_own(mapping, source_object) | mapping.looked_at.get(source_object, set())


def _read_of_its_own(mapping: PairMapping, source_object: str) -> set[str]:
    read = {"id"}
    for line in mapping.lines:
        read |= set(_read_by_line(line)) if line.source == source_object else set()
    for fold in mapping.folds:
        read |= set(_read_by_fold(fold)) if fold.source == source_object else set()
    return read


def _read_by_line(line: Line) -> Iterator[str]:
    yield from line.identity
    for rule in line.fields if line.one_per is None else (*line.fields, line.one_per):
        yield from rule.own_sources
    for link in line.links:
        yield from (way.own_source for way in link.ways)
    yield from (owner.source for owner in line.owners)
    if line.file is not None:
        yield from (name for name in (line.file.source, line.file.size) if name)
    for condition in _conditions(line):
        yield from fields_looked_at(condition)


def _conditions(line: Line) -> Iterator[Condition | None]:
    yield line.when
    yield from (rule.when for rule in line.fields)
    for link in line.links:
        yield from (link.when, *(way.when for way in link.ways))


def _read_by_fold(fold: Fold) -> Iterator[str]:
    yield from fold.identity
    for into in fold.into:
        yield from (into.value, *(way.own_source for way in into.ways))
        yield from fields_looked_at(into.when)
