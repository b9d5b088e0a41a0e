"""Copies attachments into staging before the old account closes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class SecureFilesOperator(PairOperator):
    """
    Copies every binary that can be had, once per engagement.

    :param platform: the source's platform
    :param conn_id: its connection, None for dropped files alone
    :param destination: the destination's platform, which sets the largest size
    """

    def __init__(
        self, *, platform: str, conn_id: str | None, destination: str, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.conn_id = conn_id
        self.destination = destination

    def work(self, context: Context) -> dict[str, int]:
        """
        Copy.

        :return: how many were secured, and how many not by reason
        """
        from airflow_crm_migration.core.steps.files import secure_step
        from airflow_crm_migration.hooks.registry import rules_of, source_hook
        from airflow_crm_migration.hooks.safe_download import open_public

        return secure_step(
            self.run_of(context),
            self.mapping,
            open_url=(
                source_hook(self.platform, self.conn_id).open_file if self.conn_id else open_public
            ),
            max_bytes=rules_of(self.destination).capabilities.max_file_bytes,
            taken_over=bool(context["params"].get("extract_of")),
            say=self.say,
        )
