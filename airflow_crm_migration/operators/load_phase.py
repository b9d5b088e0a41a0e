"""Loads one phase into the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from airflow_crm_migration.operators.destination import PhaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoadPhaseOperator(PhaseOperator):
    """
    Writes what is not in the destination as it should be, and verifies every write.

    :param conflicts: whose value stays where both sides changed a field
    """

    def __init__(
        self, *, conflicts: Literal["destination", "source"] = "destination", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.conflicts = conflicts

    def work(self, context: Context) -> dict[str, int]:
        """
        Load.

        :return: outcome -> number of records
        """
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.steps.load import load_step
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.owners import read_owners

        run, mode = self.run_of(context), context["params"]["mode"]
        facts = load_step(
            run,
            self.destination(context),
            load(self.signed_mapping(context)),
            self.phase,
            owners=read_owners(run),
            conflicts=self.conflicts,
            resend=mode == Mode.RETRY,
            hold_unknown_owners=mode == Mode.DELTA,
            say=self.say,
        )
        counts: dict[str, int] = {}
        for outcomes in facts["outcomes"].values():
            for outcome, reasons in outcomes.items():
                counts[outcome] = counts.get(outcome, 0) + sum(reasons.values())
        return counts
