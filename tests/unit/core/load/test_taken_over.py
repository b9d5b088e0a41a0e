"""A record of ours whose source record is gone goes over to the new one that is the same person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.loading import Loading, person
from tests.support.rolling_back import RollingBack

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
