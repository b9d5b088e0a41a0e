"""Proposes the mapping that the customer signs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ProposeMappingOperator(PairOperator):
    """
    Resolves the pair's mapping against what source and destination hold.

    :param platform: the destination's platform
    :param conn_id: its connection
    :param value_maps: as the engagement says
    :param owners: overrides of the engagement
    """

    def __init__(
        self,
        *,
        platform: str,
        conn_id: str,
        value_maps: dict[str, dict[str, str]] | None = None,
        owners: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.conn_id = conn_id
        self.value_maps = dict(value_maps or {})
        self.owner_overrides = dict(owners or {})

    def work(self, context: Context) -> str:
        """
        Propose.

        :return: digest of what is to be signed
        """
        from airflow_crm_migration.core.steps.mapping import propose_step
        from airflow_crm_migration.hooks.registry import destination_hook

        return propose_step(
            self.run_of(context),
            destination_hook(self.platform, self.conn_id),
            self.mapping,
            choices=self.choices,
            value_maps=self.value_maps,
            owners=self.owner_overrides,
        )
