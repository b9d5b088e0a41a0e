"""A messy customer of 2,000 contacts against the truth: every record has the outcome that fits."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.messy.truth import Cell
    from airflow_crm_migration.emulators.messy.world import Contact
    from tests.support.emulated import Record
    from tests.support.messy import MessyRun

pytestmark = pytest.mark.migration

CREATED, MERGED, HELD = ("created", "new"), "merged", "held"
KINDS = ("contact", "company", "deal", "activity", "note", "file")
COLLECTIONS = dict(
    zip(KINDS, ("contacts", "companies", "deals", "activities", "notes", "files"), strict=True)
)
FROM_API = {("activity", "at")}
"""Cells that are bad in the file and good in the API."""

FILE_REASONS = {
    "too_large": "file_too_large",
    "missing": "file_unreachable",
    "private_url": "file_forbidden_address",
    "outside_folder": "file_forbidden_address",
}


def cells(messy: MessyRun, kinds: str, *, odd: bool = False) -> list[Cell]:
    found = messy.world.truth.oddities if odd else messy.world.truth.bad_cells
    wanted = [cell for cell in found if re.fullmatch(kinds, cell.kind)]
    assert wanted
    return wanted


def arrived(messy: MessyRun, kind: str, source_id: str) -> Record:
    record = messy.record(kind, source_id)
    assert record is not None, (kind, source_id, messy.outcome(kind, source_id))
    return record


def there(messy: MessyRun, kind: str, source_id: str) -> str | None:
    """Return the id in Twenty under which a record lives, itself or as part of another one."""
    entry = messy.entry(kind, source_id)
    survivor = messy.entry(kind, entry.last.get("into") or source_id)
    return entry.destination_id or survivor.destination_id


def targets(messy: MessyRun, task: Record) -> set[str]:
    rows = [row for row in messy.content["taskTarget"] if row["taskId"] == task["id"]]
    return {v for row in rows for k, v in row.items() if k.startswith("target") and v}


# -- every record -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_record_has_one_outcome(messy: MessyRun, kind: str) -> None:
    for source_id in getattr(messy.world, COLLECTIONS[kind]):
        messy.entry(kind, source_id)


def test_what_did_not_arrive_has_a_reason_that_the_truth_knows(messy: MessyRun) -> None:
    """Nothing is lost but what was planted, and what hangs on that."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for kind in KINDS:
        for source_id in getattr(messy.world, COLLECTIONS[kind]):
            counts[(kind, *messy.outcome(kind, source_id))] += 1
    assert {key for key in counts if key[1:] != CREATED} == {
        ("contact", "merged", "duplicate_certain"),
        ("contact", "held", "duplicate_undecided"),
        ("contact", "rejected", "bad_cell"),
        ("company", "merged", "duplicate_certain"),
        ("deal", "rejected", "bad_cell"),
        ("activity", "rejected", "bad_cell"),
        ("note", "rejected", "bad_cell"),
        ("note", "held", "parent_missing"),
        ("note", "held", "parent_ambiguous"),
        ("note", "held", "parent_not_loaded"),
        ("file", "held", "parent_missing"),
        ("file", "held", "parent_not_loaded"),
        ("file", "rejected", "file_empty"),
        ("file", "rejected", "file_too_large"),
        ("file", "rejected", "file_unreachable"),
        ("file", "rejected", "file_forbidden_address"),
    }


def test_nobody_was_notified_and_klipy_was_only_read(messy: MessyRun) -> None:
    assert messy.between.control("notifications") == {"count": 0, "kinds": {}}
    assert messy.between.control("notifications", of="klipy") == {"count": 0, "kinds": {}}


# -- duplicates -------------------------------------------------------------------------------


def test_records_of_one_human_never_become_two_people(messy: MessyRun) -> None:
    for group in messy.world.truth.people:
        stand = [i for i in group.ids if messy.outcome("contact", i) == CREATED]
        if group.kind in ("same_email", "secondary_email"):
            assert len(stand) == 1, group
        for source_id in group.ids - set(stand):
            entry = messy.entry("contact", source_id)
            assert entry.outcome in (MERGED, HELD, "rejected")
            if entry.outcome == MERGED:
                assert entry.last["into"] in group.ids


