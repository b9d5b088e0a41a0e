"""Reads one object of the source into staging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ExtractOperator(PairOperator):
    """
    Reads one object by the way that the probe found.

    :param object_name: object of the source
    :param platform: the source's platform
    :param conn_id: its connection, None for CSV alone
    :param form: ``csv`` of the engagement
    """

    def __init__(
        self,
        *,
        object_name: str,
        platform: str,
        conn_id: str | None,
        form: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.object_name = object_name
        self.platform = platform
        self.conn_id = conn_id
        self.form = form

    def work(self, context: Context) -> dict[str, int]:
        """
        Read.

        :return: counts
        """
        from airflow_crm_migration.core.csv_format import CsvFormat
        from airflow_crm_migration.core.extract import Extraction
        from airflow_crm_migration.core.inbox import read_copied
        from airflow_crm_migration.core.protocols import Progress, Route
        from airflow_crm_migration.core.steps.discover import PROBE
        from airflow_crm_migration.hooks.registry import hook_class, source_hook

        run = self.run_of(context)
        routes = {row["object"]: row["route"] for row in run.read(PROBE)}
        manifest = Extraction(
            run.staging,
            run.folder,
            hook_class(self.platform).objects[self.object_name],
            Route(routes[self.object_name]),
            CsvFormat.model_validate(self.form),
            source_hook(self.platform, self.conn_id) if self.conn_id else None,
            self.mapping.identities[self.object_name],
            read_copied(run.staging, run.folder),
            Progress(self.say),
        ).extract()
        counts: dict[str, int] = manifest["counts"]
        return counts
