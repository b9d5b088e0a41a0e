"""Klipy's notes and what hangs on them: where they go by choice, and that they stay there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.emulators.klipy import write_export
from airflow_crm_migration.emulators.messy.world import Parent
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


@pytest.mark.parametrize(
    ("manual", "draft"), [("task", "task"), ("note", "note"), ("task", "note"), ("note", "task")]
)
def test_files_go_where_their_notes_went_and_never_alone(
    tmp_path: Path, manual: str, draft: str
) -> None:
    world = customer()
    world.notes["n2"].parent = Parent("contact", "p99")
    world.notes["n5"].kind = "AI-Draft"
    world.files["f1"].parent = Parent("note", "n99")
    world.files["f3"].parent = Parent("note", "n2")
    choices = {"manual_notes": manual, "ai_drafts": draft}
    with emulated(world, tmp_path, choices=choices) as between:
        run = between.migration.full()
        attachments = between.records("attachment")
        for note_id, file_id, kind in (("n1", "f6", manual), ("n5", "f7", draft)):
            record = between.arrived(kind, f"note_as_{kind}")[note_id]
            column = f"target{kind.title()}Id"
            [attachment] = [a for a in attachments if a[column] == record["id"]]
            file = world.files[file_id]
            assert attachment["name"] == file.name
            assert between.download(attachment["file"][0]["url"]) == file.content()
        told = {
            e.key.source_id: (str(e.outcome), e.last["reason"])
            for e in between.entries(run)
            if e.key.line == "attachment"
        }
    for attachment in attachments:
        targets = Counter(bool(v) for k, v in attachment.items() if k.startswith("target"))
        assert targets[True] == 1
    assert told["f1"] == ("held", "parent_missing")
    assert told["f3"] == ("held", "parent_not_loaded")
    assert {i for i, what in told.items() if what == ("created", "new")} == {"f2", "f6", "f7"}
