"""Thin DAGs that start runs of an engagement by the clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, CronTriggerTimetable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.engagement import Engagement

_START = datetime(2025, 1, 1, tzinfo=UTC)
"""A schedule needs a beginning; without catching up, any in the past will do."""


def schedule_dags(engagement: Engagement, dag_id: str, common: dict[str, Any]) -> Iterator[DAG]:
    """
    Make a DAG per schedule of an engagement.

    :param dag_id: of the DAG that they trigger
    :param common: arguments that all DAGs of the engagement have
    """
    for mode, schedule in engagement.schedules.items():
        # Only who has a schedule pays for the import.
        from airflow_crm_migration.operators.trigger_run import TriggerRunOperator

        with DAG(
            dag_id=f"{dag_id}_{mode}",
            description=f"{engagement.customer}: {mode} by the clock",
            schedule=CronTriggerTimetable(schedule.cron, timezone=schedule.timezone),
            start_date=_START,
            **common,
        ) as dag:
            TriggerRunOperator(
                task_id="trigger",
                trigger_dag_id=dag_id,
                conf={
                    "mode": mode,
                    "environment": schedule.environment,
                    "when_busy": "skip",
                },
            )
        yield dag
