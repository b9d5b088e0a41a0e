"""Undoes one phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.operators.destination import PhaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class UndoPhaseOperator(PhaseOperator):
    """
    Deletes what was made and restores what was written over, as it was forecast and signed.

    What people worked on since is kept. Tried again it goes on where it was.
    """

    def work(self, context: Context) -> dict[str, int]:
        """
        Undo.

        :return: what became of records -> number
        """
        from airflow_crm_migration.core.rollback.plan import GATE
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.rollback import undo_phase

        run = self.run_of(context)
        return undo_phase(
            run,
            self.destination(context),
            load(self.loaded_mapping(context)),
            self.phase,
            signed=None if run.dry_run else self.signed(context, GATE, self.signers),
            say=self.say,
        )
