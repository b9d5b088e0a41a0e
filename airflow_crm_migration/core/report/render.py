"""Renders the page that people read: one file that needs nothing else and runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.report import (
    forecasted,
    mapping_words,
    reading,
    sentences,
    words,
)
from airflow_crm_migration.core.report.csvs import visible
from airflow_crm_migration.core.report.model import number_of
from airflow_crm_migration.core.report.tables import OUTCOMES, SELDOM, all_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.reconcile import LineBalance
    from airflow_crm_migration.core.report.model import Facts
    from airflow_crm_migration.core.report.table import Cell, Row, Table

ROWS_SHOWN = 50
LONGEST = 400
"""Characters of a cell that the page shows; the CSV file has all of them."""

_THINNEST = 1.2
"""Percent of a bar's width: what is there at all can be seen."""

_ARRIVED: list[Outcome] = [
    outcome for outcome in OUTCOMES if outcome.in_destination and outcome != Outcome.CONFLICT
]
_PARTS: dict[str, list[Outcome]] = {
    "arrived": _ARRIVED,
    "part of another": [Outcome.MERGED],
    "left out on purpose": [Outcome.EXCLUDED],
    "held": [Outcome.HELD],
    "conflict": [Outcome.CONFLICT],
    "rejected": [Outcome.REJECTED, Outcome.DELETED],
}


@dataclass(frozen=True)
class BarPart:
    """
    A piece of a bar.

    :param start: percent of the bar's width, so ``width``
    """

    name: str
    number: int
    start: float
    width: float

    @property
    def kind(self) -> str:
        """The name as a CSS class."""
        return self.name.replace(" ", "-")


def render_report(facts: Facts) -> str:
    """
    Return the report as an HTML page.

    Whatever comes from a CRM is text in it: escaped, shortened, with hidden characters visible.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("airflow_crm_migration", "reports"),
        autoescape=True,
        finalize=_readable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(cell=cell_text, moment=words.moment, plural=words.plural)
    return environment.get_template("report.html.j2").render(_context(facts))


def _context(facts: Facts) -> dict[str, Any]:
    return {
        "facts": facts,
        "tables": all_tables(facts),
        "absent": _absent(facts),
        "rows_shown": ROWS_SHOWN,
        "verdict": sentences.verdict(facts),
        "not_happened": sentences.not_happened(facts),
        "line_sentence": sentences.line_sentence,
        "counted_sentence": sentences.counted_sentence,
        "links_sentence": sentences.links_sentence,
        "line_notes": mapping_words.line_notes,
        "crowded_fields": mapping_words.crowded_fields(facts.mapping) if facts.mapping else [],
        "bar": bar,
        "bar_parts": list(_PARTS),
        "reading_sentences": reading.reading_sentences(facts),
        "gone_sentences": reading.gone_sentences(facts),
        "forecast_sentence": forecasted.forecast_sentence(facts),
        "duplicate_sentences": sentences.duplicate_sentences(facts),
        "grouped": grouped,
        "seldom": {name for name in SELDOM if not facts.totals.outcomes[name]},
    }


def _absent(facts: Facts) -> set[str]:
    """Return the sections of what only some modes do and this run did not."""
    there = {
        "preflight": bool(facts.preflight),
        "validation": bool(facts.validations),
        "freeze": facts.freeze is not None,
        "rollback": facts.rollback is not None,
    }
    return {name for name, is_there in there.items() if not is_there}


def _readable(value: Any) -> Any:
    """Make every text visible on its way to the page; what is HTML already went this way."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def cell_text(value: Cell) -> str:
    """Return a cell as the page shows it."""
    if value is None:
        return "\u2013"
    if isinstance(value, int):
        return f"{value:,}"
    if len(value) <= LONGEST:
        return value
    return f"{value[:LONGEST]}… ({len(value):,} characters, all of them in the CSV file)"


def grouped(table: Table, keys: int) -> Iterator[tuple[list[Cell], list[Row]]]:
    """Walk a table's rows in groups that share their first cells, with the rest of each row."""
    for key, rows in groupby(table.walk(), key=lambda row: list(row[:keys])):
        yield key, [row[keys:] for row in rows]


def bar(line: LineBalance) -> list[BarPart]:
    """Return what became of a line's records as pieces of a bar."""
    numbers = {
        name: sum(number_of(line, outcome) for outcome in outcomes)
        for name, outcomes in _PARTS.items()
    }
    present = {name: number for name, number in numbers.items() if number}
    total = sum(present.values())
    widths = [max(100 * number / total, _THINNEST) for number in present.values()]
    scale = 100 / sum(widths) if widths else 1
    starts = accumulate(widths, initial=0.0)
    return [
        BarPart(name, number, round(start * scale, 3), round(width * scale, 3))
        for (name, number), start, width in zip(present.items(), starts, widths, strict=False)
    ]
