"""Turns source records into exactly what would be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import SignedMappingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class TransformPhaseOperator(SignedMappingOperator):
    """
    Transforms one phase; it asks neither source nor destination.

    :param phase: object of the destination
    :param platform: the destination's platform
    :param settings: defaults for transforms, for example ``default_region``
    """

    def __init__(
        self, *, phase: str, platform: str, settings: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.phase = phase
        self.platform = platform
        self.settings = dict(settings or {})

    def work(self, context: Context) -> dict[str, int]:
        """
        Transform.

        :return: mapping line -> records read
        """
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.transform import transform_step
        from airflow_crm_migration.hooks.registry import rules_of

        signed = self.signed_mapping(context)
        return transform_step(
            self.run_of(context),
            load(signed),
            self.phase,
            rules=rules_of(self.platform),
            choices=signed["choices"],
            settings=self.settings,
            hold_unmapped=Mode(context["params"]["mode"]).follows_full,
            say=self.say,
        )
