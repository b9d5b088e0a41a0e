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
        from collections import Counter

        from airflow_crm_migration.core.protocols import Progress
        from airflow_crm_migration.core.secure_files import Securing
        from airflow_crm_migration.hooks.registry import rules_of, source_hook
        from airflow_crm_migration.hooks.safe_download import open_public

        run = self.run_of(context)
        open_url = (
            source_hook(self.platform, self.conn_id).open_file if self.conn_id else open_public
        )
        limit = rules_of(self.destination).capabilities.max_file_bytes
        counts: Counter[str] = Counter()
        for name, rule in self.mapping.files.items():
            counts += Counter(
                Securing(
                    run.staging, run.folder, name, rule, open_url, limit, Progress(self.say)
                ).secure()
            )
        run.write("files.json", dict(counts))
        return dict(counts)
