"""The Twenty hook trashes and deletes in few calls, and finds whatever refers to a record."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.protocols import Action

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conformance.conftest import Bench


def new_id() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.hook.describe()
    return bench


def made(bench: Bench, object_name: str, **record: Any) -> str:
    """Make a record as a person of the workspace would."""
    return str(bench.control("person-made", {"object": object_name, "record": record})["id"])


def calls(bench: Bench) -> dict[str, int]:
    found = bench.control("requests")["calls"]
    return {name.partition(" ")[2]: sum(times.values()) for name, times in found.items()}


def ids_of(bench: Bench, object_name: str) -> set[str]:
    return {row["id"] for row in bench.content(object_name)}


def test_a_full_batch_is_deleted_in_one_call_and_the_rest_stays(bench: Bench) -> None:
    ids = [made(bench, "person") for _ in range(201)]
    bench.control("edit", {"object": "person", "id": ids[0], "action": "delete"})
    bench.control("reset-counters", {})
    bench.hook.delete("person", ids[:200])
    assert ids_of(bench, "person") == {ids[200]}
    bench.hook.delete("person", ids[:200])
    assert calls(bench) == {"/graphql destroyPeople": 2}


def test_a_lost_reply_to_a_deletion_is_no_trouble(bench: Bench) -> None:
    ids = [made(bench, "person") for _ in range(3)]
    bench.hook.sleep = lambda seconds: None
    fault = {"kind": "reply_lost", "method": "POST", "path": "/graphql"}
    bench.control("faults", [fault])
    bench.hook.delete("person", ids[:2])
    assert ids_of(bench, "person") == {ids[2]}


def test_records_go_into_the_trash_and_come_back(bench: Bench) -> None:
    ids = [made(bench, "company") for _ in range(3)]
    bench.hook.trash("company", ids[:2])
    assert {i for i, row in bench.hook.read("company", ids).items() if row.trashed} == set(ids[:2])
    bench.hook.restore("company", ids[:1])
    assert {i for i, row in bench.hook.read("company", ids).items() if row.trashed} == {ids[1]}


def test_nothing_to_do_is_never_a_filter_that_takes_everything(bench: Bench) -> None:
    kept = made(bench, "person")
    bench.control("reset-counters", {})
    bench.hook.delete("person", [])
    bench.hook.trash("person", [])
    assert bench.hook.children("person", []) == {}
    assert bench.hook.traces("task", []) == 0
    assert bench.control("requests")["total"] == 0
    assert ids_of(bench, "person") == {kept}


def test_whatever_refers_to_a_record_is_found_in_one_call(bench: Bench) -> None:
    ann, bob, cid = (made(bench, "person") for _ in range(3))
    note, task = made(bench, "note"), made(bench, "task")
    refers = {
        ("noteTarget", made(bench, "noteTarget", noteId=note, targetPersonId=ann)),
        ("taskTarget", made(bench, "taskTarget", taskId=task, targetPersonId=ann)),
        ("attachment", made(bench, "attachment", name="a", targetPersonId=ann)),
        ("opportunity", made(bench, "opportunity", pointOfContactId=ann)),
        ("messageListMember", made(bench, "messageListMember", personId=ann)),
    }
    trashed = made(bench, "noteTarget", noteId=note, targetPersonId=bob)
    bench.control("edit", {"object": "noteTarget", "id": trashed, "action": "delete"})
    bench.control("reset-counters", {})
    found = bench.hook.children("person", [ann, bob, cid])
    assert {i: set(children) for i, children in found.items()} == {ann: refers}
    assert bench.control("requests")["total"] == 1


def test_custom_objects_and_fields_count_too(bench: Bench) -> None:
    made_object = {
        "nameSingular": "venue", "namePlural": "venues",
        "labelSingular": "Venue", "labelPlural": "Venues",
    }  # fmt: skip
    bench.hook.call("POST", "/rest/metadata/objects", json=made_object, limited=False)
    objects = {o["nameSingular"]: o["id"] for o in bench.hook.metadata._objects()}
    for name in ("host", "guest"):
        relation = {
            "type": "MANY_TO_ONE", "targetObjectMetadataId": objects["person"],
            "targetFieldLabel": f"{name} of", "targetFieldIcon": "IconTag",
        }  # fmt: skip
        field = {
            "objectMetadataId": objects["venue"], "type": "RELATION", "name": name, "label": name,
            "relationCreationPayload": relation,
        }  # fmt: skip
        bench.hook.call("POST", "/rest/metadata/fields", json=field, limited=False)
    bench.hook.describe()
    ann, bob = made(bench, "person"), made(bench, "person")
    venue = made(bench, "venue", name="Hall", hostId=ann, guestId=bob)
    assert bench.hook.children("person", [ann, bob]) == {
        ann: [("venue", venue)], bob: [("venue", venue)],
    }  # fmt: skip
    note = made(bench, "note")
    target = made(bench, "noteTarget", noteId=note, targetVenueId=venue)
    assert bench.hook.children("venue", [venue]) == {venue: [("noteTarget", target)]}


def test_more_of_them_than_fit_on_a_page_are_found(twenty: Callable[..., Bench]) -> None:
    bench = twenty(extra={"read_size": 4})
    bench.hook.describe()
    ann = made(bench, "person")
    deals = {("opportunity", made(bench, "opportunity", pointOfContactId=ann)) for _ in range(9)}
    files = {("attachment", made(bench, "attachment", targetPersonId=ann)) for _ in range(5)}
    bench.control("reset-counters", {})
    assert set(bench.hook.children("person", [ann])[ann]) == deals | files
    assert bench.control("requests")["total"] == 3


def test_what_is_known_is_not_told_again(bench: Bench) -> None:
    task, ann = made(bench, "task"), made(bench, "person")
    ours = [made(bench, "taskTarget", taskId=task, targetPersonId=ann) for _ in range(130)]
    theirs = made(bench, "taskTarget", taskId=task)
    bench.control("reset-counters", {})
    assert bench.hook.children("task", [task], ours) == {task: [("taskTarget", theirs)]}
    assert bench.control("requests")["total"] == 1
    bench.hook.children("task", [task])
    assert bench.control("requests")["total"] > 2


def test_what_the_server_ties_to_a_record_by_itself_is_nobodys_work(bench: Bench) -> None:
    ann = made(bench, "person")
    made(bench, "messageParticipant", personId=ann, handle="ann@x.example")
    made(bench, "calendarEventParticipant", personId=ann, handle="ann@x.example")
    assert bench.content("timelineActivity")
    assert bench.hook.children("person", [ann]) == {}


def test_the_timeline_of_what_is_deleted_is_counted_where_it_stays(bench: Bench) -> None:
    ids = {name: [made(bench, name) for _ in range(2)] for name in ("person", "task")}
    bench.control("edit", {"object": "task", "id": ids["task"][0], "record": {"title": "x"}})
    assert bench.hook.traces("task", ids["task"]) == 3
    assert bench.hook.traces("person", ids["person"]) == 0
    for name, found in ids.items():
        bench.hook.delete(name, found)
    left = [row for row in bench.content("timelineActivity") if row["name"].startswith("task")]
    assert len(left) == 3
    assert not any(row["name"].startswith("person") for row in bench.content("timelineActivity"))


def test_a_call_costs_what_its_parts_cost(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each list of a request counts against the limit: none is asked for beyond it."""
    ann = made(bench, "person")
    bench.control("reset-counters", {})
    spent: list[float] = []
    monkeypatch.setattr(bench.hook.limiter, "acquire", lambda weight=1: spent.append(weight))
    bench.hook.children("person", [ann])
    bench.hook.delete("person", [ann])
    lists = next(name for name in calls(bench) if "noteTargets" in name)
    assert spent == [len(lists.rpartition(" ")[2].split(",")), 1]
    foretold = (bench.hook.cost(action, "person", 1) for action in (Action.CHILDREN, Action.DELETE))
    assert [cost for costs in foretold for cost in costs] == spent
