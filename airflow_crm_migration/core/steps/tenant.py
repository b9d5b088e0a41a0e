"""Keeps to the tenant that was written to first: another one stops the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from airflow_crm_migration.core.protocols import Destination, Tenant
    from airflow_crm_migration.core.run import Run

FORMAT = 1


def hold_tenant(run: Run, destination: Destination) -> Tenant:
    """
    Return the destination's tenant and keep it with the first write.

    :raises UserMistake: when another tenant was written to before
    """
    tenant = destination.tenant()
    if run.dry_run:
        check_tenant(run, tenant)
        return tenant
    try:
        kept = {"format": FORMAT, **vars(tenant)}
        run.staging.write_json(_name(run.environment), kept, exclusive=True)
    except FileExistsError:
        check_tenant(run, tenant)
    return tenant


def check_tenant(run: Run, tenant: Tenant) -> None:
    """
    Check that a tenant is the one written to before, if any.

    :raises UserMistake: naming both
    """
    if not run.staging.exists(_name(run.environment)):
        return
    before = run.staging.read_json(_name(run.environment))
    if before["id"] != tenant.id:
        raise UserMistake(
            f"environment {run.environment}: its connection now leads to tenant {tenant.id} "
            f"({tenant.name}), but the records so far were written to {before['id']} "
            f"({before['name']}): point the connection back; filling the other tenant is an "
            "engagement of its own, with a file and an id of its own"
        )


def check_two_environments(run: Run, tenant: Tenant, *, one_for_both: bool) -> None:
    """
    Check that the other environment does not write to the same tenant.

    :param one_for_both: the engagement wants just that
    :raises UserMistake: naming the tenant
    """
    other = "production" if run.environment == "sandbox" else "sandbox"
    if one_for_both or not run.staging.exists(_name(other)):
        return
    if run.staging.read_json(_name(other))["id"] == tenant.id:
        raise UserMistake(
            f"environments {run.environment} and {other} lead to one tenant, {tenant.id} "
            f"({tenant.name}): give each its own, or set policies.one_tenant_for_both"
        )


def _name(environment: str) -> str:
    return f"tenant/{environment}.json"
