"""One DAG per engagement file beside this file."""

from __future__ import annotations

from pathlib import Path

from airflow_crm_migration.dag_factory import build_dags

globals().update(build_dags(Path(__file__).parent / "engagements"))
