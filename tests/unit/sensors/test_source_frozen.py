"""The freeze gate opens when the instant has passed and whatever can be asked is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred
from structlog.testing import CapturingLogger

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import Throttled, Unauthorised, Unsettled
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.sensors.source_frozen import SourceFrozenSensor
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.staging import Staging

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
FROZEN = time_text(NOW - HOUR)
RUN = SimpleNamespace(run_id="r", run_after=datetime(2026, 3, 1, tzinfo=UTC))
CONTEXT: Any = {"dag_run": RUN}
FREEZE = f"{run_prefix(CONTEXT)}/freeze.json"
REVIEW = "review/freeze/production.json"


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return open_staging(f"file://{tmp_path}/staging", "acme")


def look(tmp_path: Path, frozen_at: Any = FROZEN, *, mode: str = "cutover", **settings: Any) -> Any:
    sensor = SourceFrozenSensor(
        **{
            "task_id": "freeze",
            "engagement_id": "acme",
            "staging_url": f"file://{tmp_path}/staging",
            "environment": "production",
            "platform": "toy_reader",
            "conn_id": "my_toy_reader",
            "objects": ("contact", "deal"),
            **settings,
        }
    )
    return sensor.execute({**CONTEXT, "params": {"mode": mode, "frozen_at": frozen_at}})


def waits(tmp_path: Path, *args: Any, **settings: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        look(tmp_path, *args, **settings)
    return deferred.value


def test_it_opens_when_all_that_can_be_asked_is_quiet(
    toy: Any, staging: Staging, tmp_path: Path
) -> None:
    toy.Reader.newest = {"contact": NOW - 2 * HOUR}
    assert look(tmp_path) == FROZEN
    told = {"frozen_at": FROZEN, "quiet": ["contact"], "attested": ["deal"]}
    assert staging.read_json(FREEZE) == told


def test_a_change_at_the_very_instant_is_before_it(toy: Any, tmp_path: Path) -> None:
    toy.Reader.newest = {"contact": datetime.fromisoformat(FROZEN)}
    assert look(tmp_path) == FROZEN


def test_it_waits_while_records_are_newer_and_says_of_how_many_objects(
    toy: Any, staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(SourceFrozenSensor, "log", log)
    toy.Reader.newest = {"contact": NOW - HOUR / 2, "deal": NOW - 2 * HOUR}
    waits(tmp_path)
    assert "1 of 2 objects hold records newer than" in str(log.calls)
    assert staging.read_json(REVIEW)["not_quiet"] == {"contact": time_text(NOW - HOUR / 2)}
    assert not staging.exists(FREEZE)
    toy.Reader.newest = {"contact": NOW - 2 * HOUR}
    assert look(tmp_path) == FROZEN


@pytest.mark.usefixtures("toy")
def test_files_alone_are_attested_and_nothing_is_asked(staging: Staging, tmp_path: Path) -> None:
    assert look(tmp_path, conn_id=None) == FROZEN
    assert staging.read_json(FREEZE)["attested"] == ["contact", "deal"]


def test_before_the_instant_the_source_is_not_asked(
    toy: Any, staging: Staging, tmp_path: Path
) -> None:
    toy.Reader.newest = {"contact": AssertionError("asked")}
    soon = datetime.now(UTC) + timedelta(seconds=90)
    deferred = waits(tmp_path, time_text(soon))
    _, kwargs = deferred.trigger.serialize()
    assert abs(kwargs["moment"] - soon) < timedelta(minutes=5)
    assert "not_quiet" not in staging.read_json(REVIEW)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "frozen_at is blank"),
        ("  ", "frozen_at is blank"),
        ("yesterday", "frozen_at: 'yesterday' is not a time"),
        ("2026-03-01T18:00:00", "has no zone; give frozen_at as ISO 8601 with a zone"),
    ],
)
def test_an_instant_that_is_none_fails_at_once(tmp_path: Path, given: Any, words: str) -> None:
    with pytest.raises(AirflowFailException, match=words):
        look(tmp_path, given)


def test_a_zone_is_understood(toy: Any, tmp_path: Path) -> None:
    toy.Reader.newest = {}
    assert look(tmp_path, "2026-03-01T18:00:00+01:00") == "2026-03-01T17:00:00.000Z"


@pytest.mark.parametrize("mode", ["full", "delta", "validate"])
def test_other_modes_pass_through(staging: Staging, tmp_path: Path, mode: str) -> None:
    assert look(tmp_path, None, mode=mode) is None
    assert not staging.exists(FREEZE)


def test_a_source_that_cannot_answer_now_is_asked_later(toy: Any, tmp_path: Path) -> None:
    toy.Reader.newest = {"contact": Throttled("slow down")}
    waits(tmp_path)


def test_the_words_of_a_source_that_fails_stand_in_no_log(
    toy: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.Reader.newest = {"contact": Unsettled("ada@acme.example", status=500)}
    waits(tmp_path)
    told = capsys.readouterr().out
    assert "could not be asked: Unsettled, status 500" in told
    assert "ada@" not in told


def test_a_wrong_key_fails_at_once(toy: Any, tmp_path: Path) -> None:
    toy.Reader.newest = {"contact": Unauthorised("API key expired")}
    with pytest.raises(AirflowFailException, match="API key expired"):
        look(tmp_path)
