"""Operators whose steps know the pair: what they share beyond the engagement."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.tasks import MigrationOperator, run_prefix

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.core.run import Run


class StepOperator(MigrationOperator):
    """A step of one run."""

    def run_of(self, context: Context) -> Run:
        """Return the run that a task belongs to."""
        from airflow_crm_migration.core.run import Run

        dry_run = bool(context["params"].get("dry_run"))
        return Run(self.staging, run_prefix(context), self.engagement_id, self.environment, dry_run)

    def signed(
        self, context: Context, gate: str, signers: tuple[str, ...], *, revoked: bool = False
    ) -> dict[str, Any]:
        """
        Return the signed decisions of a gate: the same for all tasks of a run.

        :param signers: who may sign, empty for anyone
        :param revoked: also what was revoked since
        :raises UserMistake: when nobody signed, the signature does not hold, or it is another one
            than the run began with
        """
        from airflow_crm_migration.core.opened import signed_in_run
        from airflow_crm_migration.hooks.signing import signing_keyring

        folder, keyring = run_prefix(context), signing_keyring()
        found = self.gate(gate)
        record = signed_in_run(self.staging, keyring, folder, found, signers, revoked=revoked)
        return dict(record.decisions)

    def say(self, line: str) -> None:
        """Tell the log how far the step is."""
        self.log.info("%s", line)


class PairOperator(StepOperator):
    """
    A step that needs the pair's mapping as packaged.

    :param pair: name of its mapping file, ``<source>_to_<destination>``
    :param choices: as the engagement says
    """

    def __init__(self, *, pair: str, choices: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pair = pair
        self.choices = dict(choices or {})

    @cached_property
    def mapping(self) -> Mapping:
        """The pair's mapping."""
        from airflow_crm_migration.core.mapping import load_mapping

        return load_mapping(self.pair)


class SignedMappingOperator(StepOperator):
    """A step that works by the mapping that the customer signed for this environment."""

    def __init__(self, *, signers: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.signers = signers

    def signed_mapping(self, context: Context) -> dict[str, Any]:
        """
        Return the decisions that were signed as the mapping.

        :raises UserMistake: when nobody signed, the signature does not hold, or it is another one
            than the run began with
        """
        return self.signed(context, "mapping", self.signers)

    def loaded_mapping(self, context: Context) -> dict[str, Any]:
        """
        Return the decisions by which the records that stand were loaded, revoked since or not.

        :raises UserMistake: when nobody ever signed, or the run began with another signature
        """
        return self.signed(context, "mapping", self.signers, revoked=True)
