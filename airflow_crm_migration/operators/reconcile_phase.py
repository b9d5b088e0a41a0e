"""Asks the destination what it holds of a phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.destination import PhaseOperator
from airflow_crm_migration.tasks import fail

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReconcilePhaseOperator(PhaseOperator):
    """Stops the load when a phase does not add up."""

    def work(self, context: Context) -> dict[str, int]:
        """
        Reconcile.

        :return: expected, counted and missing
        """
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.reconcile import NotReconciled, reconcile_step

        try:
            return reconcile_step(
                self.run_of(context),
                self.destination(context),
                load(self.signed_mapping(context)),
                self.phase,
                self.say,
            )
        except NotReconciled as error:
            fail(self.log, [str(error)])
