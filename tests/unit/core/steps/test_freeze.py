"""Which records that were read declare a change after the freeze."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.arrow import write_rows
from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.freeze import ask_quiet, declared_instant
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging, read_parts, sha256, write_manifest
from airflow_crm_migration.core.steps.freeze import count_after_freeze, read_after_freeze
from tests.support.transforming import small_pair

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.mapping import Mapping

FROZEN = datetime(2026, 3, 1, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIELDS = {"id": FieldType.TEXT, "changed": FieldType.DATETIME, "made": FieldType.DATETIME}


def pair(*fields: str) -> Mapping:
    rules = ", ".join(("{to: sign, from: called}", *fields))
    line = f"{{id: firm, source: firm, destination: house, fields: [{rules}]}}"
    return small_pair(line)


CHANGED = "{to: stirred, from: [changed, made], do: first_present, incidental: true}"
MADE = "{to: born, from: made, only_new: true, create: {type: datetime, label: Born}}"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(Staging(tmp_path), "r", "acme", "production")
    run.write("freeze.json", {"frozen_at": time_text(FROZEN), "quiet": [], "attested": ["firm"]})
    return run


def extract(run: Run, *rows: dict[str, Any]) -> None:
    part = run.staging.path(run.name("extract/firm/part-00000.parquet"))
    part.parent.mkdir(parents=True)
    with part.open("wb") as stream:
        write_rows(stream, FIELDS, [{"_file": "api", "_row": n, **r} for n, r in enumerate(rows)])
    content = part.read_bytes()
    listed = {"name": part.name, "rows": len(rows), "sha256": sha256(content)}
    facts: Any = {"fields": {n: str(kind) for n, kind in FIELDS.items()}, "custom": []}
    write_manifest(run.staging, run.name("extract/firm"), [listed], **facts)


def record(record_id: str, **times: datetime) -> dict[str, Any]:
    return {"id": record_id, **{name: time_text(time) for name, time in times.items()}}


def after(run: Run) -> list[str]:
    return [row["id"] for row in read_parts(run.staging, run.name("after_freeze"))]


def test_records_that_changed_after_the_instant_are_counted_and_listed(run: Run) -> None:
    extract(
        run,
        record("before", changed=FROZEN - HOUR, made=FROZEN - HOUR),
        record("at", changed=FROZEN, made=FROZEN - HOUR),
        record("after", changed=FROZEN + HOUR, made=FROZEN - HOUR),
        record("made", made=FROZEN + HOUR),
        record("silent"),
    )
    assert count_after_freeze(run, pair(CHANGED)) == {"firm": 2}
    assert after(run) == ["after", "made"]
    assert read_after_freeze(run) == {"firm": 2}


def test_without_a_time_of_change_the_time_of_creation_tells(run: Run) -> None:
    extract(run, record("a", made=FROZEN + HOUR), record("b", made=FROZEN - HOUR))
    assert count_after_freeze(run, pair(MADE)) == {"firm": 1}


def test_an_appointment_that_lies_ahead_is_no_change(run: Run) -> None:
    extract(run, record("a", changed=datetime.now(UTC) + HOUR, made=FROZEN - HOUR))
    assert count_after_freeze(run, pair(CHANGED)) == {"firm": 0}


def test_records_that_tell_no_time_are_not_called_unchanged(run: Run) -> None:
    extract(run, record("a"))
    assert count_after_freeze(run, pair()) == {"firm": None}


def test_without_a_freeze_nothing_is_counted(tmp_path: Path) -> None:
    run = Run(Staging(tmp_path), "other", "acme", "sandbox")
    assert count_after_freeze(run, pair(CHANGED)) == {}
    assert read_after_freeze(run) is None


def test_a_second_count_replaces_the_first(run: Run) -> None:
    extract(run, record("a", changed=FROZEN + HOUR))
    for _ in range(2):
        count_after_freeze(run, pair(CHANGED))
    assert after(run) == ["a"]


# -- the instant, and who is quiet ---------------------------------------------------------


class Shop:
    def newest_change(self, object_name: str) -> datetime | None:
        return {"firm": FROZEN, "client": FROZEN + HOUR}.get(object_name)


def test_objects_are_quiet_loud_or_attested() -> None:
    shop: Any = Shop()
    found = ask_quiet(shop, ["firm", "client", "chat"], FROZEN)
    assert (found.quiet, found.attested) == (("firm",), ("chat",))
    assert found.loud == {"client": FROZEN + HOUR}
    assert ask_quiet(None, ["firm"], FROZEN).attested == ("firm",)


def test_an_instant_has_a_zone() -> None:
    assert declared_instant(" 2026-03-01T18:00:00+01:00 ") == FROZEN
    for text in (None, "", " ", "soon", "2026-03-01T18:00:00"):
        with pytest.raises(UserMistake, match=r"2026-03-01T18:00:00\+01:00"):
            declared_instant(text)
