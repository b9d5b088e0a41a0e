"""Lets a run take the way of its mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BranchMixIn

from airflow_crm_migration.operators.steps import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChooseWorkOperator(StepOperator, BranchMixIn):
    """Follows the tasks of the run's mode in one environment, and skips those of other modes."""

    def work(self, context: Context) -> str:
        """
        Choose.

        :return: the mode
        :raises UserMistake: the mode stands on an earlier run that there is none of
        """
        from airflow_crm_migration.core.modes import Mode, check_ground

        mode = Mode(context["params"]["mode"])
        check_ground(self.staging, mode, self.environment)
        ways = {
            Mode.VALIDATE: ["validate"],
            Mode.ROLLBACK: ["rollback.forecast"],
            Mode.CUTOVER: ["validate", "propose_cutover"],
        }
        chosen = [f"{self.environment}.{name}" for name in ways.get(mode, [])]
        if mode.reads_source:
            chosen.append("probe")
        self.do_branch(context, chosen)
        return mode
