"""The log says where the names of what is in the way stand, and names nothing itself."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.protocols import Finding, Severity, Tenant
from airflow_crm_migration.hooks import registry
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.operators.check_destination import CheckDestinationOperator
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FOUND = Finding(Severity.WARNING, "demo_records", "present are: Ada Lovelace", "delete them")


class Workspace:
    def tenant(self) -> Tenant:
        return Tenant("w-1", "ACME")

    def preflight(self) -> list[Finding]:
        return [FOUND]


def test_a_warning_leads_to_the_place_that_names_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry, "destination_hook", lambda *_: Workspace())
    context: Any = {
        "dag_run": SimpleNamespace(run_id="r", run_after=datetime(2026, 3, 1, tzinfo=UTC)),
        "params": {"mode": "full", "dry_run": False},
    }
    check = CheckDestinationOperator(
        task_id="check", engagement_id="acme", staging_url=f"file://{tmp_path}",
        environment="sandbox", platform="any", conn_id="any",
    )  # fmt: skip
    assert check.execute(context) == ["demo_records"]
    logged = capsys.readouterr().out
    place = f"{run_prefix(context)}/preflight/sandbox.json"
    assert f"demo_records: delete them; file://{tmp_path}/acme/{place} and the report" in logged
    assert "Ada" not in logged
    assert (
        open_staging(f"file://{tmp_path}", "acme").read_json(place)[0]["message"] == FOUND.message
    )
