"""What every step does when it cannot do its work."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_crm_migration.core.errors import LeaseHeld
from airflow_crm_migration.tasks import MigrationOperator


class Busy(MigrationOperator):
    """A step that meets another writer."""

    def work(self, context: Any) -> None:
        raise LeaseHeld("load person of run r1 writes here")


def step() -> Busy:
    return Busy(task_id="t", engagement_id="acme", staging_url="file:///nowhere")


def test_a_scheduled_run_that_meets_another_writer_is_left_out() -> None:
    context: Any = {"params": {"when_busy": "skip"}}
    with pytest.raises(AirflowSkipException, match="load person of run r1 writes here"):
        step().execute(context)


def test_a_manual_run_that_meets_another_writer_fails_with_its_name() -> None:
    context: Any = {"params": {"when_busy": "fail"}}
    with pytest.raises(AirflowFailException, match="load person of run r1 writes here"):
        step().execute(context)
