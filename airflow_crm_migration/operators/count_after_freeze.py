"""Counts what changed in the source although it was frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CountAfterFreezeOperator(PairOperator):
    """
    Looks through what was read for changes after the declared instant.

    It comes after the last extract; without a freeze there is nothing to count.
    """

    def work(self, context: Context) -> dict[str, int | None]:
        """
        Count.

        :return: source object -> number of records, None for one whose records tell no time
        """
        from airflow_crm_migration.core.steps.freeze import count_after_freeze

        counts = count_after_freeze(self.run_of(context), self.mapping)
        for name, number in counts.items():
            if number:
                self.log.warning("%s: %d records changed after the freeze", name, number)
        return counts
