"""Reads one object of the source into staging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ExtractOperator(PairOperator):
    """
    Reads one object by the way that the probe found; later runs only what changed, if it can tell.

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
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.steps.extract import Reading, extract_step
        from airflow_crm_migration.hooks.registry import hook_class, source_hook

        params = context["params"]
        mode = Mode(params["mode"])
        manifest = extract_step(
            self.run_of(context),
            hook_class(self.platform).objects[self.object_name],
            form=CsvFormat.model_validate(self.form),
            source=source_hook(self.platform, self.conn_id) if self.conn_id else None,
            identity=self.mapping.identities[self.object_name],
            reading=Reading(
                changes_only=mode.follows_full,
                accept_shrunk=mode is Mode.SAMPLE or params["accept_shrunk"],
                extract_of=params["extract_of"],
            ),
            say=self.say,
        )
        counts: dict[str, int] = manifest["counts"]
        return counts
