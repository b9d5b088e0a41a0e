"""Looks whether the destination is the one meant, and what there is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.steps import StepOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CheckDestinationOperator(StepOperator):
    """
    Checks tenant, permissions, automations and demo records of the destination.

    :param platform: the destination's platform
    :param conn_id: its connection
    :param one_tenant_for_both: both environments may lead to one tenant
    """

    first_contact = True

    def __init__(
        self, *, platform: str, conn_id: str, one_tenant_for_both: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.conn_id = conn_id
        self.one_tenant_for_both = one_tenant_for_both

    def work(self, context: Context) -> list[str]:
        """
        Check.

        :return: warnings, one line each
        :raises UserMistake: with every blocker and its fix
        """
        from airflow_crm_migration.core.errors import UserMistake
        from airflow_crm_migration.core.protocols import Severity
        from airflow_crm_migration.core.steps.preflight import judge
        from airflow_crm_migration.core.steps.tenant import check_tenant, check_two_environments
        from airflow_crm_migration.hooks.registry import destination_hook

        run, hook = self.run_of(context), destination_hook(self.platform, self.conn_id)
        tenant = hook.tenant()
        check_tenant(run, tenant)
        check_two_environments(run, tenant, one_for_both=self.one_tenant_for_both)
        findings = hook.preflight()
        place = f"preflight/{self.environment}.json"
        run.write(place, [vars(f) for f in findings])
        if blockers := judge(findings):
            raise UserMistake(blockers)
        warnings = [f for f in findings if f.severity is Severity.WARNING]
        for finding in warnings:  # what is found may be names of records, so no log says it
            named = f"{self.staging.root}/{run.name(place)}"
            self.log.warning(
                "%s: %s; %s and the report name what was found", finding.check, finding.fix, named
            )
        return [finding.check for finding in warnings]
