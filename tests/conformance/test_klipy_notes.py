"""Klipy's notes and what hangs on them: where they go by choice, and that they stay there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.emulators.klipy import write_export
from tests.support.customer import customer
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.migration


@pytest.mark.parametrize("kind", ["task", "note"])
def test_a_note_whose_kind_changes_stays_the_record_that_it_became(
    tmp_path: Path, kind: str
) -> None:
    choices = {"manual_notes": kind, "ai_drafts": kind}
    with emulated(customer(), tmp_path, choices=choices) as between:
        between.migration.full()
        before = between.arrived(kind, f"note_as_{kind}")
        notes = between.world.notes
        notes["n1"].kind, notes["n5"].kind = notes["n5"].kind, notes["n1"].kind
        write_export(between.world, tmp_path / "inbox", only=["notes"])
        between.migration.full()
        after = between.arrived(kind, f"note_as_{kind}")
    assert {i: r["id"] for i, r in before.items()} == {i: r["id"] for i, r in after.items()}
    assert set(after) == {"n1", "n2", "n3", "n4", "n5"}
    assert (before["n1"]["klipyNoteKind"], after["n1"]["klipyNoteKind"]) == ("manual", "ai_draft")
    assert (before["n5"]["klipyNoteKind"], after["n5"]["klipyNoteKind"]) == ("ai_draft", "manual")
