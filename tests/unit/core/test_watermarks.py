from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.errors import StagingBroken, UserMistake
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging, write_manifest
from airflow_crm_migration.core.watermarks import (
    MOST_EARLIER,
    Consumed,
    Watermark,
    advance_watermarks,
    check_not_shrunk,
    read_watermark,
)

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
MARK = Watermark("acme", START, "run-1", 200, Consumed("ab", START))


NEXT = Watermark("acme", START, "run-2", 200, Consumed("cd", START))


@pytest.mark.parametrize("mark", [MARK, Watermark("", START, "run-1", 0), NEXT.after(MARK)])
def test_a_watermark_is_read_as_it_was_written(tmp_path: Path, mark: Watermark) -> None:
    staging = Staging(tmp_path)
    staging.write_json("watermarks/sandbox/contact.json", mark.as_json())
    assert read_watermark(staging, "sandbox", "contact") == mark
    assert read_watermark(staging, "production", "contact") is None


def test_a_later_format_is_not_guessed_at(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.write_json("watermarks/sandbox/contact.json", MARK.as_json() | {"format": 2})
    with pytest.raises(StagingBroken, match="format 2: upgrade airflow-crm-migration"):
        read_watermark(staging, "sandbox", "contact")


@pytest.mark.parametrize(("records", "stops"), [(200, False), (190, False), (189, True), (0, True)])
def test_a_loss_of_more_than_five_per_cent_stops(records: int, stops: bool) -> None:
    manifest = {"counts": {"read": records}}
    if not stops:
        check_not_shrunk(MARK, manifest, "inbox/contacts.csv", "sandbox")
        return
    with pytest.raises(UserMistake) as mistake:
        check_not_shrunk(MARK, manifest, "inbox/contacts.csv", "sandbox")
    [line] = mistake.value.findings
    assert line.startswith(f"inbox/contacts.csv: holds {records} records, but 200 when sandbox")
    assert "accept_shrunk" in line


def test_files_of_earlier_runs_are_remembered() -> None:
    last = Watermark("acme", START, "run-3", 200).after(NEXT.after(MARK))
    assert (last.loaded_by("ab"), last.loaded_by("cd")) == ("run-1", "run-2")
    again = Watermark("acme", START, "run-4", 200, Consumed("ab", START)).after(last)
    assert (again.loaded_by("ab"), again.loaded_by("cd")) == (None, "run-2")


def test_the_oldest_files_are_forgotten() -> None:
    mark = MARK
    for number in range(MOST_EARLIER + 1):
        csv = Consumed(str(number), START)
        mark = Watermark("acme", START, f"run-{number}", 1, csv).after(mark)
    assert len(mark.earlier) == MOST_EARLIER
    assert mark.loaded_by("ab") is None
    assert mark.loaded_by("0") == "run-0"


def test_what_was_never_loaded_cannot_have_shrunk() -> None:
    check_not_shrunk(None, {"counts": {"read": 0}}, "contact", "sandbox")


@pytest.mark.parametrize(("reconciled", "moved"), [(True, ["note"]), (False, [])])
def test_every_phase_that_an_object_feeds_must_have_reconciled(
    tmp_path: Path, reconciled: bool, moved: list[str]
) -> None:
    run, mapping = Run(Staging(tmp_path), "r1", "acme", "sandbox"), load_mapping("klipy_to_twenty")
    for phase in mapping.phases:
        run.write(f"reconcile/{phase}.json", {"reconciled": phase != "note" or reconciled})
    facts = {"tenant": "", "window": {"start": "2026-03-01T00:00:00.000Z"}, "csv": None}
    write_manifest(run.staging, "r1/extract/note", [], counts={"read": 1}, **facts)
    old = Watermark("", datetime(2026, 2, 1, tzinfo=UTC), "r0", 1, Consumed("ab", START))
    run.staging.write_json("watermarks/sandbox/note.json", old.as_json())
    assert advance_watermarks(run, mapping) == moved
    kept = read_watermark(run.staging, "sandbox", "note")
    assert kept
    assert kept.loaded_by("ab") == ("r0" if moved else None)
