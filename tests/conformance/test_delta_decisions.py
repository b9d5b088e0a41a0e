"""What people decide between two runs: other duplicates, another mapping, another policy."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.staging import read_manifest
from tests.support.delta import Working, contact, deal, working_customer
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_crm_migration.emulators.messy.world import Contact
    from tests.support.emulated import Record

pytestmark = pytest.mark.migration

SHEET = "review/duplicates/contact.csv"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Working]]:
    """Return what moves a customer for the first time."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def begin(*contacts: Contact, deals: Any = (), **engagement: Any) -> Working:
            world = working_customer(*contacts, deals=deals)
            between = stack.enter_context(emulated(world, tmp_path, **engagement))
            working = Working(between)
            working.full()
            return working

        yield begin


# -- duplicates --------------------------------------------------------------------------------


def namesake(name: str, **values: Any) -> Contact:
    """Return one of several contacts who share name and telephone."""
    made = contact(name, phone="+1 212 555 0147", company_name="Alpha Inc", **values)
    made.first_name, made.last_name = "Robert", "Halloway"
    return made


def decide(working: Working, decision: str) -> None:
    """Fill the review sheet in as a person would."""
    staging = working.between.migration.staging
    rows = list(
        csv.DictReader(io.StringIO(staging.read_bytes(SHEET).decode("utf-8-sig"), newline=""))
    )
    for row in rows:
        row[next(name for name in row if name.casefold() == "decision")] = decision
    text = io.StringIO(newline="")
    sheet = csv.DictWriter(text, list(rows[0]))
    sheet.writeheader()
    sheet.writerows(rows)
    staging.write_bytes(SHEET, text.getvalue().encode())


def test_two_records_become_one_between_two_runs(start: Callable[..., Working]) -> None:
    """One of them arrived, the other one waited: it becomes part of the one that is there."""
    working = start(namesake("rob1"), namesake("rob2", linkedin="https://linkedin.com/in/rob"))
    there, waits = arrived_and_not(working, "rob1", "rob2")
    record = working.record("person", there)
    decide(working, "merge")
    working.full()
    assert working.outcome("person", waits)[0] == "merged"
    assert not working.has("person", waits)
    after = working.record("person", there)
    assert after["id"] == record["id"]
    addresses = {after["emails"]["primaryEmail"], *after["emails"]["additionalEmails"]}
    assert addresses == {f"{n}@{n}-example.com" for n in ("rob1", "rob2")}
    assert after["emails"]["primaryEmail"] == record["emails"]["primaryEmail"]


def arrived_and_not(working: Working, *names: str) -> list[str]:
    return sorted(names, key=lambda name: not working.has("person", name))


def test_what_is_there_survives_a_richer_newcomer(start: Callable[..., Working]) -> None:
    working = start(contact("p90", email="ann@alpha-example.com"))
    record = working.record("person", "p90")
    rich = contact(
        "p10", email="ann@alpha-example.com", phone="+44 20 7946 0021", company_id="c1",
        linkedin="https://linkedin.com/in/ann", tags=["VIP"], title="Head of everything",
    )  # fmt: skip
    rich.first_name, rich.last_name = "P90", "of p90"
    working.between.world.contacts["p10"] = rich
    working.delta()
    assert working.outcome("person", "p10") == ("merged", "duplicate_certain")
    after = working.record("person", "p90")
    assert after["id"] == record["id"]
    assert after["phones"]["primaryPhoneNumber"] == "2079460021"
    assert working.tags("person", "p90") == {"VIP"}
    working.delta()
    assert working.writes == {}


def test_two_that_are_there_are_told_and_not_merged(start: Callable[..., Working]) -> None:
    working = start(contact("ann", email="ann@alpha-example.com"), contact("anna"))
    ids = {name: working.record("person", name)["id"] for name in ("ann", "anna")}
    people = working.between.world.contacts
    people["anna"].other_emails = ["ann@alpha-example.com"]
    for one in (people["ann"], people["anna"]):
        one.first_name, one.last_name = "Ann", "Able"
    people["anna"].title = "Chief"
    run = working.delta()
    assert {name: working.record("person", name)["id"] for name in ids} == ids
    assert working.record("person", "anna")["jobTitle"] == "Chief"
    arrived = run.read("dedupe/decided.json")["contact"]["arrived"]
    assert set(arrived) | set(arrived.values()) == {"ann", "anna"}


# -- the mapping -------------------------------------------------------------------------------


def change(working: Working, line_id: str, make: Callable[[Record], Record]) -> None:
    """Change a line of the pair; the next full run has it signed."""
    migration = working.between.migration
    lines = tuple(
        type(line).model_validate(make(line.model_dump(by_alias=True)))
        if line.id == line_id
        else line
        for line in migration.pair.lines
    )
    migration.pair = migration.pair.model_copy(update={"lines": lines})


