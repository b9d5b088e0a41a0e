"""Finds records that are one, and lays the doubtful ones before the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class FindDuplicatesOperator(PairOperator):
    """Proposes what becomes of duplicates, from the extract and from decisions taken before."""

    def work(self, context: Context) -> dict[str, int]:
        """
        Search.

        :return: source object and kind -> number of clusters
        """
        from airflow_crm_migration.core.steps.duplicates import find_step

        return find_step(self.run_of(context), self.mapping)
