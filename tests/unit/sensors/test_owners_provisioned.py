"""The owners' gate asks the destination anew, and tells names to the review file alone."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from structlog.testing import CapturingLogger

from airflow_crm_migration.core.errors import Throttled, Unauthorised, Unsettled
from airflow_crm_migration.core.protocols import Member
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.sensors.owners_provisioned import OwnersProvisionedSensor
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.staging import Staging

CONTEXT: Any = {
    "dag_run": SimpleNamespace(run_id="r", run_after=datetime(2026, 3, 1, tzinfo=UTC)),
    "params": {"mode": "full"},
}
OWNERS = [
    {"name": "Ann Lee", "email": "ann@acme.example", "records": 7},
    {"name": "Bob Ray", "email": "", "records": 2},
]
ANN = Member("m1", "ann@acme.example", "Ann Lee")
BOB = Member("m2", "bob@acme.example", "Bob Ray")
REVIEW = "review/owners/sandbox.json"
MATCHES = f"{run_prefix(CONTEXT)}/owners/matches.json"


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    staging = open_staging(f"file://{tmp_path}/staging", "acme")
    staging.write_json(f"{run_prefix(CONTEXT)}/owners/owners.json", OWNERS)
    return staging


def sensor(tmp_path: Path, **settings: Any) -> OwnersProvisionedSensor:
    return OwnersProvisionedSensor(
        task_id="owners",
        engagement_id="acme",
        staging_url=f"file://{tmp_path}/staging",
        environment="sandbox",
        platform="toy",
        conn_id="my_toy",
        **settings,
    )


def waits(tmp_path: Path, **settings: Any) -> None:
    with pytest.raises(TaskDeferred):
        sensor(tmp_path, **settings).execute(CONTEXT)


def test_it_opens_when_every_owner_is_a_member(toy: Any, staging: Staging, tmp_path: Path) -> None:
    toy.Writer.found = [ANN, BOB]
    assert sensor(tmp_path).execute(CONTEXT) == 2
    assert [(row["member_id"], row["by"]) for row in staging.read_json(MATCHES)] == [
        ("m1", "email"),
        ("m2", "name"),
    ]
    assert staging.read_json(REVIEW) == {"waiting_for": []}


def test_it_asks_anew_at_every_look(toy: Any, staging: Staging, tmp_path: Path) -> None:
    toy.Writer.found = [ANN]
    waits(tmp_path)
    assert [row["name"] for row in staging.read_json(REVIEW)["waiting_for"]] == ["Bob Ray"]
    toy.Writer.found = [ANN, BOB]
    assert sensor(tmp_path).execute(CONTEXT) == 2


@pytest.mark.usefixtures("staging")
@pytest.mark.parametrize(
    "bob",
    [
        Member(None, "bob@acme.example", "Bob Ray"),
        Member("m2", "bob@acme.example", "Bob Ray", active=False),
    ],
)
def test_an_invitation_or_a_retired_user_is_not_enough(
    toy: Any, tmp_path: Path, bob: Member
) -> None:
    toy.Writer.found = [ANN, bob]
    waits(tmp_path)


@pytest.mark.usefixtures("staging")
@pytest.mark.parametrize("target", ["leave_empty", "ann@acme.example"])
def test_an_override_settles_an_owner(toy: Any, tmp_path: Path, target: str) -> None:
    toy.Writer.found = [ANN]
    assert sensor(tmp_path, overrides={"Bob Ray": target}).execute(CONTEXT) == 2


def test_a_delta_waits_for_nobody_and_says_who_is_missing(
    toy: Any, tmp_path: Path, staging: Staging
) -> None:
    toy.Writer.found = [ANN]
    night: Any = {**CONTEXT, "params": {"mode": "delta"}}
    assert sensor(tmp_path).execute(night) == 1
    assert [row["email"] for row in staging.read_json(MATCHES)] == [ANN.email]
    assert len(staging.read_json(REVIEW)["waiting_for"]) == 1


@pytest.mark.usefixtures("staging")
def test_an_override_to_nobody_fails_at_once(toy: Any, tmp_path: Path) -> None:
    toy.Writer.found = [ANN]
    with pytest.raises(AirflowFailException, match="no member of the destination"):
        sensor(tmp_path, overrides={"Bob Ray": "rob@acme.example"}).execute(CONTEXT)


@pytest.mark.usefixtures("staging")
def test_names_stay_out_of_log_and_failure(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(OwnersProvisionedSensor, "log", log)
    toy.Writer.found = []
    waits(tmp_path)
    with pytest.raises(AirflowSensorTimeout) as raised:
        sensor(tmp_path, timeout=0).execute(CONTEXT)
    told = str(raised.value) + str(log.calls)
    assert "2 owners are no active user of the destination (2 missing)" in told
    assert REVIEW in told
    assert "Bob" not in told
    assert "ann@" not in told


@pytest.mark.usefixtures("staging")
@pytest.mark.parametrize(
    "error", [Throttled("slow down"), Unsettled("bad gateway of ada@", status=502)]
)
def test_a_crm_that_cannot_answer_now_is_asked_later(
    toy: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    toy.Writer.found = [error]
    waits(tmp_path)
    assert "ada@" not in capsys.readouterr().out


@pytest.mark.usefixtures("staging")
def test_a_wrong_key_fails_at_once(toy: Any, tmp_path: Path) -> None:
    toy.Writer.found = [Unauthorised("API key expired")]
    with pytest.raises(AirflowFailException, match="API key expired"):
        sensor(tmp_path).execute(CONTEXT)
