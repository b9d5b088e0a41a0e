"""Applies what was decided about duplicates, and chooses the records that a run loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class DecideDuplicatesOperator(PairOperator):
    """
    Applies the signed decisions about duplicates, and chooses the records of a run that takes some.

    :param signers: who may sign
    """

    def __init__(self, *, signers: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.signers = signers

    def work(self, context: Context) -> dict[str, int]:
        """
        Apply.

        :return: source object and what became of records -> number
        """
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.steps.duplicates import decide_step
        from airflow_crm_migration.core.steps.source_records import (
            choose_sample,
            choose_unfinished,
        )

        run, params = self.run_of(context), context["params"]
        counts = decide_step(run, self.mapping, self.signed(context, "duplicates", self.signers))
        chosen: dict[str, int] = {}
        if params["mode"] == Mode.SAMPLE:
            size = params["sample_size"]
            chosen = choose_sample(run, self.mapping, size, choices=self.choices)
        elif params["mode"] == Mode.RETRY:
            chosen = choose_unfinished(run, self.mapping, choices=self.choices)
        return counts | {f"{name} chosen": number for name, number in chosen.items()}
