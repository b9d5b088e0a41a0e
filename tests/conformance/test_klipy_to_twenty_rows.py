"""Klipy to Twenty, row by row of the object table: loaded over HTTP, read back from Twenty.

Every fact that is compared here is written by hand or comes from the customer's world; nothing of
the package but the migration itself takes part.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec, Option
from airflow_crm_migration.core.gates import Gate, read_proposal
from tests.support.customer import ACTIVITIES, FILE_ALONE, add_activities, at, customer
from tests.support.emulated import Emulated, emulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_crm_migration.core.run import Run
    from tests.support.emulated import Record

pytestmark = pytest.mark.migration

OWN_LIST = [
    {"object": kind, "header": "Member No", "label": "Membership number"}
    for kind in ("contact", "deal")
] + [{"object": "contact", "header": "T-Shirt", "type": "select"}]
MARKDOWN = "Hello [there](https://offers.example/a?b=1)\n\n- one"


class Moved:
    """What stands in Twenty after a run, by source id."""

    def __init__(self, between: Emulated, stages: dict[str, str]) -> None:
        self.between = between
        self.stages_before = stages
        self.run: Run = between.migration.full()
        self.companies = between.arrived("company")
        self.people = between.arrived("person")
        self.deals = between.arrived("opportunity")
        self.tasks = between.arrived("task", "activity")
        self.members = between.members()

    def notes(self, kind: str) -> dict[str, Record]:
        """Return the notes and drafts that became records of a kind."""
        return self.between.arrived(kind, f"note_as_{kind}")

    def targets(self, record: Record, kind: str = "task") -> set[str]:
        """Return the ids of the records that a task or a note is about."""
        names = ("targetPersonId", "targetCompanyId", "targetOpportunityId")
        rows = self.between.records(f"{kind}Target")
        mine = [row for row in rows if row[f"{kind}Id"] == record["id"]]
        assert all(sum(row[name] is not None for name in names) == 1 for row in mine)
        found = [row[name] for row in mine for name in names if row[name]]
        assert len(found) == len(set(found))
        return set(found)

    def tags(self, object_name: str, record: Record) -> set[str]:
        labels = self.between.labels(object_name, "klipyTags")
        return {labels[value] for value in record["klipyTags"] or []}

    def outcome(self, source_object: str, source_id: str) -> tuple[str, str]:
        """Return outcome and reason of a record, other than that another line took it."""
        [entry] = (
            e
            for e in self.between.entries(self.run)
            if e.key[1:3] == (source_object, source_id) and e.outcome != "excluded"
        )
        return str(entry.outcome), entry.last["reason"]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Move the customer with everything left to its default."""
    folder = tmp_path_factory.mktemp("rows")
    csv = {"custom_fields": OWN_LIST}
    with emulated(customer(), folder, csv=csv, demo_records=True) as between:
        add_activities(folder / "inbox")
        stages = {o["label"]: o["id"] for o in between.options("opportunity", "stage")}
        yield Moved(between, stages)


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Move the customer with every choice made the other way."""
    choices = {
        "company_from_domain": True,
        "manual_notes": "note",
        "ai_drafts": "note",
        "own_stages": "keep",
    }
    values = {
        "opportunity.stage": {"legal  REVIEW": "Negotiation", "Prospecting": "Screening"},
        "opportunity.tShirt": {"s": "Small"},
        "person.klipySource": {"gmail": "Google Mail"},
    }
    csv = {"custom_fields": [*OWN_LIST, {"object": "deal", "header": "T-Shirt", "type": "select"}]}
    folder = tmp_path_factory.mktemp("chosen")
    with emulated(customer(), folder, csv=csv, choices=choices, value_maps=values) as between:
        yield Moved(between, {})


def times(record: Record) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(record[name]) for name in ("createdAt", "updatedAt"))


def link(value: Any) -> str:
    return str(value["primaryLinkUrl"])


# -- Contact -> People -----------------------------------------------------------------------


def test_a_contact_arrives_with_all_fields_links_and_times(moved: Moved) -> None:
    person = moved.people["p1"]
    assert person["name"] == {"firstName": "Grace", "lastName": "O'Brien"}
    assert person["emails"] == {
        "primaryEmail": "grace.obrien@brightwell-example.com",
        "additionalEmails": ["grace@home.example.org"],
    }
    assert person["phones"] == {
        "primaryPhoneNumber": "2079460018",
        "primaryPhoneCountryCode": "GB",
        "primaryPhoneCallingCode": "+44",
        "additionalPhones": [],
    }
    assert link(person["linkedinLink"]) == "https://www.linkedin.com/in/Grace-OBrien"
    assert person["jobTitle"] == "Head of Sales"
    address = person["klipyAddress"]
    assert address["addressCity"] == "Leeds"
    assert address["addressState"] == "West Yorkshire"
    assert address["addressCountry"] == "United Kingdom"
    assert person["klipyCompanyName"] == "Brightwell"
    company = [person[f"klipyCompany{name}"] for name in ("Industry", "Size", "Revenue")]
    assert company == ["Health care", "11-50", 1_250_000]
    assert person["klipyRelationship"] == "Strong"
    assert person["klipySource"] == "GMAIL"
    assert person["klipyNotes"]["markdown"] == "Likes **tea**"
    assert datetime.fromisoformat(person["klipyLastContacted"]) == at(19)
    assert person["companyId"] == moved.companies["c1"]["id"]
    assert person["ownerId"] == moved.members["dana@vendor-example.com"]
    assert person["createdBy"]["name"] == "dana@vendor-example.com"
    assert person["createdBy"]["source"] == "IMPORT"
    assert person["klipyUnusable"] == ""


def test_people_keep_their_times_and_the_newest_stands_first(moved: Moved) -> None:
    # The oldest creation of the two records that are one person counts.
    assert times(moved.people["p1"]) == (at(2), at(20, 17, 45))
    assert times(moved.people["p5"]) == (at(6), at(7))
    order = sorted(moved.people, key=lambda p: moved.people[p]["position"])
    assert order[-2:] == ["p3", "p1"]


def test_an_owner_known_by_name_alone_becomes_a_member(moved: Moved) -> None:
    noor = moved.members["noor.haddad@vendor-example.com"]
    assert moved.people["p3"]["ownerId"] == noor
    assert moved.deals["d2"]["ownerId"] == noor
    assert moved.people["p4"]["ownerId"] is None


def test_a_national_number_is_of_the_country_beside_it(moved: Moved) -> None:
    phones = moved.people["p5"]["phones"]
    assert phones["primaryPhoneCallingCode"] == "+49"
    assert phones["primaryPhoneNumber"] == "3023125678"


def test_a_certain_duplicate_is_flagged_and_becomes_part_of_the_survivor(moved: Moved) -> None:
    assert moved.outcome("contact", "p2") == ("merged", "duplicate_certain")
    sheet = moved.between.migration.staging.read_bytes("review/duplicates/contact.csv")
    assert b"p1" in sheet
    assert b"p2" in sheet
    addresses = [p["emails"]["primaryEmail"] for p in moved.people.values()]
    assert addresses.count("grace.obrien@brightwell-example.com") == 1


# -- Company -> Company ----------------------------------------------------------------------


def test_a_company_arrives_with_all_fields_links_and_times(moved: Moved) -> None:
    company = moved.companies["c1"]
    # Klipy took the name from an address; so many spellings, one name and one domain.
    assert company["name"] == "brightwell-example.com"
    assert company["domainName"]["primaryLinkUrl"] == "https://brightwell-example.com"
    assert link(company["linkedinLink"]) == "https://www.linkedin.com/company/brightwell"
    assert link(company["klipyWebsite"]) == "https://www.brightwell-example.com"
    assert company["address"]["addressCity"] == "Leeds"
    assert company["address"]["addressState"] == "West Yorkshire"
    assert company["address"]["addressCountry"] == "GB"
    assert company["klipyIndustry"] == "Health care"
    assert company["klipySize"] == "11-50"
    assert company["klipyRevenue"] == 1_250_000
    assert company["accountOwnerId"] == moved.members["dana@vendor-example.com"]
    assert company["createdBy"]["name"] == "dana@vendor-example.com"
    assert times(company) == (at(1), at(2))
    assert moved.tags("company", company) == {"Partner"}
    assert moved.companies["c2"]["name"] == "Kestrel Optics"


def test_companies_are_loaded_before_people(moved: Moved) -> None:
    phases = moved.between.migration.phases(moved.run)
    assert phases.index("company") < phases.index("person") < phases.index("opportunity")
    assert phases.index("opportunity") < phases.index("task") < phases.index("attachment")


def test_no_company_is_made_of_a_domain_unless_asked(moved: Moved) -> None:
    assert set(moved.companies) == {"c1", "c2"}
    assert moved.people["p3"]["companyId"] is None
    left_out = [i for i in moved.between.issues(moved.run) if i["field"] == "companyId"]
    assert [(i["key"][2], i["detail"]) for i in left_out] == [("p5", "Falkner GmbH")]


def test_companies_are_made_of_domains_on_request(chosen: Moved) -> None:
    made = chosen.between.arrived("company", "company_of_domain")
    assert {c["name"]: link(c["domainName"]) for c in made.values()} == {
        "lumen-example.com": "https://lumen-example.com",
        "Falkner GmbH": "https://falkner-example.de",
    }
    assert chosen.people["p3"]["companyId"] == made["p3"]["id"]
    assert chosen.people["p5"]["companyId"] == made["p5"]["id"]
    assert chosen.people["p1"]["companyId"] == chosen.companies["c1"]["id"]
    assert chosen.people["p4"]["companyId"] is None  # a free-mail address tells no company


# -- Deal -> Opportunity ---------------------------------------------------------------------


def test_a_deal_arrives_with_all_fields_links_and_times(moved: Moved) -> None:
    deal = moved.deals["d1"]
    assert deal["name"] == "Brightwell renewal"
    assert deal["amount"] == {"amountMicros": 12_345_670_000, "currencyCode": "GBP"}
    assert moved.between.labels("opportunity", "stage")[deal["stage"]] == "Closed Won"
    assert datetime.fromisoformat(deal["closeDate"]) == at(18, 16, 0)
    assert deal["klipyExpectedClose"] == "2021-04-01"
    assert deal["klipyNextStep"] == "Send invoice"
    assert deal["klipyPrivate"] is True
    contacts = deal["klipyContacts"].lower()
    assert "sam@lumen-example.com" in contacts
    assert contacts.count("grace.obrien@brightwell-example.com") == 1
    assert "brightwell-example.com" in deal["klipyCompanyName"].lower()
    assert deal["companyId"] == moved.companies["c1"]["id"]
    assert deal["pointOfContactId"] == moved.people["p1"]["id"]
    assert deal["ownerId"] == moved.members["dana@vendor-example.com"]
    assert deal["createdBy"]["name"] == "Dana Weber"
    assert times(deal) == (at(7, 10, 0), at(21, 11, 0))


def test_the_dates_on_which_deals_were_won_or_lost_are_kept(moved: Moved) -> None:
    won, lost, opened = (moved.deals[d] for d in ("d1", "d2", "d3"))
    assert datetime.fromisoformat(won["klipyWonAt"]) == at(18, 16, 0)
    assert won["klipyLostAt"] is None
    assert datetime.fromisoformat(lost["klipyLostAt"]) == at(9)
    assert lost["klipyWonAt"] is None
    assert (opened["klipyWonAt"], opened["klipyLostAt"]) == (None, None)
    assert datetime.fromisoformat(opened["closeDate"]).date().isoformat() == "2021-09-30"
    assert opened["amount"] == {"amountMicros": 0, "currencyCode": "EUR"}


# -- Pipeline -> stage options and a field ---------------------------------------------------


def test_the_stages_stand_in_the_order_of_the_source(moved: Moved) -> None:
    labels = [o["label"] for o in moved.between.options("opportunity", "stage")]
    known = ["Prospecting", "Discovery", "Proposal", "Negotiation", "Closed Won", "Closed Lost"]
    ours = [*known, "Legal Review"]
    assert [label for label in labels if label in ours] == ours


def test_the_options_that_were_there_keep_their_ids_and_their_records(moved: Moved) -> None:
    after = {o["label"]: o["id"] for o in moved.between.options("opportunity", "stage")}
    assert moved.stages_before
    assert moved.stages_before.items() <= after.items()
    assert {"NEW", "SCREENING"} <= {d["stage"] for d in moved.between.records("opportunity")}


def test_the_pipeline_is_a_field_of_the_opportunity(moved: Moved) -> None:
    assert moved.deals["d1"]["klipyPipeline"] == "Partnerships"
    assert moved.deals["d2"]["klipyPipeline"] == "Sales Pipeline"


def test_stages_collapse_as_the_customer_says(chosen: Moved) -> None:
    labels = chosen.between.labels("opportunity", "stage")
    stage = {source_id: labels[deal["stage"]] for source_id, deal in chosen.deals.items()}
    assert (stage["d3"], stage["d4"]) == ("Negotiation", "Negotiation")
    assert stage["d5"] == "Screening"
    assert not {"Legal Review", "Prospecting"} & set(labels.values())


def test_values_of_any_field_can_be_mapped_whatever_their_spelling(chosen: Moved) -> None:
    assert chosen.people["p1"]["klipySource"] == "Google Mail"
    labels = chosen.between.labels("opportunity", "tShirt")
    assert labels[chosen.deals["d1"]["tShirt"]] == "Small"
    assert labels[chosen.deals["d2"]["tShirt"]] == "M"


# -- Activity -> Task ------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "kind"), [(n, a) for n, a in enumerate(ACTIVITIES, start=1)])
def test_an_activity_of_every_kind_becomes_a_task(
    moved: Moved, number: int, kind: tuple[str, str]
) -> None:
    task = moved.tasks[f"a{number}"]
    activity = moved.between.world.activities[f"a{number}"]
    assert moved.between.labels("task", "klipyType")[task["klipyType"]] == kind[0].upper()
    assert task["klipyDirection"] == kind[1].upper()
    assert task["klipyChannel"] == {
        "email": "EMAIL",
        "call": "PHONE",
        "meeting": "CALENDAR",
        "booking_created": "CALENDAR",
        "memo": "MANUAL",
        "voice_note": "MANUAL",
    }.get(kind[0], kind[0].upper())
    assert task["title"] == f"About a {kind[0]}"
    assert task["bodyV2"]["markdown"].strip() == MARKDOWN
    assert task["status"] == "DONE"
    assert task["klipySentiment"] == "POSITIVE"
    assert datetime.fromisoformat(task["dueAt"]) == activity.at
    assert times(task) == (activity.at, activity.at)
    assert task["createdBy"]["name"] == "dana@vendor-example.com"
    assert task["assigneeId"] == moved.members["dana@vendor-example.com"]
    people = {moved.people[p]["id"] for p in ("p1", "p3")}
    others = {moved.companies["c1"]["id"], moved.deals["d1"]["id"]}
    assert moved.targets(task) == people | others
    assert "brightwell-example.com" in task["klipyCompanies"].lower()
    assert datetime.fromisoformat(task["klipyCaptured"]) == at(13)


def test_types_that_only_the_file_has_arrive_too(moved: Moved) -> None:
    labels = moved.between.labels("task", "klipyType")
    ids = [f"a{number}" for number in range(len(ACTIVITIES) + 1, len(ACTIVITIES) + 4)]
    assert tuple(labels[moved.tasks[i]["klipyType"]] for i in ids) == FILE_ALONE
    assert {moved.tasks[i]["klipyDirection"] for i in ids} == {"EVENT"}


def test_a_call_keeps_its_duration_and_its_outcome(moved: Moved) -> None:
    assert moved.tasks["a2"]["klipyDuration"] == 754
    assert moved.tasks["a2"]["klipyDisposition"] == "Connected"
    assert moved.tasks["a1"]["klipyDuration"] is None


def test_tasks_stand_in_the_order_of_their_original_times(moved: Moved) -> None:
    newest_first = sorted(moved.tasks, key=lambda a: moved.tasks[a]["position"])
    assert newest_first[: len(ACTIVITIES)] == [f"a{n}" for n in range(len(ACTIVITIES), 0, -1)]


# -- Note -> task or note --------------------------------------------------------------------

PARENTS = {"n1": ("person", "p1"), "n2": ("person", "p3"), "n3": ("company", "c1")}
PARENTS |= {"n4": ("opportunity", "d1"), "n5": ("opportunity", "d2")}


def check_note(moved: Moved, kind: str, source_id: str, record: Record) -> None:
    draft = source_id == "n5"
    assert record["title"] == ("Dear Sam," if draft else f"Manual {source_id}")
    body = "Dear Sam,\n\nshall we?" if draft else f"Manual {source_id}\n\nSecond paragraph"
    assert record["bodyV2"]["markdown"].strip() == body
    assert times(record)[0] == (at(15) if draft else at(14))
    assert record["klipyNoteKind"] == ("ai_draft" if draft else "manual")
    assert record["klipyChannel"] == ("whatsapp" if draft else "")
    assert record["klipyDraftStatus"] == ("discarded" if draft else "")
    author = "Noor Haddad" if draft else "dana@vendor-example.com"
    assert record["createdBy"]["name"] == author
    parent, parent_id = PARENTS[source_id]
    by_kind = {"person": moved.people, "company": moved.companies, "opportunity": moved.deals}
    assert moved.targets(record, kind) == {by_kind[parent][parent_id]["id"]}


def test_notes_become_tasks_and_keep_text_time_links_and_draft_status(moved: Moved) -> None:
    notes = moved.notes("task")
    assert set(notes) == set(PARENTS)
    for source_id, record in notes.items():
        check_note(moved, "task", source_id, record)
        author = "noor.haddad" if source_id == "n5" else "dana"
        assert record["assigneeId"] == moved.members[f"{author}@vendor-example.com"]
        assert record["status"] == "DONE"


def test_notes_become_notes_by_choice(chosen: Moved) -> None:
    notes = chosen.notes("note")
    assert set(notes) == set(PARENTS)
    for source_id, record in notes.items():
        check_note(chosen, "note", source_id, record)
    assert not chosen.notes("task")


# -- Tag -> tags field -----------------------------------------------------------------------


def test_tags_arrive_on_people_companies_and_opportunities(moved: Moved) -> None:
    assert moved.tags("person", moved.people["p1"]) == {"VIP", "Berlin / DE", "顧客"}
    assert moved.tags("person", moved.people["p3"]) == {"VIP"}  # written " vip" in the source
    assert moved.tags("opportunity", moved.deals["d1"]) == {"vip", "50% off"}
    assert moved.tags("company", moved.companies["c1"]) == {"Partner"}
    tag = "parent_type+parent_id+tag:contact|p1|berlin, de"
    assert moved.outcome("tag", tag) == ("merged", "folded")


def test_every_change_to_a_tags_spelling_is_listed(moved: Moved) -> None:
    changes = moved.run.read("mapping/proposal.json")["changes"]
    listed = {(c["line"], c["from"], c["to"]) for c in changes if c["field"] == "klipyTags"}
    assert listed == {("person", "Berlin, DE", "Berlin / DE"), ("person", "vip", "VIP")}


def test_what_no_rule_takes_is_shown_before_it_is_signed(moved: Moved) -> None:
    proposal = read_proposal(moved.run.staging, Gate("acme", "mapping", "sandbox"))
    assert proposal is not None
    assert proposal.evidence["left_behind"] == {"attachment": ["content_type"]}


# -- Custom Field -> Custom Field ------------------------------------------------------------


def test_custom_fields_have_the_detected_type_or_that_of_the_customers_list(moved: Moved) -> None:
    objects = moved.between.ask("metadata/objects")["data"]
    for name, shirt in (("person", "SELECT"), ("opportunity", "TEXT")):
        [owner] = [o for o in objects if o["nameSingular"] == name]
        types = {f["name"]: f["type"] for f in owner["fields"]}
        labels = {f["name"]: f["label"] for f in owner["fields"]}
        assert types["hobby"] == "TEXT"
        assert types["score"] == "NUMBER"
        assert types["birthday"] == "DATE"
        assert types["tShirt"] == shirt
        assert types["optedIn"] == "BOOLEAN"
        assert types["membershipNumber"] == "TEXT"
        assert labels["membershipNumber"] == "Membership number"
        assert labels["tShirt"] == "T-Shirt"


def test_custom_fields_arrive_on_people_and_opportunities(moved: Moved) -> None:
    names = ("hobby", "score", "birthday", "optedIn", "membershipNumber")
    person, other, deal = moved.people["p1"], moved.people["p3"], moved.deals["d1"]
    assert [person[n] for n in names] == ["Sailing", 12.5, "1980-02-29", True, "007"]
    assert [other[n] for n in names] == ["Chess", -3, "1990-11-05", False, "042"]
    assert [deal[n] for n in names] == ["Golf", 0.5, "2024-12-31", False, "009"]
    assert moved.between.labels("person", "tShirt")[person["tShirt"]] == "M"
    assert deal["tShirt"] == "S"


# -- Attachment -> Attachment ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("source_id", "column", "parent"),
    [
        ("f1", "targetOpportunityId", ("deals", "d1")),
        ("f2", "targetTaskId", ("tasks", "a3")),
        ("f3", "targetPersonId", ("people", "p1")),
    ],
)
def test_a_file_arrives_on_its_record_with_every_byte(
    moved: Moved, source_id: str, column: str, parent: tuple[str, str]
) -> None:
    file = moved.between.world.files[source_id]
    parent_id = getattr(moved, parent[0])[parent[1]]["id"]
    [attachment] = [a for a in moved.between.records("attachment") if a[column] == parent_id]
    assert attachment["name"] == file.name
    assert attachment["fileCategory"] == "TEXT_DOCUMENT"
    assert times(attachment)[0] == at(16)
    [stored] = attachment["file"]
    content = moved.between.download(stored["url"])
    assert content == file.content()


@pytest.mark.parametrize(("source_id", "reason"), [("f4", "file_empty"), ("f5", "file_too_large")])
def test_a_file_that_cannot_move_is_flagged(moved: Moved, source_id: str, reason: str) -> None:
    assert moved.outcome("attachment", source_id) == ("rejected", reason)


# -- Pipeline Stage Configuration ------------------------------------------------------------


def test_stage_configuration_is_made_before_the_first_opportunity_and_listed(moved: Moved) -> None:
    rows = moved.between.migration.mapping(moved.run).rows
    [row] = [row for row in rows if row.source == "Pipeline Stage Configuration"]
    assert row.compatibility == "document"
    assert row.by == ("opportunity.stage",)
    listed = {
        o["label"]
        for line in moved.run.read("mapping/proposal.json")["mapping"]["lines"]
        for rule in line["fields"]
        if (line["id"], rule["to"]) == ("opportunity", "stage")
        for o in rule["options"]
    }
    assert {"Prospecting", "Closed Won", "Legal Review"} <= listed
    assert stage_changes(moved)["add_options"]


def stage_changes(moved: Moved) -> dict[str, set[str]]:
    changes = moved.run.read("schema/changes.json")
    return {
        c["action"]: set(c["detail"].split(", "))
        for c in changes
        if (c["object"], c["field"]) == ("opportunity", "stage")
    }


def test_own_stages_that_somebody_is_in_stay_and_are_listed(moved: Moved) -> None:
    assert "NEW" in stage_changes(moved)["keep_options"]
    values = {o["value"] for o in moved.between.options("opportunity", "stage")}
    assert stage_changes(moved)["keep_options"] <= values


def test_own_stages_that_nobody_is_in_go_unless_the_customer_keeps_them(
    chosen: Moved, tmp_path: Path
) -> None:
    own = {"NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"}
    kept = {o["value"] for o in chosen.between.options("opportunity", "stage")}
    assert own <= kept
    with emulated(customer(), tmp_path) as between:
        made = Moved(between, {})
        unused = own - {"PROPOSAL"}  # a stage of the customer's is called like it
        assert stage_changes(made)["retire_options"] == unused
        left = [o["value"] for o in between.options("opportunity", "stage")]
        assert left[:3] == ["PROSPECTING", "DISCOVERY", "PROPOSAL"]
        assert not unused & set(left)
        # What people make again later is theirs.
        hook = between.migration.hook()
        again = FieldSpec("stage", FieldType.SELECT, options=(Option("NEW", "New"),))
        hook.ensure_schema([ObjectSpec("opportunity", "", {"stage": again})], dry_run=False)
        between.migration.full()
        assert "NEW" in {o["value"] for o in between.options("opportunity", "stage")}


# -- all of it -------------------------------------------------------------------------------


def test_every_row_of_the_object_table_is_in_what_the_customer_signs(moved: Moved) -> None:
    rows = moved.between.migration.mapping(moved.run).rows
    moving = [row for row in rows if not row.compatibility.startswith("not_")]
    assert [row.source for row in moving] == [
        "Contact",
        "Company",
        "Deal",
        "Pipeline",
        "Activity (emails, calls, meetings, messages)",
        "Note (including AI follow-up drafts)",
        "Tag",
        "Custom Field (Contacts and Deals)",
        "Attachment",
        "Pipeline Stage Configuration",
    ]
    assert all(row.by for row in moving)


def test_nobody_was_notified_and_klipy_was_only_read(moved: Moved) -> None:
    assert moved.between.control("notifications")["count"] == 0
    assert moved.between.control("notifications", of="klipy")["count"] == 0
