"""What both sides changed is listed with all values, and ends when they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, company, person

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.protocols import Write

UPSERT = "POST /rest/batch/people"
UNCHANGED = {"unchanged": {"same": 1}}
UPDATED = {"updated": {"source_changed": 1}}
CONFLICT = {"conflict": {"changed_in_both": 1}}
RESOLVED = {"updated": {"resolved": 1}}
GONE = {"conflict": {"gone_from_destination": 1}}


def ann(**values: Any) -> dict[str, Any]:
    return person("a", **{"jobTitle": "Boss", "city": "Ulm", **values})


@pytest.fixture
def ours(loading: Loading) -> str:
    """Load Ann, whom people move to Rome; return her id."""
    loading.load("person", [ann()])
    record_id = str(loading.entry("person", "a").destination_id)
    loading.edit("person", record_id, city="Rome")
    loading.forget()
    return record_id


def load(loading: Loading, run: int, **values: Any) -> Any:
    """Load Ann as the source says, with the policies among the values."""
    how = {name: values.pop(name) for name in ("conflicts", "hook") if name in values}
    facts = loading.load("person", [ann(**values)], run=f"run-{run}", **how)
    loading.reconcile("person", f"run-{run}")
    return facts["outcomes"]["person"]


def one(loading: Loading) -> dict[str, Any]:
    [record] = loading.records("person")
    return record


def listed(loading: Loading, run: int) -> list[tuple[Any, ...]]:
    names = ("field", "before", "source", "destination", "kept")
    return [tuple(row[n] for n in names) for row in loading.conflicts("person", f"run-{run}")]


def test_a_conflict_is_listed_with_all_values(loading: Loading, ours: str) -> None:
    assert load(loading, 2, city="Bonn", jobTitle="Chief") == CONFLICT
    [row] = loading.conflicts("person", "run-2")
    assert row["key"] == ["person", "contact", "a", ""]
    assert (row["id"], row["reason"]) == (ours, "changed_in_both")
    assert listed(loading, 2) == [("city", "Ulm", "Bonn", "Rome", "destination")]


def test_a_conflict_that_stands_is_listed_again_and_costs_no_write(
    loading: Loading, ours: str
) -> None:
    load(loading, 2, city="Bonn", jobTitle="Chief")
    ledger = loading.staging.names("ledger")
    loading.forget()
    assert load(loading, 3, city="Bonn", jobTitle="Chief") == CONFLICT
    assert listed(loading, 3) == [("city", "Ulm", "Bonn", "Rome", "destination")]
    assert loading.calls(UPSERT) == {}
    written = [n for n in loading.staging.names("ledger") if n.endswith(".gz")]
    assert written == [n for n in ledger if n.endswith(".gz")]
    assert load(loading, 4, city="Bern", jobTitle="Queen") == CONFLICT
    assert listed(loading, 4) == [("city", "Ulm", "Bern", "Rome", "destination")]
    assert (one(loading)["city"], one(loading)["jobTitle"]) == ("Rome", "Queen")


def test_it_ends_when_people_take_the_sources_value(loading: Loading, ours: str) -> None:
    load(loading, 2, city="Bonn")
    loading.edit("person", ours, city="Bonn")
    loading.forget()
    assert load(loading, 3, city="Bonn") == UPDATED
    assert loading.calls(UPSERT) == {}
    assert loading.conflicts("person", "run-3") == []
    assert load(loading, 4, city="Bonn") == UNCHANGED


def test_it_ends_when_people_go_back_to_what_was_sent(loading: Loading, ours: str) -> None:
    load(loading, 2, city="Bonn")
    loading.edit("person", ours, city="Ulm")
    assert load(loading, 3, city="Bonn") == UPDATED
    assert one(loading)["city"] == "Bonn"


def test_it_ends_when_the_source_goes_back(loading: Loading, ours: str) -> None:
    load(loading, 2, city="Bonn")
    loading.forget()
    assert load(loading, 3) == RESOLVED
    assert loading.calls(UPSERT) == {}
    assert loading.entry("person", "a").last["outcome"] == "updated"
    assert one(loading)["city"] == "Rome"
    assert load(loading, 4) == UNCHANGED
    assert load(loading, 5, city="Bern") == CONFLICT


def test_it_ends_when_the_source_takes_the_destinations_value(loading: Loading, ours: str) -> None:
    load(loading, 2, city="Bonn")
    assert load(loading, 3, city="Rome") == UPDATED
    assert load(loading, 4, city="Bonn") == UPDATED
    assert one(loading)["city"] == "Bonn"


def test_the_source_may_have_its_way(loading: Loading, ours: str) -> None:
    outcome = load(loading, 2, city="Bonn", conflicts="source")
    assert outcome == {"updated": {"changed_in_both": 1}}
    assert one(loading)["city"] == "Bonn"
    assert listed(loading, 2) == [("city", "Ulm", "Bonn", "Rome", "source")]
    assert load(loading, 3, city="Bonn", conflicts="source") == UNCHANGED


def test_the_policy_may_change_while_a_conflict_stands(loading: Loading, ours: str) -> None:
    assert load(loading, 2, city="Bonn") == CONFLICT
    outcome = load(loading, 3, city="Bonn", conflicts="source")
    assert outcome == {"updated": {"changed_in_both": 1}}
    assert load(loading, 4, city="Bonn") == UNCHANGED


def test_what_was_there_before_us_is_filled_and_never_written_over(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("fill")
    mail = {"primaryEmail": "a@x.example", "additionalEmails": []}
    loading.made_by_hand("person", emails=mail, jobTitle="Chief")
    assert load(loading, 1) == {"updated": {"existing_record": 1}}
    loading.edit("person", one(loading)["id"], city="Rome")
    outcome = load(loading, 2, city="Bonn", jobTitle="Queen", conflicts="source")
    assert outcome == CONFLICT
    assert (one(loading)["jobTitle"], one(loading)["city"]) == ("Chief", "Bonn")
    kept = {row[0]: row[-1] for row in listed(loading, 2)}
    assert kept == {"city": "source", "jobTitle": "destination"}


def test_what_was_sent_is_found_whichever_run_sent_it(loading: Loading, ours: str) -> None:
    """The title was sent by the second run, the city by the first."""
    load(loading, 2, city="Bonn", jobTitle="Chief")
    loading.edit("person", ours, jobTitle="King")
    assert load(loading, 3, city="Bern", jobTitle="Queen") == CONFLICT
    assert listed(loading, 3) == [
        ("city", "Ulm", "Bern", "Rome", "destination"),
        ("jobTitle", "Chief", "Queen", "King", "destination"),
    ]


def test_what_staging_does_not_keep_any_more_is_left_blank(loading: Loading, ours: str) -> None:
    for name in loading.staging.names("run-1/transform"):
        loading.staging.delete(name)
    assert load(loading, 2, city="Bonn") == CONFLICT
    assert listed(loading, 2) == [("city", None, "Bonn", "Rome", "destination")]


def test_links_are_listed_by_their_ids_in_the_destination(loading: Loading) -> None:
    loading.load("company", [company(n) for n in "xyz"])
    ids = {n: e.destination_id for n, e in loading.entries("company").items()}
    loading.load("person", [person("a", "x")])
    loading.edit("person", one(loading)["id"], companyId=ids["z"])
    facts = loading.load("person", [person("a", "y")], run="run-2")
    assert facts["outcomes"]["person"] == CONFLICT
    assert listed(loading, 2) == [("companyId", ids["x"], ids["y"], ids["z"], "destination")]
    assert one(loading)["companyId"] == ids["z"]


# -- multi-values ------------------------------------------------------------------------------


def addresses(loading: Loading) -> list[str]:
    emails = one(loading)["emails"]
    return [emails["primaryEmail"], *(emails["additionalEmails"] or [])]


def test_addresses_of_both_sides_are_united(loading: Loading) -> None:
    loading.load("person", [ann(emails=["a@x.example", "old@x.example"])])
    theirs = {"primaryEmail": "a@x.example", "additionalEmails": ["old@x.example", "t@x.example"]}
    loading.edit("person", one(loading)["id"], emails=theirs)
    assert load(loading, 2, emails=["a@x.example", "new@x.example"]) == UPDATED
    assert addresses(loading) == ["a@x.example", "t@x.example", "new@x.example"]
    assert loading.conflicts("person", "run-2") == []
    assert load(loading, 3, emails=["a@x.example", "new@x.example"]) == UNCHANGED
    assert load(loading, 4, emails=["a@x.example"]) == UPDATED
    assert addresses(loading) == ["a@x.example", "t@x.example"]


def test_a_merge_that_was_cut_off_is_ended_once(loading: Loading) -> None:
    class Died(BaseException):
        pass

    class Mortal(TwentyHook):
        def update(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
            super().update(object_name, rows)
            raise Died

    loading.load("person", [ann(emails=["a@x.example"])])
    theirs = {"primaryEmail": "a@x.example", "additionalEmails": ["t@x.example"]}
    loading.edit("person", one(loading)["id"], emails=theirs)
    loading.transform("person", [ann(emails=["a@x.example", "new@x.example"])], run="run-2")
    with pytest.raises(Died):
        loading.load_again("person", run="run-2", hook=Mortal(loading.conn_id))
    loading.forget()
    facts = loading.load_again("person", run="run-2")
    assert facts["outcomes"]["person"] == UNCHANGED
    assert loading.calls(UPSERT) == {}
    assert addresses(loading) == ["a@x.example", "t@x.example", "new@x.example"]


def test_people_changed_it_to_what_we_would_send(loading: Loading, ours: str) -> None:
    loading.forget()
    assert load(loading, 2, city="Rome") == UPDATED
    assert loading.calls(UPSERT) == {}
    assert loading.conflicts("person", "run-2") == []


# -- removed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["delete", "destroy"])
def test_a_changed_record_that_people_removed_is_listed(
    loading: Loading, ours: str, action: str
) -> None:
    loading.remove("person", ours, action)
    before = loading.records("person")
    for run in (2, 3):
        assert load(loading, run, city="Bonn") == GONE
        assert listed(loading, run) == [("city", "Ulm", "Bonn", None, "destination")]
    assert loading.entry("person", "a").last["run"] == "run-2"
    assert load(loading, 4) == GONE
    assert load(loading, 5, city="Bonn", conflicts="source") == GONE
    assert loading.records("person") == before


def test_a_record_that_people_restored_is_picked_up_again(loading: Loading, ours: str) -> None:
    loading.remove("person", ours)
    assert load(loading, 2, jobTitle="Chief") == GONE
    loading.remove("person", ours, "restore")
    assert load(loading, 3, jobTitle="Chief") == UPDATED
    assert (one(loading)["jobTitle"], one(loading)["city"]) == ("Chief", "Rome")


def test_so_is_one_that_the_source_did_not_change_any_more(loading: Loading, ours: str) -> None:
    loading.remove("person", ours)
    assert load(loading, 2, jobTitle="Chief") == GONE
    loading.remove("person", ours, "restore")
    assert load(loading, 3) == RESOLVED
    assert load(loading, 4) == UNCHANGED


def test_a_namesake_does_not_bring_a_removed_record_back(loading: Loading, ours: str) -> None:
    """The source has a new record with the address of one that people threw away."""
    loading.remove("person", ours)
    drafts = [ann(), person("b", emails=["a@x.example"])]
    facts = loading.load("person", drafts, run="run-2")
    held = {"held": {"gone_from_destination": 1}}
    assert facts["outcomes"]["person"] == UNCHANGED | held
    assert one(loading)["deletedAt"]
    assert loading.entry("person", "b").last["detail"] == ours
    loading.remove("person", ours, "restore")
    facts = loading.load("person", drafts, run="run-3")
    assert facts["outcomes"]["person"] == UNCHANGED | {"created": {"new": 1}}
    assert [row["problem"] for row in loading.issues("person", "run-3")] == ["unique_value_taken"]


# -- keys that were given up -------------------------------------------------------------------


def test_an_address_that_was_given_up_is_not_asked_for_by_every_run(loading: Loading) -> None:
    info = {"primaryEmail": "info@x.example", "additionalEmails": []}
    loading.made_by_hand("person", emails=info)
    drafts = [person("a", emails=["info@x.example"])]
    loading.load("person", drafts)
    loading.forget()
    facts = loading.load("person", drafts, run="run-2")
    assert facts["outcomes"]["person"] == UNCHANGED
    assert loading.calls(UPSERT) == {}
