"""Makes the fields and options that the signed mapping needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.destination import DestinationOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PrepareDestinationOperator(DestinationOperator):
    """Makes what is missing in the destination's data model; nothing is ever removed."""

    def work(self, context: Context) -> dict[str, int]:
        """
        Make.

        :return: kind of change -> number
        """
        from airflow_crm_migration.core.gates import read_proposal
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.schema import prepare_destination

        run, mapping = self.run_of(context), load(self.signed_mapping(context))
        gate = self.gate("rehearsal")
        if run.environment == "production" and read_proposal(run.staging, gate) is None:
            self.log.warning("production: no full run in the sandbox shows what this mapping does")
        return prepare_destination(run, self.destination(context), mapping)
