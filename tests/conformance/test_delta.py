"""A delta after people went on working on both sides: what each of them did is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.emulators.messy.world import Activity, File, Note, Parent, User
from tests.support.customer import PDF, at
from tests.support.delta import Working, contact, deal, working_customer
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.messy import World
    from tests.support.emulated import Record

pytestmark = pytest.mark.migration

NEW_FILE = "New offer.pdf"


def world() -> World:
    made = working_customer(
        contact("updated", tags=["Extra"]),
        contact("mixed", phone="+44 20 7946 0019"),
        contact("disputed"),
        contact("agreed"),
        contact("moved", company_id="c1"),
        contact("adopted", company_id="c1"),
        contact("tagged", tags=["VIP", "Old"]),
        contact("newtag", tags=["VIP"]),
        contact("mails", other_emails=["second@mails-example.com"]),
        contact("trashed"),
        contact("destroyed"),
        contact("untouched"),
        contact("noted"),
        contact("vanished"),
        contact("owned"),
        contact("one"),
        contact("other"),
        contact("shared2", email="info@shared-example.com"),
        deals=(deal("staged", "Discovery"), deal("restaged", "Discovery")),
    )
    made.activities["a30"] = Activity(
        "a30", "call", "outbound", "Called", "", at(2), at(2), "u1", contact_ids=["one", "other"]
    )
    made.notes["n30"] = Note("n30", "u1", at(2), Parent("contact", "one"), "Said")
    made.files["f30"] = _file("one")
    return made


def _file(contact_id: str) -> File:
    parent = Parent("contact", contact_id)
    return File("f30", parent, "Moved.pdf", 3000, "application/pdf", at(2), head=PDF)


def source_works(world: World) -> None:
    """Change in the source what the first run moved."""
    people = world.contacts
    for name in ("updated", "disputed", "agreed", "trashed", "destroyed"):
        people[name].title = "Chief"
    people["mixed"].phone = "+44 20 7946 0020"
    people["mixed"].city = ""
    people["moved"].company_id = "c2"
    people["tagged"].tags = ["VIP", "顧客"]
    people["newtag"].tags = ["VIP", "Came later"]
    people["newtag"].title = "Chief"
    people["mails"].other_emails = ["third@mails-example.com"]
    people["owned"].owner_id = "u9"
    people["owned"].title = "Chief"
    people["one"].email, people["other"].email = people["other"].email, people["one"].email
    world.users["u9"] = User("u9", "Nia Newcomer", "nia@vendor-example.com", member=False)
    created, waiting = contact("created", company_id="c1"), contact("waiting")
    waiting.owner_id = "u9"
    # a smaller id than that of the record which has the address
    claiming = contact("shared1", email="info@shared-example.com")
    people.update({one.id: one for one in (created, waiting, claiming)})
    del people["vanished"]
    world.deals["staged"].stage = "Proposal"
    world.deals["restaged"].stage = "Came Later"
    world.deals["restaged"].next_step = "Call"
    world.deals["unstaged"] = deal("unstaged", "Came Later")
    # what the platform wrote in another form at the first run
    world.activities["a3"].body = "<p>Hello <b>again</b></p><ol><li>one</li><li>two</li></ol>"
    world.companies["c1"].website = "HTTP://www.Brightwell-Example.com/new/"
    world.companies["c1"].linkedin = "https://www.linkedin.com/company/Brightwell-Ltd/"
    people["p5"].phone = "(030) 23125679"
    world.files["f30"] = _file("other")
    world.activities["a30"].contact_ids = ["other"]
    world.notes["n30"] = Note("n30", "u1", at(2), Parent("contact", "other"), "Said")
    world.notes["n20"] = Note("n20", "u1", at(22), Parent("contact", "noted"), "Said later")
    world.files["f20"] = File(
        "f20", Parent("contact", "noted"), NEW_FILE, 3000, "application/pdf", at(22), head=PDF
    )
    world.activities["a20"] = Activity(
        "a20", "call", "outbound", "Called later", "", at(22), at(22), "u1", contact_ids=["noted"]
    )


def people_work(working: Working) -> None:
    """Change in Twenty what the first run brought."""
    working.edit("person", "mixed", jobTitle="Set by hand")
    working.edit("person", "disputed", jobTitle="Set by hand")
    working.edit("person", "agreed", jobTitle="Chief")
    kestrel = working.record("company", "c2")["id"]
    working.edit("person", "adopted", companyId=kestrel)
    value = working.option("person", "klipyTags", "Extra")
    kept = working.record("person", "tagged")["klipyTags"]
    working.edit("person", "tagged", klipyTags=[*kept, value])
    emails = working.record("person", "mails")["emails"]
    more = [*emails["additionalEmails"], "by.hand@mails-example.com"]
    working.edit("person", "mails", emails={**emails, "additionalEmails": more})
    for name, action in (("trashed", "delete"), ("destroyed", "destroy")):
        working.remove("person", working.record("person", name)["id"], action)
    working.edit("person", "untouched", jobTitle="Set by hand")
    [row] = [r for r in working.between.records("taskTarget") if about(working, r, "a1", "p3")]
    working.remove("taskTarget", row["id"], "destroy")


def about(working: Working, row: Record, activity: str, person: str) -> bool:
    ids = [
        working.record("task", activity, "activity")["id"],
        working.record("person", person)["id"],
    ]
    return [row["taskId"], row["targetPersonId"]] == ids


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Working]:
    """Move the customer, let both sides work, run a delta."""
    with emulated(world(), tmp_path_factory.mktemp("delta")) as between:
        at_work = Working(between)
        at_work.full()
        people_work(at_work)
        source_works(between.world)
        at_work.delta()
        yield at_work


def title(working: Working, name: str) -> str:
    return str(working.record("person", name)["jobTitle"])


# -- what the source did -----------------------------------------------------------------------


def test_a_new_record_is_created_with_its_links(working: Working) -> None:
    made = working.record("person", "created")
    assert made["companyId"] == working.record("company", "c1")["id"]


def test_a_change_of_the_source_arrives(working: Working) -> None:
    assert title(working, "updated") == "Chief"


def test_a_link_follows(working: Working) -> None:
    moved = working.record("person", "moved")
    assert moved["companyId"] == working.record("company", "c2")["id"]


def test_a_stage_follows(working: Working) -> None:
    stage = working.record("opportunity", "staged")["stage"]
    assert working.between.labels("opportunity", "stage")[stage] == "Proposal"


def test_a_new_note_a_new_call_and_a_new_file_reach_a_record_that_did_not_change(
    working: Working,
) -> None:
    person = working.record("person", "noted")["id"]
    note = working.record("task", "n20", "note_as_task")
    call = working.record("task", "a20", "activity")
    targets = {
        r["taskId"] for r in working.between.records("taskTarget") if r["targetPersonId"] == person
    }
    assert targets == {note["id"], call["id"]}
    [file] = [r for r in working.between.records("attachment") if r["targetPersonId"] == person]
    assert file["name"] == NEW_FILE
    content = working.between.download(file["file"][0]["url"])
    assert content == working.between.world.files["f20"].content()


@pytest.mark.parametrize(("line", "name"), [("activity", "a30"), ("note_as_task", "n30")])
def test_a_call_that_lost_somebody_and_a_note_that_moved_hang_on_who_is_left(
    working: Working, line: str, name: str
) -> None:
    own = working.record("task", name, line)["id"]
    rows = [r for r in working.between.records("taskTarget") if r["taskId"] == own]
    people = [r["targetPersonId"] for r in rows if r["targetPersonId"]]
    assert people == [working.record("person", "other")["id"]]


def test_a_file_that_moved_hangs_on_its_new_record(working: Working) -> None:
    moved = [r for r in working.between.records("attachment") if r["name"] == "Moved.pdf"]
    other = working.record("person", "other")["id"]
    assert [r["targetPersonId"] for r in moved] == [other]


def test_what_the_platform_writes_in_another_form_changes_like_all_else(working: Working) -> None:
    task, company = working.record("task", "a3", "activity"), working.record("company", "c1")
    assert task["bodyV2"]["markdown"] == "Hello **again**\n\n1. one\n2. two"
    assert company["klipyWebsite"]["primaryLinkUrl"].endswith("brightwell-example.com/new")
    assert company["linkedinLink"]["primaryLinkUrl"].endswith("/company/Brightwell-Ltd")
    phones = working.record("person", "p5")["phones"]
    assert (phones["primaryPhoneNumber"], phones["primaryPhoneCallingCode"]) == (
        "3023125679",
        "+49",
    )
    assert working.record("person", "mixed")["klipyAddress"]["addressCity"] == ""


# -- what people did ---------------------------------------------------------------------------


def test_what_people_changed_stays_and_the_rest_of_the_record_moves(working: Working) -> None:
    mixed = working.record("person", "mixed")
    assert mixed["jobTitle"] == "Set by hand"
    assert mixed["phones"]["primaryPhoneNumber"] == "2079460020"
    assert title(working, "untouched") == "Set by hand"
    assert working.outcome("person", "mixed") == ("updated", "source_changed")


def test_a_link_that_people_changed_stays(working: Working) -> None:
    adopted = working.record("person", "adopted")
    assert adopted["companyId"] == working.record("company", "c2")["id"]


def test_what_people_trashed_stays_in_the_trash(working: Working) -> None:
    content = {r["id"]: r for r in working.between.content()["person"]}
    entry = working.entry("person", "trashed")
    assert not working.has("person", "trashed")
    assert content[entry.destination_id]["deletedAt"]
    assert content[entry.destination_id]["jobTitle"] == "Clerk"
    assert working.outcome("person", "trashed") == ("conflict", "gone_from_destination")


def test_what_people_destroyed_is_not_made_anew(working: Working) -> None:
    assert not working.has("person", "destroyed")
    assert working.outcome("person", "destroyed") == ("conflict", "gone_from_destination")
    [row] = working.conflicts("person", 1)["destroyed"]
    assert (row["field"], row["before"], row["source"]) == ("jobTitle", "Clerk", "Chief")
    assert (row["destination"], row["kept"]) == (None, "destination")


def test_a_link_row_that_people_removed_is_not_written_again(working: Working) -> None:
    rows = working.between.records("taskTarget")
    assert not [row for row in rows if about(working, row, "a1", "p3")]
    assert [row for row in rows if about(working, row, "a2", "p3")]


def test_what_vanished_from_the_source_stays(working: Working) -> None:
    assert title(working, "vanished") == "Clerk"


# -- what both did -----------------------------------------------------------------------------


def test_a_field_that_both_changed_is_peoples_and_is_listed(working: Working) -> None:
    assert title(working, "disputed") == "Set by hand"
    assert working.outcome("person", "disputed") == ("conflict", "changed_in_both")
    [row] = working.conflicts("person", 1)["disputed"]
    assert {n: row[n] for n in ("field", "before", "source", "destination", "kept", "id")} == {
        "field": "jobTitle", "before": "Clerk", "source": "Chief", "destination": "Set by hand",
        "kept": "destination", "id": working.record("person", "disputed")["id"],
    }  # fmt: skip


def test_a_change_that_both_made_is_none(working: Working) -> None:
    assert title(working, "agreed") == "Chief"
    assert working.outcome("person", "agreed") == ("updated", "source_changed")


def test_tags_of_both_sides_are_united_and_what_the_source_took_away_goes(working: Working) -> None:
    assert working.tags("person", "tagged") == {"VIP", "顧客", "Extra"}


def test_so_are_addresses(working: Working) -> None:
    emails = working.record("person", "mails")["emails"]
    assert emails["primaryEmail"] == "mails@mails-example.com"
    assert emails["additionalEmails"] == ["by.hand@mails-example.com", "third@mails-example.com"]


def test_nothing_else_is_in_conflict(working: Working) -> None:
    assert set(working.conflicts("person", 1)) == {"disputed", "trashed", "destroyed"}
    for phase in ("company", "opportunity", "task", "attachment"):
        assert working.conflicts(phase, 1) == {}, phase


# -- unique values -----------------------------------------------------------------------------


def test_two_people_who_swapped_their_addresses_have_each_others(working: Working) -> None:
    found = {n: working.record("person", n)["emails"]["primaryEmail"] for n in ("one", "other")}
    assert found == {"one": "other@other-example.com", "other": "one@one-example.com"}


def test_who_has_an_address_keeps_it_whoever_comes_later(working: Working) -> None:
    found = {n: working.record("person", n)["emails"] for n in ("shared1", "shared2")}
    assert found["shared2"]["primaryEmail"] == "info@shared-example.com"
    assert found["shared1"]["primaryEmail"] == ""
    assert working.outcome("person", "shared2") == ("created", "new")


# -- what nobody signed yet --------------------------------------------------------------------


def test_a_new_tag_is_kept_apart_and_the_record_moves(working: Working) -> None:
    assert title(working, "newtag") == "Chief"
    assert working.tags("person", "newtag") == {"VIP"}
    told = working.problems("person", "newtag", 1)
    assert told == {("klipyTags", "unmapped_value", "Came later")}


def test_a_new_stage_holds_a_new_deal(working: Working) -> None:
    assert not working.has("opportunity", "unstaged")
    assert working.outcome("opportunity", "unstaged") == ("held", "unmapped_value")


def test_a_deal_that_has_arrived_keeps_its_stage_and_moves(working: Working) -> None:
    found = working.record("opportunity", "restaged")
    assert working.between.labels("opportunity", "stage")[found["stage"]] == "Discovery"
    assert found["klipyNextStep"] == "Call"
    told = working.problems("opportunity", "restaged", 1)
    assert ("stage", "unmapped_value", "Came Later") in told


def test_an_owner_who_is_not_there_yet_holds_a_new_record(working: Working) -> None:
    assert not working.has("person", "waiting")
    assert working.outcome("person", "waiting") == ("held", "owner_missing")


def test_a_record_that_has_arrived_keeps_its_owner_and_moves(working: Working) -> None:
    found = working.record("person", "owned")
    assert found["ownerId"] == working.between.members()["dana@vendor-example.com"]
    assert found["jobTitle"] == "Chief"
    told = working.problems("person", "owned", 1)
    assert ("ownerId", "owner_missing", "nia@vendor-example.com") in told


# -- and then nothing --------------------------------------------------------------------------


def test_a_delta_after_which_nothing_happened_writes_nothing(working: Working) -> None:
    """Nothing that the platform rewrote (phones, links, markdown, blanks) is taken for a change."""
    before, conflicts = working.between.content(), working.conflicts("person", 1)
    working.delta()
    assert working.writes == {}
    assert working.between.content() == before
    assert set(working.conflicts("person")) == set(conflicts)
