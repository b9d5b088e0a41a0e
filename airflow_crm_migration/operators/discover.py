"""Counts what there is to move and lays the scope before the customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class DiscoverOperator(PairOperator):
    """
    Proposes the scope, from the probe and from the headers of the CSV files.

    :param platform: the source's platform
    :param form: ``csv`` of the engagement
    """

    def __init__(self, *, platform: str, form: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.form = form

    def work(self, context: Context) -> str:
        """
        Propose.

        :return: digest of what is to be signed
        """
        from airflow_crm_migration.core.csv_check import check_csv
        from airflow_crm_migration.core.csv_format import CsvFormat
        from airflow_crm_migration.core.inbox import copy_inbox, csv_file
        from airflow_crm_migration.core.steps.discover import propose_scope
        from airflow_crm_migration.core.steps.reuse import take_over_inbox
        from airflow_crm_migration.hooks.registry import hook_class

        run, mapping = self.run_of(context), self.mapping
        specs = {
            n: s
            for n, s in hook_class(self.platform).objects.items()
            if n in mapping.source_objects
        }
        form = CsvFormat.model_validate(self.form)
        earlier = context["params"].get("extract_of")
        copied = (
            take_over_inbox(run, earlier)
            if earlier
            else copy_inbox(run.staging, run.folder, list(specs.values()))
        )
        wanted = mapping.identities
        rows, custom = {}, {}
        for name, copy in copied.items():
            file = csv_file(run.staging, copy["name"])
            checked = check_csv(file, specs[name], form, id_needed=len(wanted[name]) == 1)
            rows[name] = checked.rows
            custom[name] = [f.label for f in checked.spec.fields.values() if f.custom]
        return propose_scope(run, mapping, choices=self.choices, rows=rows, custom=custom)
