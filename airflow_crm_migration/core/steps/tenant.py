"""Keeps to the tenant that was written to first: another one stops the run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from airflow_crm_migration.core.protocols import Destination, Tenant
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.staging import Staging

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
        run.staging.write_json(tenant_file(run.environment), kept, exclusive=True)
    except FileExistsError:
        check_tenant(run, tenant)
    return tenant


def check_tenant(run: Run, tenant: Tenant) -> None:
    """
    Check that a tenant is the one written to before, if any.

    :raises UserMistake: naming both, and the command that lets the new one be filled
    """
    before = read_kept(run.staging, run.environment)
    if before is None:
        return
    command = reset_command(run.environment, before["id"])
    if "reset" in before:
        raise UserMistake(
            f"environment {run.environment}: a reset was begun and did not end; end it: {command}"
        )
    if before["id"] != tenant.id:
        raise UserMistake(
            f"environment {run.environment}: its connection now leads to tenant {tenant.id} "
            f"({tenant.name}), but the records so far were written to {before['id']} "
            f"({before['name']}): point the connection back, or, if the new one is to be filled "
            f"from nothing, put aside what is known of the old one: {command}"
        )


def check_two_environments(run: Run, tenant: Tenant, *, one_for_both: bool) -> None:
    """
    Check that the other environment does not write to the same tenant.

    :param one_for_both: the engagement wants just that
    :raises UserMistake: naming the tenant
    """
    other = "production" if run.environment == "sandbox" else "sandbox"
    kept = None if one_for_both else read_kept(run.staging, other)
    if kept is not None and kept["id"] == tenant.id:
        raise UserMistake(
            f"environments {run.environment} and {other} lead to one tenant, {tenant.id} "
            f"({tenant.name}): give each its own, or set policies.one_tenant_for_both"
        )


def read_kept(staging: Staging, environment: str) -> dict[str, Any] | None:
    """
    Return what is kept of the tenant that was written to, None before the first write.

    :return: ``id``, ``name``, and ``reset`` while one is under way
    """
    try:
        kept: dict[str, Any] = staging.read_json(tenant_file(environment))
    except FileNotFoundError:
        return None
    return kept


def reset_command(environment: str, tenant_id: str, engagement_file: str = "FILE") -> str:
    """Return the command that puts aside what is known of a tenant."""
    words = ["airflow", "crm-migration", "reset", "--engagement", engagement_file]
    return shlex.join([*words, "--environment", environment, "--tenant", tenant_id])


def tenant_file(environment: str) -> str:
    """Return where an environment's tenant is kept."""
    return f"tenant/{environment}.json"
