"""Asks the source which objects its API gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import PairOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ProbeSourceOperator(PairOperator):
    """
    Finds for every object of the pair the way by which it is read, or was read by an earlier run.

    :param platform: the source's platform
    :param conn_id: its connection; without one everything comes from CSV files
    """

    def __init__(self, *, platform: str, conn_id: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.conn_id = conn_id

    def work(self, context: Context) -> dict[str, str]:
        """
        Ask.

        :return: source object -> route
        """
        from airflow_crm_migration.core.steps.discover import PROBE, csv_only
        from airflow_crm_migration.core.steps.reuse import take_over_probe
        from airflow_crm_migration.hooks.registry import source_hook

        run, earlier = self.run_of(context), context["params"].get("extract_of")
        if earlier:
            return take_over_probe(run, self.mapping, earlier)
        names = self.mapping.source_objects
        if self.conn_id is None:
            found = csv_only(names, "the engagement names no source connection")
        else:
            found = [vars(a) for a in source_hook(self.platform, self.conn_id).probe()]
        kept = [row for row in found if row["object"] in names]
        run.write(PROBE, kept)
        return {row["object"]: str(row["route"]) for row in kept}
