"""The tenant that was written to first is kept, and another one stops the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.protocols import Destination, Tenant
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.tenant import check_tenant, hold_tenant

if TYPE_CHECKING:
    from pathlib import Path

FIRST, OTHER = Tenant("w-1", "ACME"), Tenant("w-2", "Other")


class Leading:
    """Where a connection leads."""

    def tenant(self) -> Tenant:
        return FIRST


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(Staging(tmp_path), "r1", "acme", "sandbox")
    hold_tenant(run, cast("Destination", cast("Any", Leading())))
    return run


def test_the_tenant_is_kept_with_its_format(run: Run) -> None:
    kept = run.staging.read_json("tenant/sandbox.json")
    assert kept == {"format": 1, "id": "w-1", "name": "ACME"}
    check_tenant(run, FIRST)


def test_another_tenant_stops_with_both_named_and_the_command(run: Run) -> None:
    with pytest.raises(UserMistake) as raised:
        check_tenant(run, OTHER)
    [line] = raised.value.findings
    assert "tenant w-2 (Other)" in line
    assert "written to w-1 (ACME)" in line
    assert "point the connection back, or" in line
    assert line.endswith(
        "airflow crm-migration reset --engagement FILE --environment sandbox --tenant w-1"
    )


def test_a_dry_run_keeps_no_tenant_but_minds_it(tmp_path: Path) -> None:
    dry = Run(Staging(tmp_path), "r1", "acme", "sandbox", dry_run=True)
    destination = cast("Destination", cast("Any", Leading()))
    assert hold_tenant(dry, destination) == FIRST
    assert dry.staging.names("") == []
    kept = {"format": 1, "id": OTHER.id, "name": OTHER.name}
    dry.staging.write_json("tenant/sandbox.json", kept)
    with pytest.raises(UserMistake, match="now leads to tenant w-1"):
        hold_tenant(dry, destination)
    assert dry.staging.read_json("tenant/sandbox.json") == kept


@pytest.mark.parametrize("tenant", [FIRST, OTHER])
def test_a_reset_that_was_cut_off_stops_whatever_the_tenant(run: Run, tenant: Tenant) -> None:
    kept = run.staging.read_json("tenant/sandbox.json")
    run.staging.write_json("tenant/sandbox.json", {**kept, "reset": "20260301T090000Z"})
    with pytest.raises(UserMistake, match=r"did not end; end it: airflow .* --tenant w-1$"):
        check_tenant(run, tenant)
