"""What the steps that talk to a destination by the signed mapping share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import SignedMappingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_crm_migration.core.protocols import Destination


class DestinationOperator(SignedMappingOperator):
    """
    A step against one destination connection.

    :param platform: the destination's platform
    :param conn_id: its connection
    """

    def __init__(self, *, platform: str, conn_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.conn_id = conn_id

    def destination(self, context: Context) -> Destination:
        """Return the hook, or in a dry run one that writes nothing."""
        from airflow_crm_migration.core.dry_run import DryDestination
        from airflow_crm_migration.hooks.registry import destination_hook

        hook = destination_hook(self.platform, self.conn_id)
        return DryDestination(hook) if context["params"]["dry_run"] else hook


class PhaseOperator(DestinationOperator):
    """
    A step of one phase.

    :param phase: object of the destination
    """

    def __init__(self, *, phase: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phase = phase
