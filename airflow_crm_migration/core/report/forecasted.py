"""What a dry run foretells, as its report tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.forecast import duration, forecast_line
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.report.table import Table, table
from airflow_crm_migration.core.report.words import listed, outcome_words

if TYPE_CHECKING:
    from airflow_crm_migration.core.report.model import Facts

_SHOWN = (Outcome.CREATED, Outcome.UPDATED, Outcome.CONFLICT, Outcome.REJECTED)


def forecast_sentence(facts: Facts) -> str:
    """Say what the real run would do and what that would take; of no dry run, nothing."""
    if facts.forecast is None:
        return ""
    told = [f"{facts.totals.outcomes[one]:,} {outcome_words(one)}" for one in _SHOWN]
    return f"{listed(told)} records; {forecast_line(facts.forecast)}."


def forecast_table(facts: Facts) -> Table:
    """Return requests and time by step."""
    rows = [
        (one.phase, one.step, one.requests, round(one.weight), duration(one.seconds), one.deferrals)
        for one in (facts.forecast.predicted if facts.forecast else ())
    ]
    columns = ("object", "step", "requests", "counted by limits", "duration", "deferred")
    return table("forecast", columns, rows)
