"""Lets a run take the way of its mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BranchMixIn

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChooseWorkOperator(PairOperator, BranchMixIn):
    """Follows the tasks of the run's mode in one environment, and skips those of other modes."""

    def work(self, context: Context) -> str:
        """
        Choose.

        :return: the mode
        :raises UserMistake: the mode stands on an earlier run that there is none of
        """
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.steps.ground import check_ground

        mode = Mode(context["params"]["mode"])
        check_ground(self.staging, mode, self.environment, self.mapping, self.choices)
        ways = {
            Mode.VALIDATE: f"{self.environment}.validate",
            Mode.ROLLBACK: f"{self.environment}.rollback.forecast",
        }
        self.do_branch(context, ways.get(mode, "probe"))
        return mode
