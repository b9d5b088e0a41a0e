"""What every step does when it cannot do its work."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

from airflow_crm_migration.core.errors import Duplicate, LeaseHeld, Refused, Unsettled
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.tasks import MigrationOperator, run_prefix

if TYPE_CHECKING:
    from pathlib import Path


class Busy(MigrationOperator):
    """A step that meets another writer."""

    def work(self, context: Any) -> None:
        raise LeaseHeld("load person of run r1 writes here")


class Failing(MigrationOperator):
    """A step whose CRM does not do what it was asked."""

    error: Exception

    def work(self, context: Any) -> None:
        raise self.error


CONTEXT: Any = {
    "dag_run": SimpleNamespace(run_id="r", run_after=datetime(2026, 3, 1, tzinfo=UTC)),
    "params": {"mode": "full"},
}
WORDS = "ada@acme.example is taken"


def failing(tmp_path: Path, error: Exception) -> tuple[str, list[str]]:
    """Return the line of the failure, and what its task left in staging."""
    step = Failing(task_id="g.t", engagement_id="acme", staging_url=f"file://{tmp_path}")
    step.error = error
    with pytest.raises(AirflowException) as raised:
        step.execute(CONTEXT)
    assert raised.value.__suppress_context__
    assert not isinstance(raised.value, AirflowFailException)  # Airflow's retries go on
    return str(raised.value), step.staging.names("")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Duplicate(WORDS, status=400, code="TAKEN"), "Duplicate, status 400"),
        (Refused(WORDS), "Refused, status None"),
        (Unsettled(WORDS, status=500), "Unsettled, status 500"),
    ],
)
def test_what_a_crm_says_stands_in_staging_and_in_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Any, told: str
) -> None:
    line, [name] = failing(tmp_path, error)
    assert line == f"connection None: {told}: file://{tmp_path}/acme/{name} has the CRM's words"
    assert name == f"{run_prefix(CONTEXT)}/errors/g.t.json"
    kept = open_staging(f"file://{tmp_path}", "acme").read_json(name)
    assert (kept["message"], kept["status"]) == (WORDS, error.status)
    logged = capsys.readouterr().out
    assert told in logged
    assert "ada" not in logged


def test_our_own_words_for_a_broken_connection_are_told(tmp_path: Path) -> None:
    told = failing(tmp_path, Unsettled("crm.example: no reply in time"))
    assert told == ("connection None: crm.example: no reply in time", [])


def step() -> Busy:
    return Busy(task_id="t", engagement_id="acme", staging_url="file:///nowhere")


def test_a_scheduled_run_that_meets_another_writer_is_left_out() -> None:
    context: Any = {"params": {"when_busy": "skip"}}
    with pytest.raises(AirflowSkipException, match="load person of run r1 writes here"):
        step().execute(context)


def test_a_manual_run_that_meets_another_writer_fails_with_its_name() -> None:
    context: Any = {"params": {"when_busy": "fail"}}
    with pytest.raises(AirflowFailException, match="load person of run r1 writes here"):
        step().execute(context)
