"""Lists what is gone from the source and stands in the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ListGoneOperator(PairOperator):
    """Lists, once the source is read, what the run's environment holds and the source no longer."""

    def work(self, context: Context) -> dict[str, int]:
        """
        List; nothing is deleted.

        :return: source object -> number of records, without objects read by a window
        """
        from airflow_crm_migration.core.steps.gone import list_gone

        return list_gone(self.run_of(context), self.mapping)
