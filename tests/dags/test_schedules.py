"""A schedule starts a run of its engagement, and leaves it out while one has not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import delete, select

from airflow_crm_migration.dag_factory import build_dags
from tests.support.dags import logged, register

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.migration

MAIN = "crm_migration_by-the-clock"
NIGHTLY = {"cron": "0 2 * * *", "environment": "sandbox"}
CONTENT = {
    "id": "by-the-clock",
    "customer": "ACME GmbH",
    "pair": "klipy_to_twenty",
    "staging": {"url": "file:///nowhere"},
    "connections": {"sandbox": "twenty_acme"},
    "schedules": {"delta": NIGHTLY},
}


@pytest.mark.usefixtures("airflow_db")
def test_a_night_triggers_a_run_and_the_next_one_waits_for_no_queue(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(CONTENT))
    dags = {name: register(dag) for name, dag in build_dags(tmp_path).items()}
    night = dags[f"{MAIN}_delta"]
    try:
        assert night.test().state == "success"
        with create_session() as session:
            [run] = session.scalars(select(DagRun).where(DagRun.dag_id == MAIN)).all()
        assert run.conf == {"mode": "delta", "environment": "sandbox", "when_busy": "skip"}
        with logged() as log:
            [task] = night.test().get_task_instances()
        assert task.state == "skipped"
        assert any(f"{MAIN}: a run has not ended yet" in line for line in log.lines)
        with create_session() as session:
            assert len(session.scalars(select(DagRun).where(DagRun.dag_id == MAIN)).all()) == 1
    finally:
        with create_session() as session:
            session.execute(delete(DagRun).where(DagRun.dag_id == MAIN))
