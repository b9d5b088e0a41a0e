"""Fails the run when anything in it failed: without it a failed migration would end green."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import StepOperator
from airflow_crm_migration.tasks import fail

if TYPE_CHECKING:
    from airflow.sdk import Context


class VerdictOperator(StepOperator):
    """
    Says in words how the run ended, and is red when that is not good enough.

    :param phases: objects of the destination, in the order of loading
    :param fail_on: what makes a run red beside failed tasks
    """

    def __init__(self, *, phases: list[str], fail_on: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(trigger_rule="all_done", retries=0, **kwargs)
        self.phases = phases
        self.fail_on = fail_on

    def work(self, context: Context) -> list[str]:
        """
        Judge.

        :return: the counts in words
        """
        from airflow_crm_migration.core.steps.verdict import verdict_step

        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        failed = [name for name, state in states.items() if state == "failed"]
        verdict = verdict_step(self.run_of(context), self.phases, failed, self.fail_on)
        for line in verdict.lines:
            self.log.info("%s", line)
        if verdict.failures:
            fail(self.log, verdict.failures)
        return verdict.lines
