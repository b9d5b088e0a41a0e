"""Lists who owns the records that move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CollectOwnersOperator(PairOperator):
    """Lists every owner of a record that moves, for the gate that waits until each is a member."""

    def work(self, context: Context) -> int:
        """
        List.

        :return: number of owners
        """
        from airflow_crm_migration.core.steps.owners import collect_owners

        return collect_owners(self.run_of(context), self.mapping)
