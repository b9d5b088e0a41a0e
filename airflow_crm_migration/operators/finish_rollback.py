"""Asks the destination whether everything that was undone is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.destination import DestinationOperator
from airflow_crm_migration.tasks import fail

if TYPE_CHECKING:
    from airflow.sdk import Context


class FinishRollbackOperator(DestinationOperator):
    """
    Fails when what was deleted is there, or our mark is on more than what was kept.

    :param phases: those that were undone
    """

    def __init__(self, *, phases: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phases = phases

    def work(self, context: Context) -> dict[str, dict[str, int]]:
        """
        Ask.

        :return: object -> what became of its records -> number
        """
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.rollback import NotRolledBack, rollback_result

        try:
            return rollback_result(
                self.run_of(context),
                self.destination(context),
                load(self.loaded_mapping(context)),
                self.phases,
            )
        except NotRolledBack as error:
            fail(self.log, [str(error)])