def test_a_field_that_is_mapped_anew_is_filled_on_records_that_stand(
    start: Callable[..., Working],
) -> None:
    working = start(contact("plain"), contact("edited"))
    field = {
        "to": "nickname",
        "from": "first_name",
        "create": {"type": "text", "label": "Nickname"},
    }
    change(working, "person", lambda line: {**line, "fields": [*line["fields"], field]})
    working.full()
    assert working.record("person", "plain")["nickname"] == "Plain"
    assert working.outcome("person", "plain") == ("updated", "source_changed")
    working.full()
    assert working.writes == {}


def test_a_field_that_people_filled_before_it_was_mapped_is_theirs(
    start: Callable[..., Working],
) -> None:
    def without(name: str) -> Callable[[Record], Record]:
        return lambda line: {**line, "fields": [f for f in line["fields"] if f["to"] != name]}

    working = start(contact("plain"), contact("edited"))
    pair = working.between.migration.pair
    change(working, "person", without("jobTitle"))
    working.edit("person", "edited", jobTitle="Set by hand")
    working.between.world.contacts["plain"].title = "Chief"
    working.full()
    assert working.record("person", "plain")["jobTitle"] == "Clerk", "a removed field is left alone"
    assert working.outcome("person", "plain") == ("created", "new")
    working.between.migration.pair = pair
    working.between.world.contacts["edited"].title = "Chief"
    working.full()
    assert working.record("person", "plain")["jobTitle"] == "Chief"
    assert working.record("person", "edited")["jobTitle"] == "Set by hand"
    assert working.outcome("person", "edited") == ("conflict", "changed_in_both")


def test_a_changed_value_map_updates(start: Callable[..., Working]) -> None:
    working = start(deals=(deal("one", "Discovery"), deal("two", "Discovery")))
    stage = working.record("opportunity", "two")["stage"]
    working.edit("opportunity", "two", stage=working.option("opportunity", "stage", "Proposal"))
    working.between.migration.value_maps = {"opportunity.stage": {"Discovery": "First talk"}}
    working.full()
    labels = working.between.labels("opportunity", "stage")
    assert labels[working.record("opportunity", "one")["stage"]] == "First talk"
    assert labels[working.record("opportunity", "two")["stage"]] == "Proposal"
    [row] = working.conflicts("opportunity")["two"]
    assert (row["field"], row["before"]) == ("stage", stage)


def test_what_was_not_signed_arrives_with_the_next_signature(start: Callable[..., Working]) -> None:
    working = start(contact("tagged", tags=["VIP"]))
    working.between.world.contacts["tagged"].tags = ["VIP", "Came later"]
    working.between.world.deals["new"] = deal("new", "Came later")
    working.delta()
    assert working.tags("person", "tagged") == {"VIP"}
    assert not working.has("opportunity", "new")
    working.export()
    working.full()
    assert working.tags("person", "tagged") == {"VIP", "Came later"}
    found = working.record("opportunity", "new")["stage"]
    assert working.between.labels("opportunity", "stage")[found] == "Came later"


# -- policies and forms ------------------------------------------------------------------------


@pytest.mark.parametrize("api", [True, False])
def test_the_source_may_have_its_way(start: Callable[..., Working], api: bool) -> None:
    """By API with files, and by files alone."""
    working = start(contact("disputed"), api=api)
    working.edit("person", "disputed", jobTitle="Set by hand")
    working.between.world.contacts["disputed"].title = "Chief"
    working.delta(conflicts="source")
    assert working.record("person", "disputed")["jobTitle"] == "Chief"
    assert working.outcome("person", "disputed") == ("updated", "changed_in_both")
    [row] = working.conflicts("person")["disputed"]
    assert (row["destination"], row["kept"]) == ("Set by hand", "source")
    working.delta(conflicts="source")
    assert working.writes == {}


def test_a_dry_delta_predicts_the_one_that_follows(start: Callable[..., Working]) -> None:
    working = start(contact("disputed"), contact("updated"), contact("one"), contact("other"))
    working.edit("person", "disputed", jobTitle="Set by hand")
    people = working.between.world.contacts
    people["disputed"].title = people["updated"].title = "Chief"
    people["one"].email, people["other"].email = people["other"].email, people["one"].email
    before = working.between.content()
    dry = working.delta(dry_run=True)
    assert (working.between.content(), working.writes) == (before, {})
    staging, real = working.between.migration.staging, working.delta()
    predicted, done = (read_manifest(staging, run.name("load/person")) for run in (dry, real))
    assert predicted is not None
    assert done is not None
    assert predicted["outcomes"] == done["outcomes"]
    assert working.conflicts("person", 1) == working.conflicts("person", 2)
