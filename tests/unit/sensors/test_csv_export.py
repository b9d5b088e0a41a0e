"""The gate of the CSV files opens for what is complete and no longer being written."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.watermarks import Consumed, Watermark, read_watermark
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.sensors.csv_export import CsvExportSensor
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.staging import Staging

CONTEXT: Any = {
    "dag_run": SimpleNamespace(run_id="r", run_after=datetime(2026, 3, 1, tzinfo=UTC)),
    "params": {"mode": "full"},
}
FILE = b"ID,EMAIL\r\n1,a@acme.example\r\n"
REVIEW = "review/csv/sandbox.json"

pytestmark = pytest.mark.usefixtures("toy")


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return open_staging(f"file://{tmp_path}/staging", "acme")


def probed(staging: Staging, route: str) -> None:
    probe = [{"object": "contact", "route": route, "reason": "plan", "count": None}]
    staging.write_json(f"{run_prefix(CONTEXT)}/probe.json", probe)


def sensor(tmp_path: Path, **settings: Any) -> CsvExportSensor:
    return CsvExportSensor(
        **{
            "task_id": "csv",
            "engagement_id": "acme",
            "staging_url": f"file://{tmp_path}/staging",
            "environment": "sandbox",
            "platform": "toy_reader",
            "identities": {"contact": ("id",)},
            **settings,
        }
    )


def waits(gate: CsvExportSensor, context: Any = CONTEXT) -> timedelta:
    """Look once, and return how long until the next look."""
    with pytest.raises(TaskDeferred) as deferred:
        gate.execute(context)
    pause: timedelta = deferred.value.trigger.moment - datetime.now(UTC)
    return pause


def test_it_waits_for_a_file_that_is_missing(staging: Staging, tmp_path: Path) -> None:
    probed(staging, "csv")
    assert waits(sensor(tmp_path)) > timedelta(minutes=10)
    [finding] = staging.read_json(REVIEW)["findings"]
    assert "inbox/contacts.csv: is missing" in finding


def test_it_opens_at_the_second_look_that_finds_the_same(staging: Staging, tmp_path: Path) -> None:
    probed(staging, "csv")
    staging.write_bytes("inbox/contacts.csv", b"ID,EMAIL\r\n1,a@acme.example\r\n")
    assert waits(sensor(tmp_path)) < timedelta(minutes=2)
    staging.write_bytes("inbox/contacts.csv", b"ID,EMAIL\r\n1,a@acme.example\r\n2,b@b.example\r\n")
    waits(sensor(tmp_path))
    assert sensor(tmp_path).execute(CONTEXT) == {"contact": 2}


def test_it_waits_for_a_header_to_be_mended(staging: Staging, tmp_path: Path) -> None:
    probed(staging, "csv")
    staging.write_bytes("inbox/contacts.csv", b"EMAIL\r\na@acme.example\r\n")
    waits(sensor(tmp_path))
    waits(sensor(tmp_path))
    assert staging.read_json(REVIEW)["findings"]


def test_the_identity_says_whether_an_id_is_needed(staging: Staging, tmp_path: Path) -> None:
    probed(staging, "csv")
    staging.write_bytes("inbox/contacts.csv", b"EMAIL\r\na@acme.example\r\n")
    by_mail = {"identities": {"contact": ("id", "email")}}
    waits(sensor(tmp_path, **by_mail))
    assert sensor(tmp_path, **by_mail).execute(CONTEXT) == {"contact": 1}


def test_the_engagement_says_how_files_are_written(staging: Staging, tmp_path: Path) -> None:
    probed(staging, "csv")
    staging.write_bytes(
        "inbox/contacts.csv", "NUMMER;EMAIL\r\n1;ü@acme.example\r\n".encode("cp1252")
    )
    form = {"encoding": "cp1252", "aliases": {"contact": {"NUMMER": "id"}}}
    waits(sensor(tmp_path, form=form))
    assert sensor(tmp_path, form=form).execute(CONTEXT) == {"contact": 1}


@pytest.mark.parametrize("route", ["api", "none", "api+csv"])
def test_it_opens_at_once_where_no_file_is_needed(
    staging: Staging, tmp_path: Path, route: str
) -> None:
    probed(staging, route)
    assert sensor(tmp_path).execute(CONTEXT) == {}


def test_objects_that_the_mapping_does_not_read_are_not_waited_for(
    staging: Staging, tmp_path: Path
) -> None:
    probed(staging, "csv")
    assert sensor(tmp_path, identities={}).execute(CONTEXT) == {}


# -- later runs --------------------------------------------------------------------------------


def dropped_at(tmp_path: Path, time: datetime) -> None:
    os.utime(tmp_path / "staging/acme/inbox/contacts.csv", (time.timestamp(),) * 2)


NIGHT = datetime(2026, 2, 2, tzinfo=UTC)


def in_mode(mode: str, **params: Any) -> Any:
    return CONTEXT | {"params": {"mode": mode, **params}}


@pytest.fixture
def loaded(staging: Staging) -> Staging:
    """Return a staging whose file was loaded into the sandbox."""
    probed(staging, "csv")
    staging.write_bytes("inbox/contacts.csv", FILE)
    mark = Watermark(
        "",
        datetime(2026, 2, 1, tzinfo=UTC),
        "run-1",
        1,
        Consumed(hashlib.sha256(FILE).hexdigest(), staging.modified("inbox/contacts.csv")),
    )
    staging.write_json("watermarks/sandbox/contact.json", mark.as_json())
    return staging


@pytest.mark.parametrize("mode", ["delta", "cutover"])
def test_a_delta_waits_for_a_new_file(loaded: Staging, tmp_path: Path, mode: str) -> None:
    context = in_mode(mode, frozen_at="2026-02-02T18:00:00Z")
    assert waits(sensor(tmp_path), context) > timedelta(minutes=10)
    [finding] = loaded.read_json(REVIEW)["findings"]
    dropped = time_text(loaded.modified("inbox/contacts.csv"))
    assert f"inbox/contacts.csv: is not new: it lies there since {dropped}" in finding
    assert "loaded by run run-1: export" in finding


def test_the_same_content_exported_again_is_new_and_said(
    loaded: Staging, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = loaded.modified("inbox/contacts.csv") + timedelta(seconds=1)
    dropped_at(tmp_path, later)
    waits(sensor(tmp_path), in_mode("delta"))
    assert sensor(tmp_path).execute(in_mode("delta")) == {"contact": 1}
    assert "exported again without a change: inbox/contacts.csv" in capsys.readouterr().out


def test_a_changed_file_is_new_whenever_it_was_written(loaded: Staging, tmp_path: Path) -> None:
    before = loaded.modified("inbox/contacts.csv") - timedelta(days=1)
    loaded.write_bytes("inbox/contacts.csv", FILE + b"2,b@b.example\r\n")
    dropped_at(tmp_path, before)
    waits(sensor(tmp_path), in_mode("delta"))
    assert sensor(tmp_path).execute(in_mode("delta")) == {"contact": 2}


@pytest.mark.parametrize("mode", ["delta", "cutover"])
def test_a_file_from_before_the_last_one_is_refused(
    loaded: Staging, tmp_path: Path, mode: str
) -> None:
    day_1 = read_watermark(loaded, "sandbox", "contact")
    day_2 = Watermark("", NIGHT, "run-2", 2, Consumed("of day 2", NIGHT)).after(day_1)
    loaded.write_json("watermarks/sandbox/contact.json", day_2.as_json())
    loaded.write_bytes("inbox/contacts.csv", FILE)
    context = in_mode(mode, frozen_at=NIGHT.isoformat())
    assert waits(sensor(tmp_path), context) > timedelta(minutes=10)
    [finding] = loaded.read_json(REVIEW)["findings"]
    assert "inbox/contacts.csv: is an old file: run run-1 loaded it" in finding
    assert "run run-2 a newer one since: export Contacts again" in finding
    assert sensor(tmp_path).execute(in_mode("full")) == {"contact": 1}


def test_a_cutover_takes_no_file_from_before_the_freeze(loaded: Staging, tmp_path: Path) -> None:
    frozen_at = datetime(2026, 3, 2, 17, tzinfo=UTC)
    cutover = in_mode("cutover", frozen_at=frozen_at.isoformat())
    loaded.write_bytes("inbox/contacts.csv", FILE + b"2,b@b.example\r\n")
    dropped_at(tmp_path, frozen_at - timedelta(hours=10))
    assert waits(sensor(tmp_path), cutover) > timedelta(minutes=10)
    [finding] = loaded.read_json(REVIEW)["findings"]
    assert "inbox/contacts.csv: was dropped at 2026-03-02T07:00:00.000Z" in finding
    assert "frozen at 2026-03-02T17:00:00.000Z" in finding
    assert "export Contacts again" in finding

    dropped_at(tmp_path, frozen_at)
    assert sensor(tmp_path).execute(cutover) == {"contact": 2}


def test_a_file_without_a_change_must_be_from_after_the_freeze_too(
    loaded: Staging, tmp_path: Path
) -> None:
    later = loaded.modified("inbox/contacts.csv") + timedelta(hours=1)
    dropped_at(tmp_path, later)
    frozen_at = (later + timedelta(hours=1)).isoformat()
    waits(sensor(tmp_path), in_mode("cutover", frozen_at=frozen_at))
    [finding] = loaded.read_json(REVIEW)["findings"]
    assert "before the source was frozen" in finding


@pytest.mark.parametrize("mode", ["full", "sample", "retry"])
def test_other_runs_take_a_file_that_was_loaded(loaded: Staging, tmp_path: Path, mode: str) -> None:
    waits(sensor(tmp_path), in_mode(mode))
    assert sensor(tmp_path).execute(in_mode(mode)) == {"contact": 1}


def test_what_one_environment_was_loaded_with_is_new_to_the_other(
    loaded: Staging, tmp_path: Path
) -> None:
    production = {"environment": "production"}
    waits(sensor(tmp_path, **production), in_mode("delta"))
    assert sensor(tmp_path, **production).execute(in_mode("delta")) == {"contact": 1}


def test_a_file_that_the_api_does_without_may_be_taken_out(loaded: Staging, tmp_path: Path) -> None:
    probed(loaded, "api+csv")
    waits(sensor(tmp_path), in_mode("delta"))
    assert "or take it out of the inbox" in loaded.read_json(REVIEW)["findings"][0]
    loaded.delete("inbox/contacts.csv")
    assert sensor(tmp_path).execute(in_mode("delta")) == {}


def test_a_run_that_takes_over_an_extract_waits_for_no_file(
    staging: Staging, tmp_path: Path
) -> None:
    assert sensor(tmp_path).execute(in_mode("full", extract_of="run-1")) == {}