def test_what_is_only_likely_is_held_for_people_to_decide(messy: MessyRun) -> None:
    doubtful = [g for g in messy.world.truth.people if g.kind in ("nickname", "other_address")]
    outcomes = [Counter(messy.outcome("contact", i)[0] for i in group.ids) for group in doubtful]
    assert not any(found[MERGED] for found in outcomes)
    assert sum(found[HELD] > 0 for found in outcomes) >= 0.9 * len(doubtful)


def test_people_who_only_look_alike_all_arrive(messy: MessyRun) -> None:
    for group in messy.world.truth.lookalike_people:
        assert {messy.outcome("contact", i) for i in group.ids} == {CREATED}, group


def test_everybody_behind_a_shared_mailbox_arrives_and_one_has_the_address(messy: MessyRun) -> None:
    assert messy.world.truth.shared_mailboxes
    for address, users in messy.world.truth.shared_mailboxes.items():
        people = [arrived(messy, "contact", i) for i in users]
        assert len({p["id"] for p in people}) == len(users)
        holders = [p for p in people if p["emails"]["primaryEmail"] == address]
        assert len(holders) == 1
        assert all(address in p["klipyUnusable"] for p in people if p not in holders)


def test_companies_of_one_domain_are_one_and_similar_names_are_not(messy: MessyRun) -> None:
    for ids in messy.world.truth.same_company:
        assert len({there(messy, "company", i) for i in ids}) == 1
        assert Counter(messy.outcome("company", i)[0] for i in ids)["created"] == 1
    for group in messy.world.truth.lookalike_companies:
        assert {messy.outcome("company", i) for i in group.ids} == {CREATED}


def test_mail_providers_are_nobodys_company(messy: MessyRun) -> None:
    free = {there(messy, "company", i) for i in messy.world.truth.free_mail_companies}
    assert len(free) == len(messy.world.truth.free_mail_companies)
    domains = {messy.world.companies[i].domain for i in messy.world.truth.free_mail_companies}
    named = {
        (i["key"][2], i["problem"])
        for i in messy.between.issues(messy.run)
        if i["field"] == "domainName"
    }
    assert {(i, "unusable_value") for i in messy.world.truth.free_mail_companies} <= named
    private = [
        c for c in _standing(messy)
        if c.company_id is None and c.email.partition("@")[2] in domains
    ]  # fmt: skip
    assert private
    merged = {i for ids in messy.world.truth.same_person for i in ids}
    for contact in private:
        if contact.id not in merged:
            assert arrived(messy, "contact", contact.id)["companyId"] is None


def _standing(messy: MessyRun) -> Iterator[Contact]:
    for source_id, contact in messy.world.contacts.items():
        if messy.outcome("contact", source_id) == CREATED:
            yield contact


# -- cells ------------------------------------------------------------------------------------


def test_a_cell_without_a_reading_rejects_its_record_and_names_the_place(messy: MessyRun) -> None:
    judged = cells(messy, "date_format|not_a_number|bad_.*")
    for cell in judged:
        if (cell.object, cell.field) in FROM_API:
            assert messy.outcome(cell.object, cell.source_id) == CREATED
            continue
        entry = messy.entry(cell.object, cell.source_id)
        assert (str(entry.outcome), entry.last["reason"]) == ("rejected", "bad_cell"), cell
        assert re.match(rf"{COLLECTIONS[cell.object]}\.csv row \d+: [^:]+: ", entry.last["detail"])
        assert cell.text not in entry.last["detail"]


