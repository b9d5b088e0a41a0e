"""The reconciliation as plain text, for logs and terminals: counts and codes, never a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.report.model import number_of
from airflow_crm_migration.core.report.sentences import (
    counted_sentence,
    line_sentence,
    not_happened,
    verdict,
)
from airflow_crm_migration.core.report.tables import OUTCOMES, SELDOM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.model import Facts, Phase

_WORDS = 2
"""Columns that hold words and are aligned to the left."""


def console_table(facts: Facts) -> str:
    """
    Return the reconciliation of a run as an aligned table, and in sentences below it.

    The destination's count stands in the first row of each of its objects.
    """
    parts = [verdict(facts).sentence]
    rows = [row for phase in facts.phases for row in _rows(phase)]
    if rows:
        parts.append("\n".join(_aligned([_columns(), *rows], _shown(rows))))
    told = [*_sentences(facts), *not_happened(facts)]
    return "\n\n".join([*parts, *(["\n".join(told)] if told else [])])


def _columns() -> list[str]:
    outcomes = [str(outcome) for outcome in OUTCOMES]
    return ["object", "becomes", "read", *outcomes, "in destination", "balanced"]


def _rows(phase: Phase) -> Iterator[list[str]]:
    counted = _counted(phase)
    for line in phase.lines:
        numbers = [line.read, *(number_of(line, outcome) for outcome in OUTCOMES)]
        balanced = "yes" if line.balanced else "NO"
        yield [line.source, phase.name, *(f"{n:,}" for n in numbers), counted, balanced]
        counted = ""


def _counted(phase: Phase) -> str:
    if phase.counted is None:
        return "not asked"
    return f"{phase.counted.counted:,} of {phase.counted.expected:,}"


def _shown(rows: list[list[str]]) -> list[int]:
    """Return the columns to show: what hardly ever happens only when it did."""
    seldom = [_columns().index(outcome) for outcome in SELDOM]
    empty = {number for number in seldom if all(row[number] == "0" for row in rows)}
    return [number for number in range(len(_columns())) if number not in empty]


def _aligned(rows: list[list[str]], columns: list[int]) -> Iterator[str]:
    widths = {number: max(len(row[number]) for row in rows) for number in columns}
    for row in rows:
        cells = [
            row[n].ljust(widths[n]) if n < _WORDS else row[n].rjust(widths[n]) for n in columns
        ]
        yield "  ".join(cells).rstrip()


def _sentences(facts: Facts) -> Iterator[str]:
    for phase in facts.phases:
        for line in phase.lines:
            yield line_sentence(phase, line, dry=facts.run.dry_run)
        if phase.counted is not None:
            yield counted_sentence(phase, facts.run.destination)
