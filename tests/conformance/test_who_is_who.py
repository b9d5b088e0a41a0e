"""Who is in the destination already is recognised, and nobody is taken for somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.emulators.messy.world import Company
from tests.support.customer import at
from tests.support.delta import Working, contact, working_customer
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.emulated import Emulated, Record

pytestmark = pytest.mark.migration

PAGE = "https://www.facebook.com/bakery.blum"


def by_hand(between: Emulated, object_name: str, **values: Any) -> Record:
    """Make a record in Twenty as a person would."""
    made: Record = between.control("person-made", body={"object": object_name, "record": values})
    return made


# -- companies without a domain of their own ---------------------------------------------------


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Working]:
    """Move companies whose only address is a page, or a mail provider."""
    world = working_customer(contact("ann", email="ann@linkedin.com"))
    for company in (
        Company("blum", "Bakery Blum", "", at(1), at(1), None, website=PAGE, industry="Food"),
        Company("linked", "LinkedIn-only Ltd", "linkedin.com", at(1), at(1), None),
        Company("mail", "Gmail", "gmail.com", at(1), at(1), None, industry="Mail"),
    ):
        world.companies[company.id] = company
    with emulated(world, tmp_path_factory.mktemp("guests")) as between:
        for host in ("facebook.com", "gmail.com"):
            link = {
                "primaryLinkUrl": f"https://{host}",
                "primaryLinkLabel": "",
                "secondaryLinks": [],
            }
            by_hand(between, "company", name=f"Somebody at {host}", domainName=link)
        working = Working(between)
        working.full()
        yield working


@pytest.mark.parametrize(
    ("company", "industry", "given"),
    [("blum", "Food", "facebook.com/bakery.blum"), ("mail", "Mail", "gmail.com")],
)
def test_a_host_of_many_identifies_no_company(
    guests: Working, company: str, industry: str, given: str
) -> None:
    assert guests.outcome("company", company) == ("created", "new")
    record = guests.record("company", company)
    assert record["domainName"]["primaryLinkUrl"] == ""
    assert record["klipyIndustry"] == industry
    assert given in record["klipyUnusable"]
    [(field, problem, _)] = guests.problems("company", company)
    assert (field, problem) == ("domainName", "unusable_value")


def test_a_page_stays_the_companys_website(guests: Working) -> None:
    assert guests.record("company", "blum")["klipyWebsite"]["primaryLinkUrl"] == PAGE


def test_an_address_at_a_host_of_many_links_to_no_company(guests: Working) -> None:
    assert guests.record("person", "ann")["companyId"] is None


# -- people with several addresses -------------------------------------------------------------


def test_people_who_are_there_already_are_not_doubled(tmp_path: Path) -> None:
    world = working_customer(
        contact("ann", email="ann@home-example.org", other_emails=["ann@acme-example.com"]),
        contact("bob", email="bob@old-example.org"),
    )
    with emulated(world, tmp_path) as between:
        mails = {
            "ann": {"primaryEmail": "ann@acme-example.com"},
            "bob": {
                "primaryEmail": "bob@new-example.org",
                "additionalEmails": ["bob@old-example.org"],
            },
        }
        theirs = {n: by_hand(between, "person", emails=mail)["id"] for n, mail in mails.items()}
        working = Working(between)
        working.full()
        for name, record_id in theirs.items():
            entry = working.entry("person", name)
            assert (entry.outcome, entry.destination_id) == ("linked", record_id)


def test_who_is_made_anew_in_the_source_takes_the_record_over(tmp_path: Path) -> None:
    world = working_customer(contact("ann", title="Clerk"), contact("bob"))
    with emulated(world, tmp_path) as between:
        working = Working(between)
        working.full()
        ours = working.edit("person", "ann", klipySource="By hand")
        people = len(between.records("person"))
        del world.contacts["ann"]
        world.contacts["anew"] = contact("anew", email="ann@ann-example.com", title="Chief")
        for title in ("Chief", "President"):
            world.contacts["anew"].title = title
            working.delta()
            record = working.record("person", "anew")
            assert (record["id"], record["jobTitle"]) == (ours, title)
            assert working.outcome("person", "anew") == ("updated", "source_changed")
            assert record["klipySource"] == "By hand"
        assert working.outcome("person", "ann") == ("merged", "taken_over")
        assert len(between.records("person")) == people
