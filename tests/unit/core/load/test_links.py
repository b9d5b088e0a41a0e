"""Links are resolved to what stands in the destination; who lacks a parent waits."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_crm_migration.core.staging import PartWriter
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
    writer = PartWriter(loading.staging, "run-2/gone/contact")
    writer.add({"id": "a", "line": "person", "destination_id": ""})
    writer.finish()
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
