"""Notes by hand and drafts by a machine, on records that exist, are gone or are in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.activities import body
from airflow_crm_migration.emulators.messy.deals import SAME_NAME
from airflow_crm_migration.emulators.messy.world import Note, Parent

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

SHARE = 0.75
_LONG_NOTE = 10_240
_ODD_CONTENTS = (
    "html_script",
    "html_lists",
    "formula_equals",
    "newlines_and_quotes",
    "control_characters",
    "emoji",
    "right_to_left",
)
_CHANNELS = ("email", "linkedin", "whatsapp", "telegram")
_DRAFT_STATUSES = ("draft", "sent", "discarded")


def make_notes(maker: Maker) -> None:
    """
    Add the notes to the world.

    :param maker: of the world, with its deals
    """
    notes = maker.world.notes
    odd_names = {
        c.source_id for c in maker.truth.oddities if c.object == "deal" and c.field == "name"
    }
    deals = sorted(set(maker.world.deals) - odd_names - maker.same_name_deals)
    for note_id in maker.ids("n", max(30, round(maker.contacts * SHARE))):
        notes[note_id] = _note(maker, note_id, deals)
    maker.world.notes = dict(sorted(notes.items()))
    maker.odd_texts("notes", "content", _ODD_CONTENTS)
    long = maker.world.notes[maker.victim("notes")]
    while len(long.content) < _LONG_NOTE:
        long.content += "\n\n" + body(maker, rich=False)
    maker.odd("long_note", "note", long.id, "content")
    _plant_parents(maker)


def _note(maker: Maker, note_id: str, deals: list[str]) -> Note:
    kind = maker.rng.random()
    by_name = maker.chance(0.6)
    if kind < 0.55:
        parent = Parent("contact", maker.one(maker.linkable), by_name)
    elif kind < 0.85:
        parent = Parent("deal", maker.one(deals), by_name)
    else:
        company_id = maker.one(maker.real_companies)
        parent = Parent(
            "company", company_id, by_name and bool(maker.world.companies[company_id].domain)
        )
    note = Note(
        id=note_id,
        author_id=maker.one(list(maker.world.users)),
        created_at=maker.moment(),
        parent=parent,
        content=body(maker, rich=maker.chance(0.2)),
    )
    if maker.chance(0.3):
        note.kind = "ai_draft"
        note.channel = maker.one(_CHANNELS)
        note.draft_status = maker.one(_DRAFT_STATUSES)
    return note


def _plant_parents(maker: Maker) -> None:
    notes = maker.world.notes
    for number in range(maker.some(0.002)):
        stranger = maker.ghost("p", f"stranger{number}@gone-example.com")
        forgotten = maker.ghost("d", f"A deal nobody remembers {number}")
        for parent in (Parent("contact", stranger, True), Parent("deal", forgotten, True)):
            note = notes[maker.victim("notes")]
            note.parent = parent
            maker.missing("note", note.id, "parent", parent.id)
    note = notes[maker.victim("notes")]
    note.parent = Parent("deal", min(maker.same_name_deals), by_name=True)
    maker.ambiguous("note", note.id, "parent", SAME_NAME, maker.same_name_deals)
    for address, users in sorted(maker.truth.shared_mailboxes.items()):
        note = notes[maker.victim("notes")]
        note.parent = Parent("contact", min(users), by_name=True)
        maker.ambiguous("note", note.id, "parent", address, users)
    for _ in range(max(1, maker.contacts // 2000)):
        maker.bad("date_format", "note", maker.victim("notes"), "created_at", "Tue 5th")
