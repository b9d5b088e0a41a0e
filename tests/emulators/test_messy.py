"""The invented customer is the same for a seed, and its truth is true of its data."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

import phonenumbers
import pytest

from airflow_crm_migration.emulators.messy import NOW, World, generate
from airflow_crm_migration.emulators.messy.companies import bare_domain
from airflow_crm_migration.emulators.messy.files import SHARE as FILES
from airflow_crm_migration.emulators.messy.words import NAMES, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

COLLECTIONS = {
    "contact": "contacts",
    "company": "companies",
    "deal": "deals",
    "activity": "activities",
    "note": "notes",
    "file": "files",
}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(7)


def record(world: World, kind: str, source_id: str) -> object:
    return getattr(world, COLLECTIONS[kind])[source_id]


def normal(email: str) -> str:
    return email.strip().lower()


def test_same_seed_same_world():
    assert generate(3, 300) == generate(3, 300)


def test_other_seed_other_world():
    assert generate(3, 300).contacts != generate(4, 300).contacts


@pytest.mark.parametrize("contacts", [100, 2000, 20_000])
def test_size_follows_the_number_of_contacts(contacts):
    world = generate(1, contacts)
    assert len(world.contacts) == contacts
    assert len(world.companies) == round(contacts * 0.3)
    assert len(world.deals) == round(contacts * 0.45)
    assert len(world.activities) == round(contacts * 1.5)
    assert len(world.notes) == round(contacts * 0.75)
    assert len(world.files) == max(40, round(contacts * FILES))


def test_too_small_a_world_is_refused():
    with pytest.raises(ValueError, match="contacts 99: must be at least 100"):
        generate(1, 99)


@pytest.mark.parametrize("seed", range(20))
def test_smallest_world_has_everything_planted(seed):
    truth = generate(seed, 100).truth
    assert {g.kind for g in truth.people} == {
        "same_email",
        "plus_address",
        "secondary_email",
        "nickname",
        "other_address",
    }
    assert {g.kind for g in truth.lookalike_people} == {"equal_name", "shared_mailbox"}
    assert set(truth.unmigratable_files.values()) == {
        "too_large",
        "missing",
        "private_url",
        "outside_folder",
    }
    assert {link.object for link in truth.missing_parents} == set(COLLECTIONS) - {"company"}
    assert {link.object for link in truth.ambiguous_links} == {"deal", "activity", "note"}
    assert {c.object for c in truth.bad_cells} == {"contact", "deal", "activity", "note"}
    assert {c.kind for c in truth.oddities} >= {*WORDS.texts} - {"empty"} | {"long_note"}


def test_groups_of_one_human_do_not_overlap(world):
    members = Counter(i for group in world.truth.same_person for i in group)
    assert set(members.values()) == {1}
    assert set(members) <= set(world.contacts)


def test_equal_addresses_are_one_human_or_a_shared_mailbox(world):
    by_email: dict[str, set[str]] = {}
    for contact in world.contacts.values():
        if "@" in contact.email:
            by_email.setdefault(normal(contact.email), set()).add(contact.id)
    planted = {g.ids for g in world.truth.people if g.kind == "same_email"}
    planted |= set(world.truth.shared_mailboxes.values())
    assert {frozenset(ids) for ids in by_email.values() if len(ids) > 1} <= planted
    assert all(len({normal(world.contacts[i].email) for i in ids}) == 1 for ids in planted)


def test_one_human_of_several_addresses_stays_recognisable(world):
    for group in world.truth.people:
        one, *others = (world.contacts[i] for i in sorted(group.ids))
        if group.kind == "plus_address":
            users = {c.email.partition("@")[0].partition("+")[0] for c in (one, *others)}
            assert len(users) == 1
        if group.kind == "secondary_email":
            assert one.email in others[0].other_emails or others[0].email in one.other_emails
        if group.kind in ("nickname", "other_address"):
            companies = [world.companies[c.company_id or ""] for c in (one, *others)]
            assert len({bare_domain(c) for c in companies}) == 1
            assert {one.last_name} == {c.last_name for c in others}
        if group.kind == "nickname":
            first = {one.first_name, others[0].first_name}
            assert any(first == {*pair} for pair in NAMES.nicknames.items())


def test_lookalikes_are_in_no_group_of_one_human(world):
    same = [set(ids) for ids in world.truth.same_person]
    for group in world.truth.lookalike_people:
        assert all(not {*pair} <= ids for pair in combinations(group.ids, 2) for ids in same)
    for group in world.truth.lookalike_people:
        if group.kind == "equal_name":
            contacts = [world.contacts[i] for i in group.ids]
            assert len({(c.first_name, c.last_name) for c in contacts}) == 1
            assert len({c.company_id for c in contacts}) == len(contacts)


def test_no_two_humans_of_one_company_share_a_name_by_accident(world):
    names: dict[tuple[str, str, str], set[str]] = {}
    human = {i: min(ids) for ids in world.truth.same_person for i in ids}
    root = {i: min(ids) for ids in world.truth.same_company for i in ids}
    for contact in world.contacts.values():
        if contact.company_id and contact.company_id not in world.truth.free_mail_companies:
            company = root.get(contact.company_id, contact.company_id)
            key = company, contact.first_name, contact.last_name
            names.setdefault(key, set()).add(human.get(contact.id, contact.id))
    odd = {c.source_id for c in world.truth.oddities if c.object == "contact"}
    assert all(len(ids - odd) <= 1 for ids in names.values())


def test_companies_of_one_domain_are_one(world):
    by_domain: dict[str, set[str]] = {}
    for company in world.companies.values():
        by_domain.setdefault(bare_domain(company), set()).add(company.id)
    by_domain.pop("")
    shared = {frozenset(ids) for ids in by_domain.values() if len(ids) > 1}
    assert shared == set(world.truth.same_company)
    assert all(len({world.companies[i].domain for i in ids}) > 1 for ids in shared)


def test_every_record_of_a_company_may_have_people_and_deals(world):
    several = {i for ids in world.truth.same_company for i in ids}
    assert several & {c.company_id for c in world.contacts.values()}
    assert several & {d.company_id for d in world.deals.values()}


def test_companies_of_similar_names_have_different_domains(world):
    for group in world.truth.lookalike_companies:
        domains = {bare_domain(world.companies[i]) for i in group.ids}
        assert len(domains) == len(group.ids) == 2


def test_free_mail_companies_have_free_mail_domains(world):
    domains = {world.companies[i].domain for i in world.truth.free_mail_companies}
    assert domains == set(NAMES.free_mail)


def test_phones_are_valid_unless_the_truth_says_otherwise(world):
    spoilt = {c.source_id for c in world.truth.bad_cells if c.field == "phone"}
    for contact in world.contacts.values():
        if contact.phone:
            number = (
                contact.phone.replace("00", "+", 1) if contact.phone[:2] == "00" else contact.phone
            )
            try:
                valid = phonenumbers.is_valid_number(phonenumbers.parse(number, None))
            except phonenumbers.NumberParseException:
                valid = False
            assert valid is (contact.id not in spoilt), contact.phone


def links(world: World) -> Iterator[tuple[str, str, str, str, str | None]]:
    """Yield (kind, id, field, kind of the other record, its id) of every link."""
    for contact in world.contacts.values():
        yield "contact", contact.id, "company_id", "company", contact.company_id
    for deal in world.deals.values():
        yield "deal", deal.id, "company_id", "company", deal.company_id
        for other in (deal.primary_contact_id, *deal.contact_ids):
            yield "deal", deal.id, "primary_contact_id", "contact", other
    for activity in world.activities.values():
        yield "activity", activity.id, "deal_id", "deal", activity.deal_id
        for other in activity.contact_ids:
            yield "activity", activity.id, "contact_ids", "contact", other
    for kind, children in (("note", world.notes), ("file", world.files)):
        for child in children.values():
            yield kind, child.id, "parent", child.parent.kind, child.parent.id


def test_links_lead_somewhere_unless_the_truth_says_otherwise(world):
    dangling = {(m.object, m.source_id, m.field) for m in world.truth.missing_parents}
    found = {
        (kind, source_id, field)
        for kind, source_id, field, other, other_id in links(world)
        if other_id is not None and other_id not in getattr(world, COLLECTIONS[other])
    }
    assert found == dangling


def test_ambiguous_links_fit_several_different_records(world):
    for link in world.truth.ambiguous_links:
        assert len(link.candidates) > 1
        kind = "deal" if link.named not in world.truth.shared_mailboxes else "contact"
        assert {world.natural_name(kind, i) for i in link.candidates} == {link.named}


def test_names_in_notes_are_unambiguous_unless_the_truth_says_otherwise(world):
    ambiguous = {link.source_id for link in world.truth.ambiguous_links}
    names = Counter(d.name for d in world.deals.values())
    for note in world.notes.values():
        if note.parent.kind == "deal" and note.parent.by_name and note.id not in ambiguous:
            assert names[world.named(note.parent)] <= 1


def test_cells_of_the_truth_belong_to_records(world):
    custom = {c.name for c in world.columns}
    for cell in (*world.truth.bad_cells, *world.truth.oddities):
        found = record(world, cell.object, cell.source_id)
        assert cell.field in custom or hasattr(found, cell.field)


def test_deals_are_won_and_lost_with_dates(world):
    closed = [d for d in world.deals.values() if d.outcome]
    assert {d.outcome for d in closed} == {"won", "lost"}
    assert any(d.closed_at for d in closed)
    assert all(d.closed_at is None or d.created_at <= d.closed_at < NOW for d in closed)
    assert {d.currency for d in world.deals.values() if d.amount} >= {*WORDS.currencies, ""}


def test_owners_without_member_own_records(world):
    owners = {r.owner_id for r in (*world.contacts.values(), *world.deals.values())}
    truth = world.truth
    assert truth.owners_without_member <= owners
    assert truth.owners_without_email <= owners
    assert all(ids <= owners and len(ids) == 2 for ids in truth.ambiguous_owner_names.values())


def test_every_unusual_tag_is_used(world):
    tags = {t for r in (*world.contacts.values(), *world.deals.values()) for t in r.tags}
    twins = {t for group in world.truth.tag_twins for t in group}
    assert tags == {*WORDS.tags} | twins


def test_file_contents_are_stable_and_as_long_as_declared(world):
    again = generate(7).files
    for file in world.files.values():
        if world.truth.unmigratable_files.get(file.id) != "too_large":
            assert len(file.content()) == file.size
            assert file.content() == again[file.id].content()
    assert {f.id for f in world.files.values() if not f.size} == world.truth.empty_files


def test_every_custom_column_is_filled(world):
    for column in world.columns:
        records = getattr(world, COLLECTIONS[column.kind]).values()
        assert any(column.name in r.custom for r in records)
    assert {c.type for c in world.columns} == {"text", "number", "date", "picklist", "boolean"}
