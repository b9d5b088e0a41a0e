"""Starts a scheduled run of an engagement, unless one is under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context


class TriggerRunOperator(TriggerDagRunOperator):
    """
    Triggers the DAG of an engagement, and skips with a line where a run of it has not ended yet.

    A run may wait for a signature for weeks; the nights until then would queue up behind it.

    :param trigger_dag_id: id of the DAG
    :param conf: parameters of the run
    """

    def execute(self, context: Context) -> Any:
        """Trigger."""
        count = context["ti"].get_dr_count(dag_id=self.trigger_dag_id, states=["queued", "running"])
        if count:
            line = f"{self.trigger_dag_id}: a run has not ended yet; this one is left out"
            self.log.info("%s", line)
            raise AirflowSkipException(line)
        return super().execute(context)
