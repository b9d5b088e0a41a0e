"""The parameters of a run, as its form hands them to every task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_crm_migration.dag_parts.form import run_params
from airflow_crm_migration.engagement import load_engagement

EXAMPLE = Path(__file__).parents[2] / "dags" / "engagements" / "klipy_to_twenty.yaml"


def params(**given: Any) -> dict[str, Any]:
    """Return the form's defaults with what somebody filled in."""
    defaults = {name: param.value for name, param in run_params(load_engagement(EXAMPLE)).items()}
    return {**defaults, **given}
