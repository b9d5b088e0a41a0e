"""Writes what people get to read of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_crm_migration.core.keyring import Keyring


class DeliverOperator(StepOperator):
    """
    Writes the report of a run, also of one that failed on its way.

    :param phases: objects of the destination, in the order of loading
    :param signers: who may sign, empty for anyone
    """

    def __init__(self, *, phases: list[str], signers: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(trigger_rule="all_done", **kwargs)
        self.phases = phases
        self.signers = signers

    def work(self, context: Context) -> str:
        """
        Write.

        :return: name of the report in staging
        """
        from airflow_crm_migration.core.steps.deliver import deliver_step

        return deliver_step(
            self.run_of(context),
            self.phases,
            context["params"]["mode"],
            keyring=_keyring_if_any(),
            signers=self.signers,
        )


def _keyring_if_any() -> Keyring | None:
    """Return the keys; without any the report is written too, and says that nothing was checked."""
    from airflow_crm_migration.core.errors import UserMistake
    from airflow_crm_migration.hooks.signing import signing_keyring

    try:
        return signing_keyring()
    except UserMistake:
        return None
