"""How much of the source a run read, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.report.words import counted, listed, moment, plural, verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.model import ExportPath, Facts


def reading_sentences(facts: Facts) -> list[str]:
    """Say what was read anew, what was taken over from an earlier run, and what cannot be seen."""
    told = [sentence for export in facts.exports for sentence in _of_object(export)]
    return [*told, *_deletions(facts)]


def gone_sentences(facts: Facts) -> list[str]:
    """Say for each object how many records are gone from the source and stand all the same."""
    numbers: dict[str, int] = {}
    for (name, *_), number in facts.gone.groups:
        numbers[name] = numbers.get(name, 0) + number
    by_content = {export.object for export in facts.exports if export.by_content}
    return [
        f"{counted(number, name)} {'is' if number == 1 else 'are'} no longer in "
        f"{facts.run.source} and "
        f"{verb(number)} left in {facts.run.destination}{_named(name in by_content)}."
        for name, number in numbers.items()
    ]


def _of_object(export: ExportPath) -> Iterator[str]:
    name = plural(export.object).capitalize()
    if export.extract_of:
        yield f"{name} are those that run {export.extract_of} read."
    if export.base:
        changed = counted(export.anew, export.object)
        yield (
            f"{name}: {changed} {verb(export.anew)} read that changed since "
            f"{moment(export.since)}, "
            f"{export.taken_over:,} {verb(export.taken_over)} taken over from run {export.base}."
        )
    if export.whole:
        yield f"{name} were read whole, not only what changed: {export.whole}."
    if export.same_as:
        yield f"{name}: the file holds what run {export.same_as} was made of, nothing changed."


def _deletions(facts: Facts) -> Iterator[str]:
    names = [plural(export.object) for export in facts.exports if export.base]
    if names:
        yield (
            f"Of {listed(names)} only what changed was read, so what was deleted in "
            f"{facts.run.source} cannot be seen there; a run in mode full sees it."
        )


def _named(by_content: bool) -> str:
    """Say that a record without id or key which changed is another record to us."""
    return (
        "; some of them are known by their content alone and may only have changed"
        if by_content
        else ""
    )