def test_an_unusable_address_or_number_is_kept_as_text(messy: MessyRun) -> None:
    for cell in cells(messy, "email_.*|phone_.*"):
        contact = messy.world.contacts[cell.source_id]
        person = arrived(messy, "contact", cell.source_id)
        given = " ".join(getattr(contact, cell.field).split())
        if cell.kind == "email_two_in_one":
            found = [person["emails"]["primaryEmail"], *person["emails"]["additionalEmails"]]
            assert found == given.lower().split(", ")
        else:
            assert given in person["klipyUnusable"], cell
            column = "emails" if cell.field == "email" else "phones"
            primary = {"emails": "primaryEmail", "phones": "primaryPhoneNumber"}[column]
            assert person[column][primary] == ""


def test_an_extension_is_kept_beside_its_number(messy: MessyRun) -> None:
    for cell in cells(messy, "phone_extension", odd=True):
        person = arrived(messy, "contact", cell.source_id)
        assert person["phones"]["primaryPhoneNumber"] == "2125550147"
        assert "+1 212 555 0147 ext. 12" in person["klipyUnusable"]


def test_numbers_of_all_countries_arrive(messy: MessyRun) -> None:
    bad = {c.source_id for c in cells(messy, "phone_.*")}
    people = [c for c in _standing(messy) if c.phone and c.id not in bad]
    numbers = [arrived(messy, "contact", c.id)["phones"]["primaryPhoneNumber"] for c in people]
    assert len(numbers) > 500
    assert all(numbers)


COLUMNS: dict[tuple[str, str], Any] = {
    ("contact", "first_name"): lambda r: r["name"]["firstName"],
    ("contact", "last_name"): lambda r: r["name"]["lastName"],
    ("contact", "title"): lambda r: r["jobTitle"],
    ("contact", "notes"): lambda r: r["klipyNotes"]["markdown"],
    ("company", "name"): lambda r: r["name"],
    ("deal", "name"): lambda r: r["name"],
    ("activity", "body"): lambda r: r["bodyV2"]["markdown"],
    ("note", "content"): lambda r: r["bodyV2"]["markdown"],
}
VERBATIM = "emoji|right_to_left|native_script|very_long_name|formula_.*"


def test_strange_texts_arrive_as_they_are(messy: MessyRun) -> None:
    seen = set()
    for cell in cells(messy, VERBATIM, odd=True):
        if messy.outcome(cell.object, cell.source_id) == ("held", "parent_not_loaded"):
            continue
        record = getattr(messy.world, COLLECTIONS[cell.object])[cell.source_id]
        stored = COLUMNS[cell.object, cell.field](arrived(messy, cell.object, cell.source_id))
        seen.add(cell.kind)
        assert words(stored) == words(getattr(record, cell.field)), cell
    assert {"emoji", "right_to_left", "native_script", "formula_equals"} <= seen


def words(text: str) -> str:
    """Return a text without what Markdown escapes and how it parts lines."""
    return " ".join(re.sub(r"\\(?=[^\w\s])", "", text).split())


def test_control_characters_are_gone_and_the_words_are_not(messy: MessyRun) -> None:
    for cell in cells(messy, "control_characters", odd=True):
        stored = COLUMNS[cell.object, cell.field](arrived(messy, cell.object, cell.source_id))
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", stored), cell
        for word in ("Bell", "red", "tab", "zero", "around"):
            assert word in stored


def test_hostile_html_keeps_its_words_and_runs_nothing(messy: MessyRun) -> None:
    for cell in cells(messy, "html_script", odd=True):
        stored = COLUMNS[cell.object, cell.field](arrived(messy, cell.object, cell.source_id))
        assert "Hello," in stored
        assert "(https://offers.brightwell-example.com/?a=1&b=2)" in stored
        assert "this" in stored
        for evil in ("<script", "javascript:", "onclick", "document.location", "tracker.example"):
            assert evil not in stored
    for name in ("person", "task", "company", "opportunity"):
        everything = repr(messy.content[name])
        assert "javascript:" not in everything
        assert "<script" not in everything


def test_lists_become_markdown(messy: MessyRun) -> None:
    for cell in cells(messy, "html_lists", odd=True):
        stored = COLUMNS[cell.object, cell.field](arrived(messy, cell.object, cell.source_id))
        assert "## Agenda" in stored
        assert re.search(r"^- Prices\n\s+- 2024", stored, re.MULTILINE)
        assert re.search(r"^1\. Sign\n2\. Celebrate 🎉", stored, re.MULTILINE)


