"""A parent that people removed since does not poison its new children."""

from __future__ import annotations

import pytest

from tests.support.loading import Loading, company, person, task

CREATED = {"created": {"new": 1}}
HELD = {"held": {"parent_not_loaded": 1}}
SAME = {"unchanged": {"same": 1}}


def lose(loading: Loading, object_name: str, source_id: str, action: str) -> None:
    ours = str(loading.entry(object_name, source_id).destination_id)
    loading.remove(object_name, ours, action)


@pytest.mark.parametrize("action", ["delete", "destroy"])
def test_a_new_record_arrives_without_its_lost_parent(loading: Loading, action: str) -> None:
    loading.load("company", [company("c")])
    lose(loading, "company", "c", action)
    for run, outcomes in (("run-2", CREATED), ("run-3", SAME)):
        facts = loading.load("person", [person("p", "c")], run=run)
        assert facts["outcomes"]["person"] == outcomes
        [issue] = loading.issues("person", run)
        assert (issue["problem"], issue["detail"]) == ("parent_not_loaded", "c")
    [record] = loading.records("person")
    assert record["companyId"] is None


def test_one_that_cannot_do_without_waits(loading: Loading) -> None:
    loading.load("company", [company("c")])
    lose(loading, "company", "c", "destroy")
    facts = loading.load("person", [person("p", "c", hold=True)], run="run-2")
    assert facts["outcomes"]["person"] == HELD
    assert loading.records("person") == []


def test_a_file_of_a_lost_record_waits(loading: Loading) -> None:
    loading.load("person", [person("p")])
    lose(loading, "person", "p", "destroy")
    facts = loading.load("attachment", [loading.file("f", "p", b"x")], run="run-2")
    assert (facts["outcomes"]["attachment"], facts["residue"]) == (HELD, [])


def test_a_record_that_lives_by_its_links_waits_when_all_are_lost(loading: Loading) -> None:
    loading.load("person", [person("a"), person("b")])
    lose(loading, "person", "a", "destroy")
    drafts = [task("one", "a", hold=True), task("both", "a", "b", hold=True)]
    facts = loading.load("task", drafts, run="run-2")
    assert facts["outcomes"]["task"] == CREATED | HELD
    assert facts["joins"] == {"created": 1}
    assert loading.entry("task", "one").last["reason"] == "parent_not_loaded"
    assert loading.reconcile("task", "run-2")["joins_rejected"] == 0


def test_what_arrived_before_keeps_its_link_and_follows_its_source(loading: Loading) -> None:
    """Nothing new points to the lost parent: it is not even asked for."""
    loading.load("company", [company("c")])
    loading.load("person", [person("p", "c", hold=True)])
    lose(loading, "company", "c", "delete")
    drafts = [person("p", "c", hold=True, jobTitle="Boss"), person("new", "c")]
    facts = loading.load("person", drafts, run="run-2")
    assert facts["outcomes"]["person"] == {"updated": {"source_changed": 1}} | CREATED
    titles = {r["jobTitle"]: r["companyId"] for r in loading.records("person")}
    assert titles["Boss"] == loading.entry("company", "c").destination_id


def test_parents_are_asked_for_once_and_only_for_new_links(loading: Loading) -> None:
    loading.load("company", [company("c")])
    people = [person(f"p{n}", "c") for n in range(150)]
    loading.load("person", people[:1])
    loading.forget()
    loading.load("person", people[:1], run="run-2")
    assert loading.calls("GET /rest/companies") == {}
    loading.load("person", people, run="run-2")
    assert loading.calls("GET /rest/companies") == {"200": 1}
