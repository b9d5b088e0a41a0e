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
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.schema import prepare_destination

        mapping = load(self.signed_mapping())
        return prepare_destination(self.run_of(context), self.destination(context), mapping)
