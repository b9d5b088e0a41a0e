"""A gate opens for the signature of what is proposed now, and holds no worker until then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import DAG
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    TaskDeferred,
)
from structlog.testing import CapturingLogger

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, Proposal, propose
from airflow_crm_migration.core.opened import signed_in_run
from airflow_crm_migration.core.signoff import sign
from airflow_crm_migration.core.waiting import read_wait, wait_started
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.sensors.sign_off import SignOffSensor
from airflow_crm_migration.tasks import pool_name, run_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.staging import Staging

NOW = datetime.now(UTC)
GATE = Gate("acme", "mapping", "sandbox")
RUN = SimpleNamespace(run_id="manual__1", run_after=datetime(2026, 3, 1, 12, 30, 5, 999, UTC))
CONTEXT: Any = {"dag_run": RUN, "params": {"mode": "full", "dry_run": False}}
FOLDER = "20260301T123005Z-19b04f56"


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return open_staging(f"file://{tmp_path}", "acme")


def sensor(tmp_path: Path, **settings: Any) -> SignOffSensor:
    return SignOffSensor(
        **{
            "task_id": "gate",
            "gate": "mapping",
            "engagement_id": "acme",
            "staging_url": f"file://{tmp_path}",
            "environment": "sandbox",
            **settings,
        }
    )


def signed(staging: Staging, decisions: Any = "x", signer: str = "Ann <ann@acme.example>") -> str:
    proposal: Proposal = propose(staging, GATE, decisions, {}, NOW)
    sign(staging, signing_keyring(), proposal, signer=signer, recorded_by="op@host", now=NOW)
    return proposal.digest


def waits(gate: SignOffSensor) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        gate.execute(CONTEXT)
    return deferred.value


def test_an_open_gate_hands_on_the_digest(staging: Staging, tmp_path: Path) -> None:
    digest = signed(staging)
    assert sensor(tmp_path).execute(CONTEXT) == digest


def test_an_open_gate_binds_the_run_to_what_it_opened_for(staging: Staging, tmp_path: Path) -> None:
    signed(staging, {"a": 1})
    sensor(tmp_path).execute(CONTEXT)
    assert signed_in_run(staging, signing_keyring(), FOLDER, GATE).decisions == {"a": 1}
    signed(staging, {"a": 2})
    with pytest.raises(UserMistake, match="this run began by what is signed as"):
        signed_in_run(staging, signing_keyring(), FOLDER, GATE)
    sensor(tmp_path).execute(CONTEXT)  # somebody cleared the gate
    assert signed_in_run(staging, signing_keyring(), FOLDER, GATE).decisions == {"a": 2}


def test_a_shut_gate_defers_to_the_time_trigger_with_nothing_to_remember(
    staging: Staging, tmp_path: Path
) -> None:
    propose(staging, GATE, "x", {}, NOW)
    deferred = waits(sensor(tmp_path, poke_interval=600))
    path, kwargs = deferred.trigger.serialize()
    assert path == f"{DateTimeTrigger.__module__}.DateTimeTrigger"
    assert kwargs.keys() == {"moment", "end_from_trigger"}
    assert timedelta(seconds=500) < kwargs["moment"] - NOW
    assert deferred.method_name == "execute"
    assert not deferred.kwargs


def test_it_looks_again_when_the_trigger_fires(staging: Staging, tmp_path: Path) -> None:
    propose(staging, GATE, "x", {}, NOW)
    method = waits(sensor(tmp_path)).method_name
    digest = signed(staging)
    assert getattr(sensor(tmp_path), method)(CONTEXT, event=NOW) == digest


def test_it_says_what_it_waits_for_and_what_to_run(
    staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(SignOffSensor, "log", log)
    propose(staging, GATE, {"Secret GmbH": 1}, {}, NOW)
    waits(sensor(tmp_path))
    [call] = [call for call in log.calls if call.method_name == "info"]
    line = call.args[0] % call.args[1:]
    assert line.startswith("mapping (sandbox): waiting since")
    assert "nobody has signed yet" in line
    assert "airflow crm-migration sign --engagement FILE --gate mapping" in line
    assert "Secret" not in line


def test_nothing_proposed_waits_too(tmp_path: Path) -> None:
    waits(sensor(tmp_path))


def test_a_signature_of_something_else_does_not_open(staging: Staging, tmp_path: Path) -> None:
    signed(staging, "x")
    propose(staging, GATE, "y", {}, NOW)
    waits(sensor(tmp_path))


def test_a_signature_by_somebody_else_does_not_open(staging: Staging, tmp_path: Path) -> None:
    signed(staging, signer="Bob <bob@acme.example>")
    waits(sensor(tmp_path, signers=("ann@acme.example",)))


def test_a_run_of_another_environment_waits_for_its_own(staging: Staging, tmp_path: Path) -> None:
    signed(staging)
    waits(sensor(tmp_path, environment="production"))


# -- how long ------------------------------------------------------------------------------


def test_the_deadline_counts_from_the_start_in_staging(staging: Staging, tmp_path: Path) -> None:
    proposal = propose(staging, GATE, "x", {}, NOW)
    wait_started(staging, GATE, proposal.digest, FOLDER, NOW - timedelta(days=20))
    waits(sensor(tmp_path, timeout=timedelta(days=21)))
    with pytest.raises(AirflowSensorTimeout) as raised:
        sensor(tmp_path, timeout=timedelta(days=19)).execute(CONTEXT)
    message = str(raised.value)
    assert "mapping (sandbox): shut for 19 days" in message
    assert "crm-migration sign" in message
    assert "clear this task" in message


def test_a_cleared_gate_waits_anew(staging: Staging, tmp_path: Path) -> None:
    proposal = propose(staging, GATE, "x", {}, NOW)
    wait_started(staging, GATE, proposal.digest, FOLDER, NOW - timedelta(days=20))
    with pytest.raises(AirflowSensorTimeout):
        sensor(tmp_path, timeout=timedelta(days=19)).execute(CONTEXT)
    waits(sensor(tmp_path, timeout=timedelta(days=19)))


def test_a_new_document_gets_the_whole_time(staging: Staging, tmp_path: Path) -> None:
    wait_started(staging, GATE, "older digest", FOLDER, NOW - timedelta(days=20))
    propose(staging, GATE, "x", {}, NOW)
    waits(sensor(tmp_path, timeout=timedelta(days=19)))


def test_the_wait_is_forgotten_when_the_gate_opens(staging: Staging, tmp_path: Path) -> None:
    waits(sensor(tmp_path))
    assert read_wait(staging, GATE) is not None
    signed(staging)
    sensor(tmp_path).execute(CONTEXT)
    assert read_wait(staging, GATE) is None


def test_without_a_triggerer_it_is_rescheduled(staging: Staging, tmp_path: Path) -> None:
    propose(staging, GATE, "x", {}, NOW)
    gate = sensor(tmp_path, deferrable=False)
    assert gate.mode == "reschedule"
    with pytest.raises(AirflowRescheduleException):
        gate.execute(CONTEXT)
    digest = signed(staging)
    assert gate.execute(CONTEXT) == digest


# -- settings ------------------------------------------------------------------------------


def test_it_outlives_a_lost_worker(tmp_path: Path) -> None:
    assert sensor(tmp_path).retries == 2
    defaults = {"retries": 5, "engagement_id": "acme", "staging_url": f"file://{tmp_path}"}
    with DAG("defaults", schedule=None, default_args=defaults):
        gate = SignOffSensor(task_id="gate", gate="scope")
    assert gate.retries == 5
    assert gate.engagement_id == "acme"


def test_only_runs_of_its_modes_need_it(staging: Staging, tmp_path: Path) -> None:
    propose(staging, GATE, "x", {}, NOW)
    gate = sensor(tmp_path, modes=("full",))
    assert gate.execute({**CONTEXT, "params": {"mode": "sample"}}) is None
    with pytest.raises(TaskDeferred):
        gate.execute({**CONTEXT, "params": {"mode": "full"}})


@pytest.mark.parametrize("mode", ["delta", "retry", "cutover"])
def test_a_run_that_follows_a_full_one_goes_by_what_was_signed_for_that(
    staging: Staging, tmp_path: Path, mode: str
) -> None:
    digest = signed(staging)
    propose(staging, GATE, "a new tag", {}, NOW)
    night: Any = {**CONTEXT, "params": {"mode": mode, "dry_run": False}}
    assert sensor(tmp_path).execute(night) == digest
    waits(sensor(tmp_path))
    with pytest.raises(TaskDeferred):
        sensor(tmp_path, anew=True).execute(night)
    rehearsed: Any = {**CONTEXT, "params": {"mode": mode, "dry_run": True}}
    assert sensor(tmp_path, anew=True).execute(rehearsed) is None


@pytest.mark.usefixtures("staging")
def test_a_run_that_follows_a_full_one_does_not_go_without_any_signature(tmp_path: Path) -> None:
    propose(open_staging(f"file://{tmp_path}", "acme"), GATE, "x", {}, NOW)
    with pytest.raises(TaskDeferred):
        sensor(tmp_path).execute({**CONTEXT, "params": {"mode": "delta"}})


def test_the_environment_is_the_parameter_of_the_run() -> None:
    gate = SignOffSensor(task_id="g", gate="mapping", engagement_id="a", staging_url="file:///x")
    assert gate.environment == "{{ params.environment }}"
    assert "environment" in gate.template_fields


def test_a_missing_key_fails_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CRM_MIGRATION__SIGNING_KEYS", "")
    with pytest.raises(AirflowFailException, match="signing_keys is not set"):
        sensor(tmp_path).execute(CONTEXT)


def test_a_runs_folder_is_the_same_after_every_clear() -> None:
    assert run_prefix(CONTEXT) == FOLDER
    again: Any = {"dag_run": SimpleNamespace(**vars(RUN), clear_number=3)}
    assert run_prefix(again) == FOLDER


def test_a_connection_has_its_pool() -> None:
    assert pool_name("twenty_acme") == "crm_twenty_acme"
