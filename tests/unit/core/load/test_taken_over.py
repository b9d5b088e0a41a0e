"""A record of ours whose source record is gone goes over to the new one that is the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.loading import Loading, person
from tests.support.rolling_back import RollingBack
from tests.unit.core.load.test_drift import remake

if TYPE_CHECKING:
    from collections.abc import Callable

ANN = "ann@x.example"


def load(loading: Loading, source_id: str, run: str, **values: Any) -> dict[str, Any]:
    drafts = [person(source_id, emails=[ANN], **values)]
    return dict(loading.load("person", drafts, run=run)["outcomes"]["person"])


def taken_over(loading: Loading) -> str:
    """Load Ann, who is made anew in the source with another title, and return our record's id."""
    load(loading, "a", "run-1", jobTitle="Clerk", city="Ulm")
    loading.gone("a", "run-2")
    changed = {"updated": {"source_changed": 1}}
    assert load(loading, "b", "run-2", jobTitle="Chief", city="Ulm") == changed
    return str(loading.entry("person", "b").destination_id)


def test_it_is_updated_and_followed_from_then_on(loading: Loading) -> None:
    ours = taken_over(loading)
    assert load(loading, "b", "run-3", jobTitle="Chief", city="Ulm") == {"unchanged": {"same": 1}}
    load(loading, "b", "run-4", jobTitle="Queen", city="Ulm")
    [record] = loading.records("person")
    assert (record["id"], record["jobTitle"]) == (ours, "Queen")
    assert record["migrationSourceId"] == "acme:person:b"


def test_the_ledger_knows_it_once_and_counts_it_once(loading: Loading) -> None:
    ours = taken_over(loading)
    before, now = (loading.entry("person", i) for i in ("a", "b"))
    assert (before.outcome, before.last["reason"]) == ("merged", "taken_over")
    assert (before.stands, before.destination_id, before.last["into"]) == (False, None, "b")
    assert now.origin is not None
    assert (now.origin["outcome"], now.origin["reason"]) == ("created", "taken_over")
    found = loading.reconcile("person", "run-2")
    assert (found["expected"], found["counted"]) == (1, 1)
    assert (found["missing"], found["extra"], found["existing_expected"]) == ([], [], 0)
    assert ours == now.destination_id


def test_what_people_changed_before_stays_theirs(loading: Loading) -> None:
    load(loading, "a", "run-1", jobTitle="Clerk", city="Ulm")
    [record] = loading.records("person")
    loading.edit("person", record["id"], jobTitle="Boss")
    loading.gone("a", "run-2")
    outcome = load(loading, "b", "run-2", jobTitle="Chief", city="Bonn")
    assert outcome == {"conflict": {"changed_in_both": 1}}
    [record] = loading.records("person")
    assert (record["jobTitle"], record["city"]) == ("Boss", "Bonn")
    assert [row["field"] for row in loading.conflicts("person", "run-2")] == ["jobTitle"]


def test_a_rollback_deletes_it_and_keeps_what_people_edited_since(
    make_loading: Callable[..., Loading],
) -> None:
    for edit in (False, True):
        loading = make_loading()
        ours = taken_over(loading)
        if edit:
            loading.edit("person", ours, city="Bath")
        fate = {"keep": 1} if edit else {"delete": 1}
        assert RollingBack(loading).whole()["person"] == fate
        assert len(loading.records("person")) == edit


def test_one_whose_source_record_is_there_yet_keeps_its_address(loading: Loading) -> None:
    load(loading, "a", "run-1")
    loading.gone("z", "run-2")
    assert load(loading, "b", "run-2") == {"created": {"new": 1}}
    assert loading.entry("person", "a").stands
    ours = {r["id"]: r for r in loading.records("person")}
    assert ours[loading.entry("person", "b").destination_id]["unusable"] == f"emails: {ANN}"
    [issue] = loading.issues("person", "run-2")
    assert (issue["problem"], issue["detail"]) == ("unique_value_taken", ANN)


def test_it_goes_over_by_a_further_address_too(loading: Loading) -> None:
    load(loading, "a", "run-1")
    ours = loading.entry("person", "a").destination_id
    loading.gone("a", "run-2")
    loading.load("person", [person("b", emails=["new@x.example", ANN])], run="run-2")
    assert loading.entry("person", "b").destination_id == ours
    [record] = loading.records("person")
    assert set(emails(record)) == {"new@x.example", ANN}


def emails(record: dict[str, Any]) -> list[str]:
    found = record["emails"]
    return [found["primaryEmail"], *found["additionalEmails"]]


def test_who_comes_back_after_that_has_a_record_of_its_own(loading: Loading) -> None:
    ours = taken_over(loading)
    back = person("a", emails=["other@x.example"], jobTitle="Clerk", city="Rome")
    stays = person("b", emails=[ANN], jobTitle="Chief", city="Ulm")
    for run, title in (("run-3", "Clerk"), ("run-4", "Queen")):
        back["values"]["jobTitle"] = title
        loading.load("person", [back, stays], run=run)
        found = loading.reconcile("person", run)
        assert (found["expected"], found["counted"], found["missing"]) == (2, 2, [])
        records = {r["migrationSourceId"][-1]: r for r in loading.records("person")}
        assert (records["a"]["jobTitle"], records["a"]["city"]) == (title, "Rome")
        assert (records["b"]["id"], records["b"]["jobTitle"]) == (ours, "Chief")


def test_a_field_that_was_made_again_is_filled_for_the_new_one_too(loading: Loading) -> None:
    load(loading, "a", "run-1", city="Ulm")
    remake(loading, "run-2")
    loading.gone("a", "run-2")
    load(loading, "b", "run-2", city="Ulm")
    [record] = loading.records("person")
    assert record["city"] == "Ulm"


@pytest.mark.parametrize("over", [False, True])
def test_addresses_that_people_added_keep_it_from_a_rollback(loading: Loading, over: bool) -> None:
    loading.load("person", [person("a", emails=[ANN])])
    [record] = loading.records("person")
    both = {"primaryEmail": ANN, "additionalEmails": ["private@home.example"]}
    loading.edit("person", record["id"], emails=both)
    new = [ANN, "new@x.example"]
    loading.load("person", [person("a", emails=new)], run="run-2")
    if over:
        loading.gone("a", "run-3")
        loading.load("person", [person("b", emails=new)], run="run-3")
    assert RollingBack(loading).whole()["person"] == {"keep": 1}


def test_addresses_that_both_sides_added_hide_no_other(loading: Loading) -> None:
    loading.load("person", [person("a", emails=[ANN])])
    [record] = loading.records("person")
    more = ["both@x.example", "private@home.example"]
    loading.edit("person", record["id"], emails={"primaryEmail": ANN, "additionalEmails": more})
    loading.load("person", [person("a", emails=[ANN, "both@x.example"])], run="run-2")
    assert RollingBack(loading).whole()["person"] == {"keep": 1}
