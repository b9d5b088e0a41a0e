"""A load that dies in the middle of a write is taken up where it was, whatever it was writing."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, person, task
from tests.support.rolling_back import RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.protocols import Stored, Write

ANN = "ann@x.example"
MOMENTS = pytest.mark.parametrize("when", ["before", "after"])


class Died(BaseException):
    """The process is no more; nothing in it catches this."""


class Mortal(TwentyHook):
    """Dies before or after one of its calls."""

    fatal = ("create", "before")

    def _around(self, name: str, call: Callable[[], Any]) -> Any:
        if self.fatal == (name, "before"):
            raise Died
        result = call()
        if self.fatal == (name, "after"):
            raise Died
        return result

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
        name = "join" if object_name == "taskTarget" else "create"
        return list(self._around(name, lambda: super(Mortal, self).create(object_name, rows)))

    def update(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
        return list(self._around("update", lambda: super(Mortal, self).update(object_name, rows)))

    def restore(self, object_name: str, ids: Sequence[str]) -> None:
        self._around("restore", lambda: super(Mortal, self).restore(object_name, ids))

    def delete(self, object_name: str, ids: Sequence[str]) -> None:
        self._around("delete", lambda: super(Mortal, self).delete(object_name, ids))

    def upload(self, name: str, *more: Any) -> str:
        up = self._around(name, lambda: super(Mortal, self).upload(name, *more))
        return str(up)

    def download(self, attachment: Stored) -> IO[bytes]:
        return self._around("download", lambda: super(Mortal, self).download(attachment))


def die(loading: Loading, phase: str, call: str, when: str, *, run: str = "run-1") -> None:
    """Load a phase that was loaded or prepared before, and die."""
    hook = Mortal(loading.conn_id)
    hook.fatal = (call, when)
    with pytest.raises(Died):
        loading.load_again(phase, run=run, hook=hook)


@MOMENTS
def test_creations(loading: Loading, when: str) -> None:
    loading.transform("person", [person(f"p{n}") for n in range(70)])
    die(loading, "person", "create", when)
    assert len(loading.open_intents("person")) == 60
    loading.forget()
    loading.load_again("person")
    assert len(loading.records("person")) == 70
    assert {e.last["reason"] for e in loading.entries("person").values()} == {"new"}
    assert sum(loading.calls("POST /rest/batch/people").values()) == (1 if when == "after" else 2)
    assert not loading.open_intents("person")
    assert loading.reconcile("person")["counted"] == 70


def test_a_creation_that_people_threw_away_meanwhile_is_not_brought_back(loading: Loading) -> None:
    loading.transform("person", [person("a"), person("b")])
    die(loading, "person", "create", "after")
    gone = loading.records("person")[0]["id"]
    loading.remove("person", gone)
    facts = loading.load_again("person")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 2}}
    trashed = [r["id"] for r in loading.records("person") if r["deletedAt"]]
    assert trashed == [gone]


@MOMENTS
def test_join_rows(loading: Loading, when: str) -> None:
    loading.load("person", [person("a"), person("b")])
    loading.transform("task", [task("t", "a", "b")])
    die(loading, "task", "join", when)
    facts = loading.load_again("task")
    assert facts["joins"] == ({"unchanged": 2} if when == "after" else {"created": 2})
    assert len(loading.records("taskTarget")) == 2
    assert len(loading.records("task")) == 1


@MOMENTS
def test_links_that_are_gone_from_the_source(loading: Loading, when: str) -> None:
    loading.load("person", [person("a"), person("b")])
    loading.load("task", [task("t", "a", "b")])
    loading.transform("task", [task("t", "b")], run="run-2")
    die(loading, "task", "delete", when, run="run-2")
    facts = loading.load_again("task", run="run-2")
    assert facts["joins"].get("deleted", 0) == (0 if when == "after" else 1)
    last = loading.entries("task", principal=False)["taskTarget:contact:a"].last
    assert (last["outcome"], last["reason"]) == ("deleted", "link_gone_from_source")
    assert len(loading.records("taskTarget")) == 1
    assert not loading.open_intents("task")


@MOMENTS
@pytest.mark.parametrize("city", ["Bonn", None])
def test_updates(loading: Loading, when: str, city: str | None) -> None:
    loading.load("person", [person("a", city="Ulm", jobTitle="Boss")])
    loading.transform("person", [person("a", city=city, jobTitle="Boss")], run="run-2")
    die(loading, "person", "update", when, run="run-2")
    loading.load_again("person", run="run-2")
    entry = loading.entry("person", "a")
    assert (entry.last["outcome"], entry.last["reason"]) == ("updated", "source_changed")
    assert entry.last["image"]
    assert loading.records("person")[0]["city"] == (city or "")
    loading.load("person", [person("a", city="Rome", jobTitle="Boss")], run="run-3")
    assert loading.records("person")[0]["city"] == "Rome"


@MOMENTS
def test_an_update_that_left_something_to_people_stays_a_conflict(
    loading: Loading, when: str
) -> None:
    loading.load("person", [person("a", city="Ulm", jobTitle="Boss")])
    loading.edit("person", str(loading.entry("person", "a").destination_id), city="Rome")
    loading.transform("person", [person("a", city="Bonn", jobTitle="Chief")], run="run-2")
    die(loading, "person", "update", when, run="run-2")
    loading.load_again("person", run="run-2")
    last = loading.entry("person", "a").last
    assert (last["outcome"], last["detail"]) == ("conflict", "city")
    record = loading.records("person")[0]
    assert (record["city"], record["jobTitle"]) == ("Rome", "Chief")


def test_a_change_by_people_right_after_the_crash_is_theirs(loading: Loading) -> None:
    loading.load("person", [person("a", city="Ulm")])
    loading.transform("person", [person("a", city="Bonn")], run="run-2")
    die(loading, "person", "update", "after", run="run-2")
    loading.edit("person", str(loading.entry("person", "a").destination_id), city="Rome")
    loading.load_again("person", run="run-2")
    assert loading.records("person")[0]["city"] == "Rome"
    assert loading.entry("person", "a").last["outcome"] == "conflict"


@MOMENTS
@pytest.mark.parametrize(("call", "trashed"), [("restore", 1), ("update", 1), ("update", 0)])
def test_existing_records_are_filled_all_the_same(
    make_loading: Callable[..., Loading], call: str, when: str, trashed: bool
) -> None:
    loading = make_loading("fill")
    emails = {"primaryEmail": ANN, "additionalEmails": []}
    theirs = loading.made_by_hand("person", emails=emails)["id"]
    if trashed:
        loading.remove("person", theirs)
    loading.transform("person", [person("a", emails=[ANN], city="Ulm")])
    die(loading, "person", call, when)
    loading.load_again("person")
    [record] = loading.records("person")
    assert (record["id"], record["deletedAt"], record["city"]) == (theirs, None, "Ulm")
    entry = loading.entry("person", "a")
    assert entry.origin is not None
    assert entry.origin["outcome"] == ("restored" if trashed else "linked")
    assert entry.last["outcome"] == "updated"
    loading.reconcile("person")


@pytest.mark.parametrize(
    ("call", "when", "loose", "unknown"),
    [
        ("f1.txt", "before", 1, 1),  # f0 is up and told; whether f1 was begun nobody knows
        ("f1.txt", "after", 2, 1),  # f1 is up, its id was never told
        ("create", "before", 3, 0),
        ("create", "after", 0, 0),
        ("download", "before", 0, 0),
        ("download", "after", 0, 0),
    ],
)
def test_attachments_and_what_their_uploads_leave_behind(
    loading: Loading, call: str, when: str, loose: int, unknown: int
) -> None:
    loading.load("person", [person("a")])
    loading.transform("attachment", [loading.file(f"f{n}", "a", b"%d" % n) for n in range(3)])
    die(loading, "attachment", call, when)
    facts = loading.load_again("attachment")
    records = loading.records("attachment")
    assert sorted(r["name"] for r in records) == ["f0.txt", "f1.txt", "f2.txt"]
    for entry in loading.entries("attachment").values():
        assert entry.last["reason"] == "new"
        assert entry.last["sent"]["file"] == entry.last["stored"]["file"]
    left = {f["id"] for f in loading.control("content")["files"] if not f["record"]}
    named = [row["id"] for row in facts["residue"]]
    assert len(left) == loose
    assert named.count("") == unknown
    assert set(named) - {""} <= left
    assert len(left - set(named)) <= unknown
    assert loading.load_again("attachment")["residue"] == facts["residue"]


def test_an_upload_is_not_told_of_twice(loading: Loading) -> None:
    """A second death at the same file leaves a second loose upload, and both are listed."""
    loading.load("person", [person("a")])
    loading.transform("attachment", [loading.file("f0", "a", b"0")])
    for _ in range(2):
        die(loading, "attachment", "create", "before")
    facts = loading.load_again("attachment")
    left = [f["id"] for f in loading.control("content")["files"] if not f["record"]]
    assert sorted(row["id"] for row in facts["residue"]) == sorted(left)
    assert len(left) == 2


def test_a_batch_that_was_being_split(loading: Loading) -> None:
    """Some halves are written, some are not, and the bad record is not found yet."""

    class Splitting(TwentyHook):
        calls = 0

        def create(self, object_name: str, rows: Sequence[Write]) -> list[Any]:
            self.calls += 1
            if self.calls == 5:
                raise Died
            return super().create(object_name, rows)

    nowhere = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"
    drafts = [person(f"p{n}", **({"companyId": nowhere} if n == 9 else {})) for n in range(16)]
    loading.transform("person", drafts)
    with pytest.raises(Died):
        loading.load_again("person", hook=Splitting(loading.conn_id))
    assert 0 < len(loading.records("person")) < 15
    loading.load_again("person")
    assert len(loading.records("person")) == 15
    reasons = [e.last["reason"] for e in loading.entries("person").values()]
    assert sorted(set(reasons)) == ["new", "refused"]
    assert reasons.count("refused") == 1
    loading.reconcile("person")


# -- somebody edits a field between the crash and the next attempt -------------------------


def jobs(loading: Loading) -> dict[str, Any]:
    [record] = loading.records("person")
    return {name: record[name] for name in ("jobTitle", "city")}


@pytest.mark.parametrize("policy", ["update", "fill"])
def test_what_people_edit_after_a_crash_is_theirs_field_by_field(
    make_loading: Callable[..., Loading], policy: str
) -> None:
    loading = make_loading(policy)
    before = {"jobTitle": "Theirs", "city": "Bath"} if policy == "update" else {}
    theirs = loading.made_by_hand("person", emails={"primaryEmail": ANN}, **before)["id"]
    loading.transform("person", [person("a", emails=[ANN], jobTitle="Ours", city="Leeds")])
    die(loading, "person", "update", "after")
    loading.edit("person", theirs, city="By hand")
    facts = loading.load_again("person")
    assert jobs(loading) == {"jobTitle": "Ours", "city": "By hand"}
    assert facts["outcomes"]["person"] == {"conflict": {"changed_in_both": 1}}
    assert [row["field"] for row in loading.conflicts("person")] == ["city"]
    rolling = RollingBack(loading)
    rolling.whole()
    found = {name: value or "" for name, value in jobs(loading).items()}
    assert found == {"jobTitle": before.get("jobTitle", ""), "city": "By hand"}


def test_even_where_it_is_all_that_was_written(make_loading: Callable[..., Loading]) -> None:
    loading = make_loading("fill")
    theirs = loading.made_by_hand("person", emails={"primaryEmail": ANN})["id"]
    draft = person("a", emails=[ANN], city="Leeds")
    del draft["values"]["migrationSourceId"]
    loading.transform("person", [draft])
    die(loading, "person", "update", "after")
    loading.edit("person", theirs, city="By hand")
    loading.load_again("person")
    assert jobs(loading)["city"] == "By hand"
    assert loading.entry("person", "a").last["outcome"] == "conflict"


def test_what_was_not_written_before_the_crash_is_written_all_the_same(
    make_loading: Callable[..., Loading],
) -> None:
    loading = make_loading("update")
    before = {"jobTitle": "Theirs", "city": "Bath"}
    theirs = loading.made_by_hand("person", emails={"primaryEmail": ANN}, **before)["id"]
    loading.transform("person", [person("a", emails=[ANN], jobTitle="Ours", city="Leeds")])
    die(loading, "person", "update", "before")
    loading.edit("person", theirs, city="By hand")
    loading.load_again("person")
    assert jobs(loading) == {"jobTitle": "Ours", "city": "By hand"}
    RollingBack(loading).whole()
    assert jobs(loading) == {"jobTitle": "Theirs", "city": "By hand"}


def test_of_an_update_of_ours_too(loading: Loading) -> None:
    loading.load("person", [person("a", jobTitle="Clerk", city="Ulm")])
    loading.transform("person", [person("a", jobTitle="Chief", city="Bonn")], run="run-2")
    die(loading, "person", "update", "after", run="run-2")
    loading.edit("person", str(loading.entry("person", "a").destination_id), city="Rome")
    loading.load_again("person", run="run-2")
    assert jobs(loading) == {"jobTitle": "Chief", "city": "Rome"}
    [row] = loading.conflicts("person", "run-2")
    assert (row["field"], row["before"], row["source"]) == ("city", "Ulm", "Bonn")
    loading.load("person", [person("a", jobTitle="Boss", city="Bonn")], run="run-3")
    assert jobs(loading) == {"jobTitle": "Boss", "city": "Rome"}
