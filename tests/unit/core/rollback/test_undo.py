"""A rollback deletes what we made, restores what we wrote over and keeps what people worked on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from tests.support.loading import company, person, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading
    from tests.support.rolling_back import RollingBack


def load(loading: Loading, run: str = "run-1", **files: Any) -> None:
    """Load two companies, three people, two tasks and a file."""
    loading.load("company", [company("c"), company("d")], run=run)
    people = [person("a", "c"), person("b", "d"), person("e")]
    loading.load("person", people, run=run)
    loading.load("task", [task("t", "a", "b"), task("u", "e")], run=run)
    loading.load("attachment", [loading.file("f", "a", b"x")], run=run)


def the(loading: Loading, phase: str, source_id: str) -> str:
    return str(loading.entry(phase, source_id).destination_id)


def test_everything_that_we_made_is_gone(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    assert rolling.whole() == {
        "attachment": {"delete": 1}, "task": {"delete": 2},
        "person": {"delete": 3}, "company": {"delete": 2},
    }  # fmt: skip
    assert rolling.left() == {}
    assert not any(e.stands for p in loading.mapping.phases for e in loading.entries(p).values())
    assert not any(e.stands for e in loading.entries("task", principal=False).values())


def test_a_link_that_was_removed_since_is_in_nobodys_way(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    loading.load("task", [task("t", "b"), task("u", "a", "e")], run="run-2")
    assert rolling.whole()["task"] == {"delete": 2}
    assert rolling.left() == {}


def test_a_load_afterwards_begins_anew(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    before = rolling.left()
    rolling.whole()
    load(loading, "run-2")
    for phase in ("company", "person", "task"):
        loading.reconcile(phase, "run-2")
    assert {n: {r["id"] for r in rows} for n, rows in rolling.left().items()} == {
        n: {r["id"] for r in rows} for n, rows in before.items()
    }


def test_an_edited_record_stays_and_is_listed_with_its_parents(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    loading.edit("task", the(loading, "task", "t"), title="Changed")
    ids = {n: the(loading, p, n) for p, n in (("task", "t"), ("person", "a"), ("person", "b"))}
    done = rolling.whole()
    assert done["task"] == {"delete": 1, "keep": 1}
    assert done["person"] == {"delete": 1, "keep": 2}
    assert done["company"] == {"keep": 2}
    assert rolling.last is not None
    tasks, people = (rolling.last.rows("undone", p) for p in ("task", "person"))
    assert (tasks[ids["t"]]["reason"], tasks[ids["t"]]["differs"]) == ("edited_since", ["title"])
    assert {people[ids[n]]["reason"] for n in "ab"} == {"child_kept"}
    left = rolling.left()
    assert {r["taskId"] for r in left["taskTarget"]} == {ids["t"]}
    assert len(left["taskTarget"]) == 2
    assert "attachment" not in left


@pytest.mark.parametrize("field", ["jobTitle", "city"])
def test_a_field_that_was_blank_counts_too(
    loading: Loading, rolling: RollingBack, field: str
) -> None:
    loading.load("person", [person("a")])
    ours = the(loading, "person", "a")
    loading.edit("person", ours, **{field: "Filled in"})
    assert rolling.whole()["person"] == {"keep": 1}
    assert rolling.last is not None
    assert rolling.last.rows("undone", "person")[ours]["differs"] == [field, "updatedAt"]


def test_an_edit_of_a_field_that_we_do_not_map_shows_in_the_time_of_change(
    loading: Loading, rolling: RollingBack
) -> None:
    """Also where the source gave no time."""
    timed = person("a", updatedAt="2020-01-01T00:00:00.000Z")
    loading.load("person", [timed, person("b"), person("c")])
    edited = {the(loading, "person", name) for name in "ab"}
    for ours in edited:
        loading.edit("person", ours, avatarUrl="https://x.example/a.png")
    assert rolling.whole()["person"] == {"keep": 2, "delete": 1}
    assert rolling.last is not None
    undone = rolling.last.rows("undone", "person")
    kept = {ours: row["differs"] for ours, row in undone.items() if row["fate"] == "keep"}
    assert kept == {ours: ["updatedAt"] for ours in edited}


def test_a_time_of_change_that_our_own_update_moved_says_nothing(
    loading: Loading, rolling: RollingBack
) -> None:
    loading.load("person", [person("a"), person("b")])
    loading.load("person", [person("a", jobTitle="Chief"), person("b")], run="run-2")
    assert rolling.whole()["person"] == {"delete": 2}


def test_an_attachment_that_holds_another_file_since_is_kept(
    loading: Loading, rolling: RollingBack
) -> None:
    loading.load("person", [person("a")])
    loading.load("attachment", [loading.file(name, "a", b"ours") for name in "fg"])
    ours = the(loading, "attachment", "f")
    file_id = loading.hook.upload("f.txt", 6, io.BytesIO(b"theirs"), print)
    loading.edit("attachment", ours, file=[{"fileId": file_id, "label": "f.txt"}])
    assert rolling.whole()["attachment"] == {"keep": 1, "delete": 1}
    assert rolling.last is not None
    row = rolling.last.rows("undone", "attachment")[ours]
    assert (row["fate"], row["reason"], row["differs"]) == ("keep", "edited_since", ["file"])


CHILDREN: dict[str, Callable[[Loading, str], dict[str, Any]]] = {
    "noteTarget": lambda loading, ours: {
        "noteId": loading.made_by_hand("note", title="Called")["id"], "targetPersonId": ours,
    },
    "taskTarget": lambda loading, ours: {
        "taskId": loading.made_by_hand("task", title="Call")["id"], "targetPersonId": ours,
    },
    "attachment": lambda loading, ours: {"name": "offer.pdf", "targetPersonId": ours},
    "opportunity": lambda loading, ours: {"name": "Deal", "pointOfContactId": ours},
}  # fmt: skip


@pytest.mark.parametrize("kind", CHILDREN)
def test_what_people_hung_on_a_record_keeps_it(
    loading: Loading, rolling: RollingBack, kind: str
) -> None:
    load(loading)
    ours = the(loading, "person", "a")
    theirs = loading.made_by_hand(kind, **CHILDREN[kind](loading, ours))
    before = [r for r in loading.records("person") if r["id"] == ours]
    done = rolling.whole()
    assert (done["person"], done["company"]) == ({"keep": 1, "delete": 2}, {"keep": 1, "delete": 1})
    assert rolling.last is not None
    row = rolling.last.rows("undone", "person")[ours]
    assert (row["reason"], row["children"]) == ("has_foreign_children", [[kind, theirs["id"]]])
    assert rolling.left()["person"] == before
    assert [r["id"] for r in rolling.left()[kind]] == [theirs["id"]]


def test_a_link_that_people_added_to_our_task_keeps_it(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    ours, person_id = the(loading, "task", "t"), the(loading, "person", "e")
    loading.made_by_hand("taskTarget", taskId=ours, targetPersonId=person_id)
    done = rolling.whole()
    assert done["task"] == {"keep": 1, "delete": 1}
    assert done["person"] == {"keep": 3}


def test_what_people_trashed_or_destroyed_is_gone_for_good(
    loading: Loading, rolling: RollingBack
) -> None:
    """In the trash it would take its e-mail address and its id away from a later load."""
    load(loading)
    loading.remove("person", the(loading, "person", "a"))
    loading.remove("person", the(loading, "person", "b"), "destroy")
    done = rolling.whole()
    assert done["person"] == {"delete": 2, "gone": 1}
    assert rolling.left() == {}
    assert not loading.entry("person", "b").stands


def test_an_edited_link_of_a_record_that_goes_does_not_matter_but_its_own_reference_does(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    loading.edit("person", the(loading, "person", "b"), companyId=the(loading, "company", "c"))
    done = rolling.whole()
    assert done["person"] == {"delete": 2, "keep": 1}
    assert done["company"] == {"keep": 1, "delete": 1}
    assert [r["id"] for r in rolling.left()["company"]] == [the(loading, "company", "c")]


def test_records_of_one_object_that_refer_to_each_other_stay_together(
    loading: Loading, rolling: RollingBack
) -> None:
    """A chain that hangs on an edited one stays, in whatever order they are looked at."""
    mentor = FieldSpec("mentorId", FieldType.REFERENCE, "Mentor", references=("person",))
    loading.hook.ensure_schema([ObjectSpec("person", "", {mentor.name: mentor})], dry_run=False)
    names = [f"p{n}" for n in range(5)]
    loading.load("person", [person(n, updatedAt="2020-01-01T00:00:00.000Z") for n in names])
    ids = [the(loading, "person", name) for name in names]
    for pupil, teacher in ((3, 1), (1, 4), (4, 0)):
        at = {"updatedAt": "2020-01-01T00:00:00.000Z"}
        loading.edit("person", ids[pupil], mentorId=ids[teacher], **at)
    loading.edit("person", ids[3], jobTitle="By hand")
    assert rolling.whole()["person"] == {"keep": 4, "delete": 1}
    left = {row["id"]: row["mentorId"] for row in rolling.left()["person"]}
    assert left == {ids[3]: ids[1], ids[1]: ids[4], ids[4]: ids[0], ids[0]: None}
