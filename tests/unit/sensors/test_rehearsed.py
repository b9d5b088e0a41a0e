"""The rehearsal's gate opens only for the mapping that was rehearsed."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.signoff import SignOff, sign
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.sensors.sign_off import SignOffSensor

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
RUN = SimpleNamespace(run_id="manual__1", run_after=NOW)


def signed(folder: Path, gate: str, decisions: Any) -> SignOff:
    staging = open_staging(f"file://{folder}", "acme")
    proposal = propose(staging, Gate("acme", gate, "production"), decisions, {}, NOW)
    return sign(staging, signing_keyring(), proposal, signer="Ann", recorded_by="op", now=NOW)


def look(folder: Path, mode: str) -> Any:
    gate = SignOffSensor(
        task_id="gate",
        gate="rehearsal",
        modes=("full",),
        engagement_id="acme",
        staging_url=f"file://{folder}",
        environment="production",
    )
    context: Any = {"dag_run": RUN, "params": {"mode": mode}}
    return gate.execute(context)


def test_production_is_loaded_with_the_mapping_that_was_rehearsed(tmp_path: Path) -> None:
    mapping = signed(tmp_path, "mapping", {"mapping": "a"})
    rehearsal = signed(tmp_path, "rehearsal", {"rehearsed_mapping": mapping.digest})
    assert look(tmp_path, "full") == rehearsal.digest


def test_another_mapping_fails_the_run_although_the_rehearsal_is_signed(tmp_path: Path) -> None:
    signed(tmp_path, "mapping", {"mapping": "b"})
    signed(tmp_path, "rehearsal", {"rehearsed_mapping": "digest of a"})
    with pytest.raises(AirflowFailException, match="rehearsed is digest of a, the one signed"):
        look(tmp_path, "full")
    assert look(tmp_path, "sample") is None
