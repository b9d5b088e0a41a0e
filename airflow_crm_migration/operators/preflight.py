"""Looks for everything that would stop the run later."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class PreflightOperator(StepOperator):
    """
    Checks staging, pools and signing keys, and notes what the run is.

    :param pools: pools that the DAG's tasks run in
    :param facts: names for the report: customer, title, pair
    """

    def __init__(self, *, pools: list[str], facts: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pools = pools
        self.facts = facts

    def work(self, context: Context) -> list[str]:
        """
        Check.

        :return: what was found, one line each
        :raises UserMistake: with every blocker and its fix
        """
        from airflow_crm_migration.core.canonical import time_text
        from airflow_crm_migration.core.errors import UserMistake
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.staging import try_out
        from airflow_crm_migration.core.steps.preflight import check_pools, judge
        from airflow_crm_migration.hooks.signing import signing_keyring

        run = self.run_of(context)
        findings = check_pools(run.staging, self.pools)
        blockers = judge(findings)
        for check in (partial(try_out, run.staging), signing_keyring):
            try:
                check()
            except UserMistake as mistake:
                blockers += mistake.findings
        if blockers:
            raise UserMistake(blockers)
        params = context["params"]
        facts = {
            "engagement": self.engagement_id,
            "environment": params["environment"],
            "mode": params["mode"],
            "dry_run": params["dry_run"],
            "sample_size": params["sample_size"] if params["mode"] == Mode.SAMPLE else None,
            "run_id": context["dag_run"].run_id,
            "started": time_text(datetime.now(UTC)),
        }
        run.write("run.json", {**self.facts, **facts})
        return [finding.message for finding in findings]
