"""What hangs on a record of Klipy arrives there whatever its type is called, or is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.customer import customer
from tests.support.emulated import Emulated, emulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_crm_migration.core.run import Run

pytestmark = pytest.mark.migration

ONE_ID = "17"
MAIL = "ann@able-example.com"
FILES = {
    "Deals": "targetOpportunityId",
    "PEOPLE": "targetPersonId",
    "Organisations": "targetCompanyId",
    "Call": "targetTaskId",
    "Direct_Message": "targetTaskId",
    "Ticket": None,
    "": None,
}
"""Parent type -> the column of an attachment that names such a parent; None where none is known."""

NOTES = (
    "Note ID,Kind (manual|ai_draft),Parent Type,Parent (id|email|domain|deal name),Content",
    f"n1,manual,Call,{ONE_ID},They agreed",
    f"n2,AI-Draft,Activities,{ONE_ID},Dear Ann",
    "n3,manual,Call,a99,About a call that is nowhere",
    f"n4,manual,Ticket,{ONE_ID},About a ticket",
)


class Moved:
    """One record of every kind with one id, and what hung on each by the type in its cell."""

    def __init__(self, between: Emulated) -> None:
        self.between = between
        self.run: Run = between.migration.full()
        self.parents = {
            "targetOpportunityId": between.arrived("opportunity")[ONE_ID]["id"],
            "targetPersonId": between.arrived("person")[ONE_ID]["id"],
            "targetCompanyId": between.arrived("company")[ONE_ID]["id"],
            "targetTaskId": between.arrived("task", "activity")[ONE_ID]["id"],
        }

    def held(self, line: str) -> dict[str, tuple[str, str]]:
        """Return source id -> outcome and detail of the records that did not arrive."""
        return {
            entry.key.source_id: (str(entry.outcome), entry.last["detail"])
            for entry in self.between.entries(self.run)
            if entry.key.line == line and entry.outcome in ("held", "rejected")
        }


def write_rows(folder: Path) -> None:
    """Write the files of the customer whose ids are numbers of their own per object."""
    rows = {
        "contacts": ["Contact ID,First Name,Last Name,Email,Company,Created At",
                     f"{ONE_ID},Ann,Able,{MAIL},,2021-03-01T10:00:00Z"],
        "companies": ["Company ID,Company Name,Domain", f"{ONE_ID},Bolt,bolt-example.com"],
        "deals": ["Deal ID,Deal Name,Stage", f"{ONE_ID},Big deal,Discovery"],
        "activities": ["Interaction ID,Type,Title,Interaction Date,Contact Emails (;),Deal ID",
                       f"{ONE_ID},CALL,First call,2021-03-01T10:00:00Z,{MAIL},{ONE_ID}"],
        "attachments": ["Attachment ID,Parent Type,Parent ID,File Name,Path/URL",
                        *(f"{kind or 'blank'},{kind},{ONE_ID},{kind}.txt,a.txt" for kind in FILES)],
        "tags": ["Parent Type,Parent ID,Tag", f"Contacts,{ONE_ID},VIP", f"Ticket,{ONE_ID},Odd"],
        "notes": NOTES,
    }  # fmt: skip
    for name, lines in rows.items():
        (folder / "inbox" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "inbox" / "files").mkdir(exist_ok=True)
    (folder / "inbox" / "files" / "a.txt").write_text("text", encoding="utf-8")


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    folder = tmp_path_factory.mktemp("parents")
    with emulated(customer(), folder, api=False, choices={"ai_drafts": "note"}) as between:
        write_rows(folder)
        yield Moved(between)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_hangs_on_the_record_of_its_type_or_on_none(moved: Moved, kind: str) -> None:
    found = [a for a in moved.between.records("attachment") if a["name"] == f"{kind}.txt"]
    targets = {n: v for a in found for n, v in a.items() if n.startswith("target") and v}
    column = FILES[kind]
    assert targets == ({column: moved.parents[column]} if column else {})


def test_what_is_held_says_which_type_nobody_knows(moved: Moved) -> None:
    assert moved.held("attachment") == {
        "Ticket": ("held", f"no rule fits parent_type Ticket, parent_id {ONE_ID}"),
        "blank": ("held", f"no rule fits parent_type blank, parent_id {ONE_ID}"),
    }
    assert list(moved.held("tag").values()) == [("rejected", "no rule fits parent_type Ticket")]


@pytest.mark.parametrize(("note", "kind"), [("n1", "task"), ("n2", "note")])
def test_a_note_about_an_activity_goes_to_whom_the_activity_was_with(
    moved: Moved, note: str, kind: str
) -> None:
    arrived = moved.between.arrived(kind, f"note_as_{kind}")[note]
    assert arrived["klipyAbout"] == "First call"
    rows = [r for r in moved.between.records(f"{kind}Target") if r[f"{kind}Id"] == arrived["id"]]
    named = {n: v for row in rows for n, v in row.items() if n.startswith("target") and v}
    assert len(rows) == 2
    assert named == {n: moved.parents[n] for n in ("targetPersonId", "targetOpportunityId")}


def test_a_note_that_is_about_nothing_known_says_what_it_is_about(moved: Moved) -> None:
    assert moved.held("note_as_task") == {
        "n3": ("held", "targets: no rule fits parent_type Call, parent a99"),
        "n4": ("held", f"targets: no rule fits parent_type Ticket, parent {ONE_ID}"),
    }


def test_a_tag_finds_its_record_too(moved: Moved) -> None:
    person = moved.between.arrived("person")[ONE_ID]
    labels = moved.between.labels("person", "klipyTags")
    assert [labels[value] for value in person["klipyTags"]] == ["VIP"]
