"""Loads one phase into the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.destination import PhaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoadPhaseOperator(PhaseOperator):
    """Writes what is not in the destination as it should be, and verifies every write."""

    def work(self, context: Context) -> dict[str, int]:
        """
        Load.

        :return: outcome -> number of records
        """
        from airflow_crm_migration.core.steps.load import load_step
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.owners import read_owners

        run = self.run_of(context)
        facts = load_step(
            run,
            self.destination(context),
            load(self.signed_mapping()),
            self.phase,
            owners=read_owners(run),
            say=self.say,
        )
        counts: dict[str, int] = {}
        for outcomes in facts["outcomes"].values():
            for outcome, reasons in outcomes.items():
                counts[outcome] = counts.get(outcome, 0) + sum(reasons.values())
        return counts
