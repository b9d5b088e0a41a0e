"""Records that were there before us: used, filled, written over or left, as the mapping says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, company, person
from tests.support.rolling_back import RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.protocols import Stored

ANN = "ann@x.example"
INFO = "info@x.example"


def mail(address: str) -> dict[str, Any]:
    return {"primaryEmail": address, "additionalEmails": []}


def by_hand(loading: Loading, address: str = ANN, **values: Any) -> str:
    record = loading.made_by_hand("person", emails=mail(address), **values)
    return str(record["id"])


def ann(**values: Any) -> dict[str, Any]:
    return person("a", emails=[ANN], jobTitle="Boss", city="Ulm", **values)


def outcomes(facts: dict[str, Any]) -> dict[str, Any]:
    return dict(facts["outcomes"]["person"])


def one(loading: Loading) -> dict[str, Any]:
    [record] = loading.records("person")
    return record


LINKED = {"linked": {"existing_record": 1}}
FILLED = {"updated": {"existing_record": 1}}


def test_link_uses_the_record_and_changes_nothing(make_loading: Callable[..., Loading]) -> None:
    loading = make_loading("link")
    theirs = by_hand(loading, jobTitle="Chief")
    before = one(loading)
    assert outcomes(loading.load("person", [ann()])) == LINKED
    assert one(loading) == before
    assert loading.entry("person", "a").destination_id == theirs
    assert loading.reconcile("person")["existing_expected"] == 1
    assert outcomes(loading.load("person", [ann(name={"first": "A", "last": "B"})], run="run-2"))
    assert one(loading) == before


@pytest.mark.parametrize("policy", ["fill", "update"])
def test_fill_and_update_write_their_fields_once(
    make_loading: Callable[..., Loading], policy: str
) -> None:
    loading = make_loading(policy)
    theirs = by_hand(loading, jobTitle="Chief")
    made = one(loading)["createdAt"]
    assert outcomes(loading.load("person", [ann(createdAt="2011-01-01T00:00:00.000Z")])) == FILLED
    record = one(loading)
    title = "Chief" if policy == "fill" else "Boss"
    assert (record["id"], record["jobTitle"], record["city"]) == (theirs, title, "Ulm")
    assert record["createdAt"] == made
    reconciled = loading.reconcile("person")
    assert (reconciled["expected"], reconciled["counted"], reconciled["extra"]) == (1, 1, [])
    facts = loading.load("person", [ann(createdAt="2011-01-01T00:00:00.000Z")], run="run-2")
    assert outcomes(facts) == {"unchanged": {"same": 1}}
    assert one(loading) == record


HOME = "ann@home.example"
OLD = "ann@old.example"
ADDRESSES = [
    ([ANN], [HOME, ANN]),
    ([HOME, ANN], [ANN]),
    ([HOME, ANN], [OLD, ANN]),
]


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(("there", "brought"), ADDRESSES)
def test_a_person_is_recognised_by_any_address(
    loading: Loading, there: list[str], brought: list[str], listed: bool
) -> None:
    for n in range(0 if listed else 70):
        by_hand(loading, f"p{n}@y.example")
    emails = {"primaryEmail": there[0], "additionalEmails": there[1:]}
    theirs = loading.made_by_hand("person", emails=emails)
    facts = loading.load("person", [person("a", emails=brought)])
    assert outcomes(facts) == LINKED
    assert loading.entry("person", "a").destination_id == theirs["id"]


def test_a_further_address_that_many_share_recognises_nobody(loading: Loading) -> None:
    by_hand(loading, INFO)
    loading.made_by_hand("person", emails={"primaryEmail": HOME, "additionalEmails": [INFO]})
    facts = loading.load("person", [person("a", emails=[ANN, INFO])])
    assert outcomes(facts) == {"created": {"new": 1}}
    assert loading.issues("person") == []


def test_a_person_who_may_be_two_is_held_and_nobody_is_chosen(loading: Loading) -> None:
    theirs = {by_hand(loading, HOME), by_hand(loading, OLD)}
    facts = loading.load("person", [person("a", emails=[ANN, HOME, OLD])])
    assert outcomes(facts) == {"held": {"existing_ambiguous": 1}}
    assert set(loading.entry("person", "a").last["detail"].split(", ")) == theirs
    assert len(loading.records("person")) == 2


def test_the_first_address_decides_and_the_other_record_is_listed(loading: Loading) -> None:
    theirs, other = by_hand(loading, ANN), by_hand(loading, HOME)
    facts = loading.load("person", [person("a", emails=[ANN, HOME])])
    assert outcomes(facts) == LINKED
    assert loading.entry("person", "a").destination_id == theirs
    [issue] = loading.issues("person")
    assert (issue["problem"], issue["detail"]) == ("existing_ambiguous", f"{theirs}, {other}")


def test_a_live_record_goes_before_a_trashed_one(loading: Loading) -> None:
    loading.remove("person", by_hand(loading, ANN))
    live = by_hand(loading, HOME)
    assert outcomes(loading.load("person", [person("a", emails=[ANN, HOME])])) == LINKED
    assert loading.entry("person", "a").destination_id == live


def test_two_source_records_that_share_a_further_address_stay_two(loading: Loading) -> None:
    loading.load("person", [person("a", emails=[ANN, HOME])])
    facts = loading.load("person", [person("b", emails=[OLD, HOME, ANN])], run="run-2")
    assert outcomes(facts) == {"created": {"new": 1}}
    assert len(loading.records("person")) == 2


def test_an_image_of_what_was_there_is_kept(make_loading: Callable[..., Loading]) -> None:
    loading = make_loading("update")
    by_hand(loading, jobTitle="Chief")
    loading.load("person", [ann()])
    assert image(loading, "a")["values"]["jobTitle"] == "Chief"


def image(loading: Loading, source_id: str) -> dict[str, Any]:
    from airflow_crm_migration.core.ledger.objects import unpack

    entry = loading.entry("person", source_id)
    rows = unpack(loading.staging.read_bytes(entry.last["image"]))
    assert rows is not None
    return next(row for row in rows if row["id"] == entry.destination_id)


def test_fill_leaves_a_record_alone_that_has_no_blanks(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("fill")
    loading.load("person", [])  # makes the fields
    by_hand(loading, jobTitle="Chief", city="Bonn", migrationSourceId="theirs")
    before = one(loading)
    for run in ("run-1", "run-2"):
        facts = loading.load("person", [ann()], run=run)
        assert set(outcomes(facts)) <= {"linked", "unchanged"}
        assert loading.reconcile("person", run)["extra"] == []
    assert one(loading) == before


def test_fill_follows_the_source_in_what_it_wrote_and_in_nothing_else(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("fill")
    by_hand(loading, jobTitle="Chief")
    loading.load("person", [ann()])
    moved = person("a", emails=[ANN], jobTitle="Boss", city="Bonn")
    facts = loading.load("person", [moved], run="run-2")
    assert outcomes(facts) == {"updated": {"source_changed": 1}}
    rose = person("a", emails=[ANN], jobTitle="Queen", city="Bonn")
    facts = loading.load("person", [rose], run="run-3")
    assert outcomes(facts) == {"conflict": {"changed_in_both": 1}}
    record = one(loading)
    assert (record["jobTitle"], record["city"]) == ("Chief", "Bonn")


def test_a_blank_that_somebody_fills_meanwhile_is_theirs(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("fill")
    theirs = by_hand(loading)

    class Overtaken(TwentyHook):
        """Somebody fills the blank after the records were listed."""

        def read(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
            if object_name == "person" and theirs in ids:
                loading.edit("person", theirs, jobTitle="Chief")
            return super().read(object_name, ids)

    loading.load("person", [ann()], hook=Overtaken(loading.conn_id))
    record = one(loading)
    assert (record["jobTitle"], record["city"]) == ("Chief", "Ulm")


def test_update_writes_a_value_that_the_source_had_not_at_first(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("update")
    by_hand(loading, jobTitle="Chief", city="Rome")
    loading.load("person", [person("a", emails=[ANN])])
    loading.edit("person", one(loading)["id"], city="Bonn")
    facts = loading.load("person", [ann()], run="run-2")
    assert outcomes(facts) == {"conflict": {"changed_in_both": 1}}
    assert (one(loading)["jobTitle"], one(loading)["city"]) == ("Boss", "Bonn")
    RollingBack(loading).whole()
    assert (one(loading)["jobTitle"], one(loading)["city"]) == ("Chief", "Bonn")


def titles(**of: str) -> list[dict[str, Any]]:
    return [person(name, emails=[ANN], jobTitle=title) for name, title in of.items()]


def test_two_source_records_on_one_record_are_told_and_are_no_conflict(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("update")
    by_hand(loading, jobTitle="Chief")
    loading.load("person", titles(a="A"))
    loading.gone("a", "run-2")
    facts = loading.load("person", titles(b="B"), run="run-2")
    assert outcomes(facts) == {"updated": {"existing_record": 1}}
    [issue] = loading.issues("person", "run-2")
    assert (issue["key"][2], issue["problem"], issue["detail"]) == ("b", "record_shared", "a")
    changed = {"updated": {"source_changed": 1}}
    for run, drafts, title in (
        ("run-3", titles(b="B2"), "B2"),
        ("run-4", titles(a="A2"), "A2"),  # the source has it again
        ("run-5", titles(b="B3"), "B3"),
    ):
        assert outcomes(loading.load("person", drafts, run=run)) == changed
        assert one(loading)["jobTitle"] == title
        assert len(loading.issues("person", run)) == 1
    loading.edit("person", one(loading)["id"], jobTitle="By hand")
    facts = loading.load("person", titles(b="B4"), run="run-6")
    assert outcomes(facts) == {"conflict": {"changed_in_both": 1}}
    loading.edit("person", one(loading)["id"], jobTitle="B3")
    RollingBack(loading).whole()
    assert one(loading)["jobTitle"] == "Chief"


def test_reject_leaves_both_sides_as_they_are(make_loading: Callable[..., Loading]) -> None:
    loading = make_loading("reject")
    theirs = by_hand(loading)
    before = one(loading)
    assert outcomes(loading.load("person", [ann()])) == {"rejected": {"existing_record": 1}}
    assert loading.entry("person", "a").last["detail"] == theirs
    assert one(loading) == before
    loading.remove("person", theirs, "destroy")
    assert outcomes(loading.load("person", [ann()], run="run-2")) == {"created": {"new": 1}}


@pytest.mark.parametrize("policy", ["link", "fill"])
def test_a_trashed_record_is_restored(make_loading: Callable[..., Loading], policy: str) -> None:
    loading = make_loading(policy)
    theirs = by_hand(loading)
    loading.remove("person", theirs)
    facts = loading.load("person", [ann()])
    assert sum(sum(r.values()) for r in outcomes(facts).values()) == 1
    record = one(loading)
    assert (record["id"], record["deletedAt"]) == (theirs, None)
    assert record["jobTitle"] == ("Boss" if policy == "fill" else "")
    origin = loading.entry("person", "a").origin
    assert origin is not None
    assert (origin["outcome"], origin["reason"]) == ("restored", "existing_in_trash")
    loading.reconcile("person")


@pytest.mark.parametrize("trashed", [False, True])
def test_a_shared_mailbox_names_nobody(loading: Loading, trashed: bool) -> None:
    theirs = by_hand(loading, INFO, jobTitle="Desk")
    if trashed:
        loading.remove("person", theirs)
    before = one(loading)
    facts = loading.load("person", [person("a", emails=[INFO]), person("b")])
    assert outcomes(facts) == {"created": {"new": 2}}
    records = {row["id"]: row for row in loading.records("person")}
    assert records[theirs] == before
    ours = records[loading.entry("person", "a").destination_id]
    assert ours["emails"]["primaryEmail"] == ""
    assert ours["unusable"] == f"emails: {INFO}"
    assert [issue["problem"] for issue in loading.issues("person")] == ["unique_value_taken"]
    loading.reconcile("person")


def test_an_empty_destination_is_looked_through_with_one_call(loading: Loading) -> None:
    loading.forget()
    loading.load("person", [person(f"p{n}") for n in range(3)])
    assert loading.calls("GET /rest/people") == {"200": 1}
    assert loading.calls("POST /graphql people") == {}


def test_records_are_recognised_whether_they_are_listed_or_asked_for(loading: Loading) -> None:
    """Few are listed once; of many only those with our keys are asked for."""
    for n in range(70):
        by_hand(loading, f"p{n}@x.example")
    drafts = [person("p3"), person("p69"), person("q")]
    loading.forget()
    facts = loading.load("person", drafts)
    assert loading.calls("POST /graphql people")
    assert outcomes(facts) == {"linked": {"existing_record": 2}, "created": {"new": 1}}
    assert len(loading.records("person")) == 71


def test_a_company_is_recognised_however_its_domain_is_spelt(loading: Loading) -> None:
    loading.made_by_hand("company", name="X", domainName={"primaryLinkUrl": "http://www.x.example"})
    link = [{"url": "https://x.example", "label": None}]
    facts = loading.load("company", [company("c", domainName=link)])
    assert facts["outcomes"]["company"] == LINKED
    assert len(loading.records("company")) == 1


class Meanwhile(TwentyHook):
    """Somebody makes a record by hand after the look-up, just before ours is written."""

    act: Callable[[], Any]

    def create(self, object_name: str, rows: Sequence[Any]) -> list[Any]:
        act, self.act = self.act, lambda: None
        act()
        return super().create(object_name, rows)


def meanwhile(loading: Loading, act: Callable[[], Any]) -> Meanwhile:
    hook = Meanwhile(loading.conn_id)
    hook.act = act
    return hook


@pytest.mark.parametrize("listed", [True, False])
def test_a_person_made_meanwhile_is_neither_written_over_nor_doubled(
    loading: Loading, listed: bool
) -> None:
    for n in range(0 if listed else 70):
        by_hand(loading, f"p{n}@y.example")
    kept: list[str] = []
    hook = meanwhile(loading, lambda: kept.append(by_hand(loading, jobTitle="Chief")))
    facts = loading.load("person", [person("b"), ann(), person("c")], hook=hook)
    assert outcomes(facts) == {"created": {"new": 2}, "linked": {"made_meanwhile": 1}}
    same = [r for r in loading.records("person") if r["emails"]["primaryEmail"] == ANN]
    assert [(r["id"], r["jobTitle"]) for r in same] == [(kept[0], "Chief")]
    assert loading.entry("person", "a").destination_id == kept[0]
    loading.reconcile("person")


def test_a_shared_mailbox_taken_meanwhile_costs_the_address_only(loading: Loading) -> None:
    hook = meanwhile(loading, lambda: by_hand(loading, INFO))
    facts = loading.load("person", [person("a", emails=[INFO]), person("b")], hook=hook)
    assert outcomes(facts) == {"created": {"new": 2}}
    assert len(loading.records("person")) == 3
    loading.reconcile("person")


def test_people_change_places_at_an_address(loading: Loading) -> None:
    """Ann gave her address up to Bob between two runs: they stay two people."""
    loading.load("person", [ann()])
    moved = person("a", emails=["ann@y.example"])
    facts = loading.load("person", [person("b", emails=[ANN]), moved], run="run-2")
    assert outcomes(facts) == {"created": {"new": 1}, "updated": {"source_changed": 1}}
    stored = {r["emails"]["primaryEmail"]: r["id"] for r in loading.records("person")}
    assert stored == {
        ANN: loading.entry("person", "b").destination_id,
        "ann@y.example": loading.entry("person", "a").destination_id,
    }