def test_a_blank_name_gets_a_telling_one(messy: MessyRun) -> None:
    names = [
        arrived(messy, "deal", cell.source_id)["name"]
        for cell in cells(messy, "empty", odd=True)
        if cell.object == "deal"
    ]
    assert names == ["Deal without a name"]


def test_amounts_with_separators_and_without_currency_arrive(messy: MessyRun) -> None:
    for cell in cells(messy, "thousands_separators|currency_missing", odd=True):
        deal = messy.world.deals[cell.source_id]
        amount = arrived(messy, "deal", cell.source_id)["amount"]
        assert deal.amount is not None
        assert amount["amountMicros"] == int(deal.amount * 10**6)
        assert (amount["currencyCode"] or "") == deal.currency


# -- links ------------------------------------------------------------------------------------


def test_a_company_that_only_the_domain_tells_is_found(messy: MessyRun) -> None:
    implied = messy.world.truth.implied_companies
    found = [i for i in implied if messy.outcome("contact", i) == CREATED]
    assert len(found) > 20
    for contact_id in found:
        person = arrived(messy, "contact", contact_id)
        assert person["companyId"] == there(messy, "company", implied[contact_id])


def test_what_names_a_record_that_is_gone_is_held_or_arrives_without_the_link(
    messy: MessyRun,
) -> None:
    missing = messy.world.truth.missing_parents
    assert {link.object for link in missing} == {"contact", "deal", "activity", "note", "file"}
    for link in missing:
        if link.object in ("note", "file"):
            assert messy.outcome(link.object, link.source_id) == ("held", "parent_missing"), link
            continue
        record = arrived(messy, link.object, link.source_id)
        problems = messy.problems(link.object, link.source_id)
        assert "parent_missing" in {problem for _, problem, _ in problems}, link
        column = {"company_id": "companyId", "primary_contact_id": "pointOfContactId"}
        assert record.get(column.get(link.field, "")) is None


def test_what_fits_several_records_is_held_or_told_by_the_api(messy: MessyRun) -> None:
    links = messy.world.truth.ambiguous_links
    assert {link.object for link in links} == {"deal", "activity", "note"}
    for link in links:
        if link.object == "note":
            assert messy.outcome("note", link.source_id) == ("held", "parent_ambiguous"), link
        elif link.object == "deal":
            assert arrived(messy, "deal", link.source_id)["pointOfContactId"] is None
            problem = ("pointOfContactId", "parent_ambiguous", link.named)
            assert problem in messy.problems("deal", link.source_id)
        else:
            [contact] = messy.world.activities[link.source_id].contact_ids
            task = arrived(messy, "activity", link.source_id)
            assert arrived(messy, "contact", contact)["id"] in targets(messy, task)


def test_every_other_link_leads_where_it_should(messy: MessyRun) -> None:
    planted = {(link.object, link.source_id) for link in messy.world.truth.ambiguous_links}
    checked = 0
    rows: dict[str, set[str]] = {}
    for row in messy.content["taskTarget"]:
        ends = {v for k, v in row.items() if k.startswith("target") and v}
        rows.setdefault(row["taskId"], set()).update(ends)
    for activity in messy.world.activities.values():
        task = messy.record("activity", activity.id)
        if ("activity", activity.id) in planted or task is None:
            continue
        named = [("contact", c) for c in activity.contact_ids]
        named += [("company", c) for c in activity.company_ids]
        named += [("deal", activity.deal_id)] if activity.deal_id else []
        alive = [n for n in named if n[1] not in messy.world.ghosts]
        wanted = {there(messy, *name) for name in alive} - {None}
        assert rows.get(task["id"], set()) == wanted, activity.id
        checked += len(wanted)
    assert checked > 5000


# -- owners, tags, stages, files --------------------------------------------------------------


