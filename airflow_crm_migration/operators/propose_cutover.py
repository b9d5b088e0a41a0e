"""Lays the result of a cutover before the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ProposeCutoverOperator(StepOperator):
    """
    Proposes the gate ``cutover``, after the last phase and a validation of every record.

    :param phases: objects of the destination, in the order of loading
    :param signers: who may sign, empty for anyone
    """

    def __init__(self, *, phases: list[str], signers: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phases = phases
        self.signers = signers

    def work(self, context: Context) -> str:
        """
        Propose.

        :return: digest of the decisions
        :raises AirflowSkipException: in a dry run, of which nothing is to be signed
        :raises UserMistake: a part of the proof is missing
        """
        from airflow.sdk.exceptions import AirflowSkipException

        from airflow_crm_migration.core.steps.cutover import propose_cutover
        from airflow_crm_migration.hooks.signing import signing_keyring

        run = self.run_of(context)
        if run.dry_run:
            raise AirflowSkipException("a dry run has no result to be signed")
        proposal = propose_cutover(
            run, self.phases, keyring=signing_keyring(), signers=self.signers
        )
        self.log.info("cutover: %s", proposal.decisions["totals"])
        return proposal.digest
