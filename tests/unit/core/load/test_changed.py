"""A second load writes what changed in the source, and nothing that people changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.ledger.objects import unpack
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, company, person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Write

UPSERT = "POST /rest/batch/people"
UNCHANGED = {"unchanged": {"same": 1}}
UPDATED = {"updated": {"source_changed": 1}}
CONFLICT = {"conflict": {"changed_in_both": 1}}
GONE = {"conflict": {"gone_from_destination": 1}}


def ann(**values: Any) -> dict[str, Any]:
    return person("a", **{"jobTitle": "Boss", "city": "Ulm", **values})


@pytest.fixture
def ours(loading: Loading) -> str:
    """Load Ann and return her id."""
    loading.load("person", [ann()])
    loading.forget()
    return str(loading.entry("person", "a").destination_id)


def second(loading: Loading, *, hook: Any = None, run: str = "run-2", **values: Any) -> Any:
    return loading.load("person", [ann(**values)], run=run, hook=hook)["outcomes"]["person"]


def one(loading: Loading) -> dict[str, Any]:
    [record] = loading.records("person")
    return record


def objects(loading: Loading) -> list[str]:
    return [n for n in loading.staging.names("ledger") if n.endswith(".jsonl.gz")]


def test_what_did_not_change_is_not_written(loading: Loading, ours: str) -> None:
    before, ledger = one(loading), objects(loading)
    assert second(loading) == UNCHANGED
    assert loading.calls(UPSERT) == {}
    assert one(loading) == before
    assert objects(loading) == ledger


def test_what_changed_in_the_source_is_written_and_its_image_kept(
    loading: Loading, ours: str
) -> None:
    assert second(loading, city="Bonn") == UPDATED
    record = one(loading)
    assert (record["id"], record["city"], record["jobTitle"]) == (ours, "Bonn", "Boss")
    entry = loading.entry("person", "a")
    assert entry.origin is not None
    assert (entry.origin["outcome"], entry.outcome) == ("created", "updated")
    rows = unpack(loading.staging.read_bytes(entry.last["image"]))
    assert rows is not None
    assert [(row["id"], row["values"]["city"]) for row in rows] == [(ours, "Ulm")]
    assert second(loading, run="run-3", city="Bonn") == UNCHANGED
    loading.reconcile("person", "run-3")


def test_what_the_source_cleared_is_cleared(loading: Loading, ours: str) -> None:
    assert second(loading, city=None) == UPDATED
    assert one(loading)["city"] == ""
    assert second(loading, run="run-3", city=None) == UNCHANGED
    assert second(loading, run="run-4", city="Bonn") == UPDATED


def test_what_people_changed_is_left(loading: Loading, ours: str) -> None:
    loading.edit("person", ours, city="Rome")
    before = one(loading)
    assert second(loading) == UNCHANGED
    assert one(loading) == before


def test_what_both_changed_is_kept_as_people_left_it(loading: Loading, ours: str) -> None:
    loading.edit("person", ours, city="Rome")
    assert second(loading, city="Bonn", jobTitle="Chief") == CONFLICT
    record = one(loading)
    assert (record["city"], record["jobTitle"]) == ("Rome", "Chief")
    assert loading.entry("person", "a").last["detail"] == "city"
    assert second(loading, run="run-3", city="Bonn", jobTitle="Chief") == CONFLICT
    assert one(loading)["city"] == "Rome"


def test_both_made_the_same_change(loading: Loading, ours: str) -> None:
    loading.edit("person", ours, city="Bonn")
    assert second(loading, city="Bonn") == UPDATED
    assert second(loading, run="run-3", city="Bonn") == UNCHANGED


def test_the_time_of_change_alone_is_no_conflict(loading: Loading) -> None:
    """It moves with every change in either place."""
    old, new = "2020-01-01T00:00:00.000Z", "2021-01-01T00:00:00.000Z"
    loading.load("person", [ann(updatedAt=old)])
    loading.edit("person", str(loading.entry("person", "a").destination_id), jobTitle="Chief")
    assert second(loading, city="Bonn", updatedAt=new) == UPDATED
    record = one(loading)
    assert (record["city"], record["jobTitle"]) == ("Bonn", "Chief")
    assert record["updatedAt"] == new
    assert second(loading, run="run-3", city="Bonn", updatedAt=new) == UNCHANGED


def test_an_update_leaves_the_time_of_change_of_the_source(loading: Loading) -> None:
    """Twenty sets it to now with every write that omits it."""
    old = "2020-01-01T00:00:00.000Z"
    loading.load("person", [ann(updatedAt=old)])
    assert second(loading, city="Bonn", updatedAt=old) == UPDATED
    assert one(loading)["updatedAt"] == old
    loading.reconcile("person", "run-2")


@pytest.mark.parametrize("missing", ["unknown", "unresolved"])
def test_what_the_run_cannot_know_is_kept(loading: Loading, missing: str) -> None:
    """Its column was not carried, or its parent is not found this time."""
    loading.load("company", [company("c")])
    loading.load("person", [person("a", "c", city="Ulm")])
    before = one(loading)
    again = person("a", "gone", city="Ulm") if missing == "unresolved" else person("a")
    again |= {"unknown": ["city", "companyId"]} if missing == "unknown" else {}
    facts = loading.load("person", [again], run="run-2")
    assert facts["outcomes"]["person"] == UNCHANGED
    again["values"]["jobTitle"] = "Chief"
    loading.load("person", [again], run="run-3")
    record = one(loading)
    assert (record["city"], record["companyId"]) == ("Ulm", before["companyId"])
    assert record["jobTitle"] == "Chief"
    assert loading.load("person", [person("a")], run="run-4")["outcomes"]["person"] == UPDATED
    assert (one(loading)["city"], one(loading)["companyId"]) == ("", None)


@pytest.mark.parametrize("action", ["delete", "destroy"])
def test_what_people_removed_stays_removed(loading: Loading, ours: str, action: str) -> None:
    loading.remove("person", ours, action)
    before = loading.records("person")
    assert second(loading, city="Bonn") == GONE
    assert loading.records("person") == before
    assert second(loading, run="run-3", city="Bonn") == GONE
    loading.reconcile("person", "run-3")


def test_a_record_whose_update_was_refused_still_stands(loading: Loading) -> None:
    link = [{"url": "https://x.example", "label": None}]
    loading.load("company", [company("c", domainName=link)])
    ours = loading.entry("company", "c").destination_id
    change = [{"url": "ftp://x.example", "label": None}]
    facts = loading.load("company", [company("c", domainName=change)], run="run-2")
    assert facts["outcomes"]["company"] == {"rejected": {"refused": 1}}
    entry = loading.entry("company", "c")
    assert entry.destination_id == ours
    assert entry.last["detail"]
    facts = loading.load("person", [person("p", "c", hold=True)], run="run-2")
    assert facts["outcomes"]["person"] == {"created": {"new": 1}}
    assert one(loading)["companyId"] == ours
    assert loading.reconcile("company", "run-2")["extra"] == []
    facts = loading.load("company", [company("c", domainName=link, name="New")], run="run-3")
    assert facts["outcomes"]["company"] == UPDATED


def test_an_address_that_somebody_else_has_costs_the_address_only(loading: Loading) -> None:
    theirs = "held@x.example"
    loading.made_by_hand("person", emails={"primaryEmail": theirs})
    plain = person("b", emails=["b@x.example"], jobTitle="Clerk")
    loading.load("person", [person("a", emails=["a@x.example"], jobTitle="Clerk"), plain])
    moved = [
        person("a", emails=[theirs], jobTitle="Chief"),
        person("b", emails=["b@x.example"], jobTitle="Chief"),
    ]
    facts = loading.load("person", moved, run="run-2")
    assert facts["outcomes"]["person"] == {"updated": {"source_changed": 2}}
    [issue] = loading.issues("person", "run-2")
    assert (issue["field"], issue["problem"], issue["detail"]) == (
        "emails", "unique_value_taken", theirs,
    )  # fmt: skip
    ours = loading.entry("person", "a").destination_id
    [record] = [r for r in loading.records("person") if r["id"] == ours]
    assert (record["jobTitle"], record["emails"]["primaryEmail"]) == ("Chief", "a@x.example")
    assert record["unusable"] == f"emails: {theirs}"
    loading.reconcile("person", "run-2")
    loading.forget()
    facts = loading.load("person", moved, run="run-3")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}}
    assert loading.calls(UPSERT) == {}
    third = person("a", emails=["third@x.example"], jobTitle="Chief")
    loading.load("person", [third], run="run-4")
    [record] = [r for r in loading.records("person") if r["id"] == ours]
    assert record["emails"]["primaryEmail"] == "third@x.example"


def test_an_address_that_somebody_else_has_may_be_all_that_changed(loading: Loading) -> None:
    loading.made_by_hand("person", emails={"primaryEmail": "held@x.example"})
    loading.load("person", [person("a", emails=["a@x.example"])])
    facts = loading.load("person", [person("a", emails=["held@x.example"])], run="run-2")
    assert facts["outcomes"]["person"] == {"updated": {"source_changed": 1}}
    assert [row["problem"] for row in loading.issues("person", "run-2")] == ["unique_value_taken"]


@pytest.mark.parametrize("kind", ["reply_lost", "5xx"])
@pytest.mark.parametrize("city", ["Bonn", None])
def test_a_lost_reply_to_an_update_is_settled_by_asking(
    loading: Loading, ours: str, kind: str, city: str | None
) -> None:
    loading.fault(kind=kind, method="POST", path="/rest/batch/people")
    assert second(loading, city=city) == UPDATED
    assert one(loading)["city"] == (city or "")
    assert sum(loading.calls(UPSERT).values()) == (1 if kind == "reply_lost" else 2)


def test_a_record_destroyed_while_its_update_is_in_doubt_is_not_made_anew(
    loading: Loading, ours: str
) -> None:
    class Unlucky(TwentyHook):
        def update(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
            loading.fault(kind="5xx", method="POST", path="/rest/batch/people")
            try:
                return super().update(object_name, rows)
            finally:
                loading.remove("person", ours, "destroy")

    assert second(loading, city="Bonn", hook=Unlucky(loading.conn_id)) == GONE
    assert loading.records("person") == []


def test_fields_of_new_records_only_are_not_written_again(loading: Loading) -> None:
    loading.load("person", [ann(createdAt="2011-01-01T00:00:00.000Z")])
    assert second(loading, createdAt="2012-01-01T00:00:00.000Z") == UNCHANGED
    assert one(loading)["createdAt"] == "2011-01-01T00:00:00.000Z"


def test_one_bad_change_does_not_sink_the_others(loading: Loading) -> None:
    drafts = [person(f"p{n}") for n in range(10)]
    loading.load("person", drafts)
    nowhere = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"
    changed = [
        person(f"p{n}", city="Bonn", **({"companyId": nowhere} if n == 4 else {}))
        for n in range(10)
    ]
    facts = loading.load("person", changed, run="run-2")
    assert facts["outcomes"]["person"] == {
        "updated": {"source_changed": 9},
        "rejected": {"refused": 1},
    }
    assert sorted(r["city"] for r in loading.records("person")) == ["", *["Bonn"] * 9]


def test_a_key_moves_from_one_record_to_another_whatever_their_order(loading: Loading) -> None:
    shared = ["info@x.example"]
    loading.load("person", [person("a", emails=[]), person("b", emails=shared)])
    moved = [person("a", emails=shared), person("b", emails=[])]
    facts = loading.load("person", moved, run="run-2")
    assert facts["outcomes"]["person"] == {"updated": {"source_changed": 2}}
    emails = {r["id"]: r["emails"]["primaryEmail"] for r in loading.records("person")}
    ours = {n: emails[str(e.destination_id)] for n, e in loading.entries("person").items()}
    assert ours == {"a": "info@x.example", "b": ""}