def test_owners_become_members_and_those_without_one_are_told_as_text(messy: MessyRun) -> None:
    emails = {m["id"]: m["userEmail"] for m in messy.content["workspaceMember"]}
    truth = messy.world.truth
    without = 0
    for contact in _standing(messy):
        person = arrived(messy, "contact", contact.id)
        user = messy.world.users.get(contact.owner_id or "")
        if user is None or any(contact.id in g.ids for g in truth.people):
            continue
        assert person["klipyOwner"] == (user.email or user.name)
        if user.id in truth.owners_without_member:
            assert person["ownerId"] is None
            without += 1
        elif user.email:
            assert emails[person["ownerId"]] == user.email
        else:
            assert person["ownerId"] is not None
    assert without > 50


def test_spellings_of_one_tag_are_one_choice(messy: MessyRun) -> None:
    for name, kind in (("person", "contact"), ("opportunity", "deal")):
        options = messy.between.options(name, "klipyTags")
        for twins in messy.world.truth.tag_twins:
            [option] = [o for o in options if words(o["label"]).lower() == words(twins[0]).lower()]
            bearers = [
                r for r in getattr(messy.world, COLLECTIONS[kind]).values()
                if set(r.tags) & set(twins) and messy.outcome(kind, r.id) == CREATED
            ]  # fmt: skip
            assert bearers
            for bearer in bearers:
                assert option["value"] in arrived(messy, kind, bearer.id)["klipyTags"]


def test_every_tag_has_the_outcome_of_its_parent(messy: MessyRun) -> None:
    wanted: Counter[str] = Counter()
    for kind in ("contact", "company", "deal"):
        for record in getattr(messy.world, COLLECTIONS[kind]).values():
            fate = MERGED if there(messy, kind, record.id) else HELD
            wanted[fate] += len(record.tags)
    tags = [entries for (kind, _), entries in messy.entries.items() if kind == "tag"]
    assert Counter(str(e.outcome) for [e] in tags) == wanted


def test_every_tag_arrives_and_every_changed_spelling_is_listed(messy: MessyRun) -> None:
    labels = messy.between.labels("person", "klipyTags")
    changes = messy.run.read("mapping/proposal.json")["changes"]
    ours = (c for c in changes if (c["line"], c["field"]) == ("person", "klipyTags"))
    listed = {(change["from"], change["to"]) for change in ours}
    for contact in _standing(messy):
        stored = {labels[v] for v in arrived(messy, "contact", contact.id)["klipyTags"] or []}
        for tag in contact.tags:
            written = tag.strip()
            assert written in stored or any((written, to) in listed for to in stored), tag


def test_stages_of_an_administrator_become_options(messy: MessyRun) -> None:
    labels = messy.between.labels("opportunity", "stage")
    assert {"Legal Review", "On Hold ⏸", "مراجعة"} <= set(labels.values())
    assert sum(label.strip().lower() == "discovery" for label in labels.values()) == 1
    for deal in messy.world.deals.values():
        if messy.outcome("deal", deal.id) == CREATED:
            stage = labels[arrived(messy, "deal", deal.id)["stage"]]
            assert stage.lower() == deal.stage.strip().lower()


def test_files_that_cannot_move_have_the_right_reason(messy: MessyRun) -> None:
    for source_id, why in messy.world.truth.unmigratable_files.items():
        assert messy.outcome("file", source_id) == ("rejected", FILE_REASONS[why])
    for source_id in messy.world.truth.empty_files:
        assert messy.outcome("file", source_id) == ("rejected", "file_empty")


def test_files_arrive_whole_under_their_names(messy: MessyRun) -> None:
    hashes = {f["id"]: f["size"] for f in messy.content["files"]}
    hostile = {c.source_id for c in cells(messy, "hostile_name", odd=True)}
    seen = set()
    for file in messy.world.files.values():
        if messy.outcome("file", file.id) != CREATED:
            continue
        attachment = arrived(messy, "file", file.id)
        assert hashes[attachment["file"][0]["fileId"]] == file.size
        assert words(attachment["name"]) == words(file.name)
        seen.add(file.id)
    assert len(seen & hostile) >= len(hostile) - 2
