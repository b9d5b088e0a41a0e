"""A cutover takes over no extract that lacks what was done until the freeze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging, write_manifest
from airflow_crm_migration.core.steps.reuse import take_over_extract

if TYPE_CHECKING:
    from pathlib import Path

EARLY, FROZEN, LATE = (f"2026-03-01T{hour}:00:00.000Z" for hour in ("07", "17", "18"))


def taking_over(tmp_path: Path, start: str, dropped: str | None) -> Run:
    """Return a run beside an earlier one that read an object, and its file, at these times."""
    run = Run(Staging(tmp_path), "r2", "acme", "sandbox")
    csv = dropped and {"sha256": "ab", "modified": dropped}
    facts: dict[str, Any] = {"window": {"start": start}, "csv": csv}
    write_manifest(run.staging, "r1/extract/contact", [], counts={"read": 0}, **facts)
    return run


@pytest.mark.parametrize(("start", "dropped"), [(EARLY, None), (LATE, EARLY)])
def test_what_was_read_before_the_freeze_is_refused(
    tmp_path: Path, start: str, dropped: str | None
) -> None:
    run = taking_over(tmp_path, start, dropped)
    run.write("freeze.json", {"frozen_at": FROZEN})
    with pytest.raises(UserMistake) as raised:
        take_over_extract(run, "r1", "contact")
    [line] = raised.value.findings
    assert f"contact of run r1 is from {EARLY}, before the source was frozen at {FROZEN}" in line


@pytest.mark.parametrize("dropped", [None, LATE, FROZEN])
def test_what_was_read_since_is_taken(tmp_path: Path, dropped: str | None) -> None:
    run = taking_over(tmp_path, LATE, dropped)
    run.write("freeze.json", {"frozen_at": FROZEN})
    assert take_over_extract(run, "r1", "contact")["extract_of"] == "r1"


def test_a_run_without_a_freeze_takes_any(tmp_path: Path) -> None:
    run = taking_over(tmp_path, EARLY, EARLY)
    assert take_over_extract(run, "r1", "contact")["extract_of"] == "r1"
