"""Links are resolved to what stands in the destination; who lacks a parent waits."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from tests.support.loading import Loading, company, person, task

NOWHERE = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"
CREATED = {"created": {"new": 1}}


def outcomes(facts: dict[str, Any], line: str = "person") -> dict[str, Any]:
    return dict(facts["outcomes"][line])


def test_a_record_waits_for_a_parent_that_it_cannot_do_without(loading: Loading) -> None:
    held = {"held": {"parent_not_loaded": 1}}
    assert outcomes(loading.load("person", [person("p", "c", hold=True)])) == held
    assert loading.entry("person", "p").last["detail"] == "companyId"
    assert loading.records("person") == []
    bad = company("c", accountOwnerId=NOWHERE)
    loading.load("company", [bad])
    assert outcomes(loading.load("person", [person("p", "c", hold=True)], run="run-2")) == held
    loading.load("company", [company("c")], run="run-3")
    assert outcomes(loading.load("person", [person("p", "c", hold=True)], run="run-3")) == CREATED
    [record] = loading.records("person")
    assert record["companyId"] == loading.entry("company", "c").destination_id


def test_a_record_that_can_do_without_arrives_and_is_linked_later(loading: Loading) -> None:
    assert outcomes(loading.load("person", [person("p", "c")])) == CREATED
    [issue] = loading.issues("person")
    assert (issue["field"], issue["problem"]) == ("companyId", "parent_not_loaded")
    loading.load("company", [company("c")], run="run-2")
    facts = loading.load("person", [person("p", "c")], run="run-2")
    assert outcomes(facts) == {"updated": {"source_changed": 1}}
    [record] = loading.records("person")
    assert record["companyId"] == loading.entry("company", "c").destination_id


def test_a_link_follows_a_merged_record_to_its_survivor(loading: Loading) -> None:
    merged = {"key": ["company", "company", "old", ""], "outcome": "merged"}
    merged |= {"reason": "duplicate_certain", "into": "c"}
    loading.load("company", [merged, company("c")])
    loading.load("person", [person("p", "old", hold=True)])
    [record] = loading.records("person")
    assert record["companyId"] == loading.entry("company", "c").destination_id


@pytest.mark.parametrize("runs", [1, 2])
def test_join_rows_are_written_once(loading: Loading, runs: int) -> None:
    loading.load("person", [person("a"), person("b")])
    for n in range(runs):
        loading.load("task", [task("t", "a", "b")], run=f"run-{n + 1}")
    facts = loading.load_again("task", run=f"run-{runs}")
    assert facts["joins"] == {"unchanged": 2}
    rows = loading.records("taskTarget")
    assert len({(row["taskId"], row["targetPersonId"]) for row in rows}) == len(rows) == 2
    assert loading.reconcile("task")["joins_expected"] == 2


def test_a_join_row_follows_once_its_parent_has_arrived(loading: Loading) -> None:
    loading.load("person", [person("a"), person("b", companyId=NOWHERE)])
    facts = loading.load("task", [task("t", "a", "b")])
    assert facts["joins"] == {"created": 1}
    assert [issue["detail"] for issue in loading.issues("task")] == ["b"]
    loading.load("person", [person("a"), person("b")], run="run-2")
    facts = loading.load("task", [task("t", "a", "b")], run="run-2")
    assert facts["joins"] == {"unchanged": 1, "created": 1}
    assert len(loading.records("taskTarget")) == 2


def test_a_task_that_lives_by_its_links_waits_for_one_of_them(loading: Loading) -> None:
    drafts = [task("t", "a", "b", hold=True)]
    facts = loading.load("task", drafts)
    assert outcomes(facts, "task") == {"held": {"parent_not_loaded": 1}}
    loading.load("person", [person("b")])
    facts = loading.load("task", drafts, run="run-2")
    assert (outcomes(facts, "task"), facts["joins"]) == (CREATED, {"created": 1})


def two_for_one(loading: Loading) -> None:
    """Link a person of theirs, and once that contact is gone a new one with the same address."""
    loading.made_by_hand("person", emails={"primaryEmail": "a@x.example"})
    loading.load("person", [person("a", emails=["a@x.example"])])
    loading.gone("a", "run-2")
    loading.load("person", [person("b", emails=["a@x.example"])], run="run-2")


def test_two_source_records_that_are_one_there_are_linked_once(loading: Loading) -> None:
    two_for_one(loading)
    assert len(loading.records("person")) == 1
    facts = loading.load("task", [task("t", "a", "b")], run="run-2")
    assert facts["joins"] == {"created": 1}
    facts = loading.load("task", [task("t", "a", "b")], run="run-3")
    assert set(facts["joins"]) == {"unchanged"}
    assert len(loading.records("taskTarget")) == 1


def test_a_row_that_stands_counts_whatever_the_order(loading: Loading) -> None:
    two_for_one(loading)
    loading.load("task", [task("t", "b")], run="run-2")
    facts = loading.load("task", [task("t", "a", "b")], run="run-3")
    assert facts["joins"] == {"unchanged": 1}
    assert len(loading.records("taskTarget")) == 1


def test_a_join_row_that_vanishes_in_its_own_run_is_fatal(loading: Loading) -> None:
    loading.load("person", [person("a")])
    loading.load("task", [task("t", "a")])
    [row] = loading.records("taskTarget")
    loading.remove("taskTarget", row["id"], "destroy")
    with pytest.raises(Exception, match="1 links that this run wrote are not there"):
        loading.reconcile("task")


def test_what_arrived_before_is_not_undone_by_a_draft_that_stops(loading: Loading) -> None:
    loading.load("person", [person("a")])
    ours = loading.entry("person", "a").destination_id
    stop = {"key": ["person", "contact", "a", ""], "outcome": "merged"}
    stop |= {"reason": "duplicate_certain", "into": "b"}
    facts = loading.load("person", [stop, person("b")], run="run-2")
    assert outcomes(facts) == {"unchanged": {"same": 1}, "created": {"new": 1}}
    assert [i["problem"] for i in loading.issues("person", "run-2")] == ["duplicate_certain"]
    assert loading.entry("person", "a").destination_id == ours
    loading.reconcile("person", "run-2")


# -- links that are gone from the source ---------------------------------------------------


@pytest.fixture
def linked(loading: Loading) -> Loading:
    """Return a task about two people."""
    loading.load("person", [person("a"), person("b"), person("c")])
    loading.load("task", [task("t", "a", "b")])
    return loading


def people_of(loading: Loading) -> list[str]:
    names = {e.destination_id: name for name, e in loading.entries("person").items()}
    return sorted(names[row["targetPersonId"]] for row in loading.records("taskTarget"))


def without(draft: dict[str, Any], *unsure: list[str]) -> dict[str, Any]:
    draft["joins"]["targets"]["unsure"] = list(unsure)
    return draft


def test_a_link_that_the_source_lost_is_removed(linked: Loading) -> None:
    facts = linked.load("task", [task("t", "b")], run="run-2")
    assert facts["joins"] == {"deleted": 1, "unchanged": 1}
    assert people_of(linked) == ["b"]
    last = linked.entries("task", principal=False)["taskTarget:contact:a"].last
    assert (last["outcome"], last["reason"]) == ("deleted", "link_gone_from_source")
    linked.reconcile("task", "run-2")
    assert linked.load_again("task", run="run-2")["joins"] == {"unchanged": 1}


def test_the_last_link_goes_too_and_may_come_back(linked: Loading) -> None:
    assert linked.load("task", [task("t")], run="run-2")["joins"] == {"deleted": 2}
    assert people_of(linked) == []
    facts = linked.load("task", [task("t", "a")], run="run-3")
    assert (facts["joins"], people_of(linked)) == ({"created": 1}, ["a"])
    assert linked.reconcile("task", "run-3")["joins_expected"] == 1


def test_a_link_that_moved_moves(linked: Loading) -> None:
    facts = linked.load("task", [task("t", "a", "c")], run="run-2")
    assert facts["joins"] == {"deleted": 1, "unchanged": 1, "created": 1}
    assert people_of(linked) == ["a", "c"]


def test_what_moved_to_nobody_who_is_there_yet_stays_where_it_is_found(linked: Loading) -> None:
    facts = linked.load("task", [task("t", "nobody", hold=True)], run="run-2")
    assert (facts["joins"], people_of(linked)) == ({}, ["a", "b"])


@pytest.mark.parametrize("unsure", [["contact", "a"], ["contact", ""]])
def test_a_link_stays_of_which_the_run_cannot_tell(linked: Loading, unsure: list[str]) -> None:
    linked.load("task", [without(task("t", "b"), unsure)], run="run-2")
    assert people_of(linked) == ["a", "b"]


def test_a_field_that_the_run_cannot_tell_keeps_its_links(linked: Loading) -> None:
    linked.load("task", [task("t") | {"unknown": ["targets"]}], run="run-2")
    assert people_of(linked) == ["a", "b"]


def test_a_row_that_people_made_or_pointed_elsewhere_is_theirs(linked: Loading) -> None:
    ids = {name: e.destination_id for name, e in linked.entries("person").items()}
    own = linked.entry("task", "t").destination_id
    linked.made_by_hand("taskTarget", taskId=own, targetPersonId=ids["c"])
    [row] = [r for r in linked.records("taskTarget") if r["targetPersonId"] == ids["a"]]
    linked.edit("taskTarget", row["id"], targetPersonId=ids["c"])
    for run in ("run-2", "run-3"):
        facts = linked.load("task", [task("t", "b")], run=run)
        assert facts["joins"] == {"conflict": 1, "unchanged": 1}
        linked.reconcile("task", run)
    assert people_of(linked) == ["b", "c", "c"]


def test_a_row_that_people_removed_before_the_source_did_is_told(linked: Loading) -> None:
    a = linked.entry("person", "a").destination_id
    [row] = [r for r in linked.records("taskTarget") if r["targetPersonId"] == a]
    linked.remove("taskTarget", row["id"], "destroy")
    assert linked.load("task", [task("t", "b")], run="run-2")["joins"]["deleted"] == 1
    last = linked.entries("task", principal=False)["taskTarget:contact:a"].last
    assert last["reason"] == "gone_from_destination"


@pytest.mark.parametrize("theirs", [True, False], ids=["linked", "taken over"])
def test_a_link_to_a_record_that_another_one_stands_for_too_stays(
    loading: Loading, theirs: bool
) -> None:
    if theirs:
        loading.made_by_hand("person", emails={"primaryEmail": "a@x.example"})
    loading.load("person", [person("a", emails=["a@x.example"])])
    loading.load("task", [task("t", "a")])
    loading.gone("a", "run-2")
    loading.load("person", [person("b", emails=["a@x.example"])], run="run-2")
    facts = loading.load("task", [task("t", "b")], run="run-2")
    assert (facts["joins"], len(loading.records("taskTarget"))) == ({}, 1)
    loading.reconcile("task", "run-2")


def test_a_dry_run_tells_which_links_would_go(linked: Loading) -> None:
    linked.transform("task", [task("t", "b")], run="run-2")
    hook = DryDestination(linked.hook)
    facts = linked.load_again("task", run="run-2", dry_run=True, hook=hook)
    assert facts["joins"] == {"deleted": 1, "unchanged": 1}
    assert people_of(linked) == ["a", "b"]
