"""Every write is read back and compared: what is stored as anything else is told."""

from __future__ import annotations

import hashlib
import io
from typing import IO, TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.steps.reconcile import NotReconciled
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, company, person
from tests.support.rolling_back import Died, Mortal, RollingBack

if TYPE_CHECKING:
    from collections.abc import Sequence

DIFFERENT = {"created": {"stored_differently": 1}}


def test_a_value_that_is_stored_differently_is_named(loading: Loading) -> None:
    """Twenty writes addresses in small letters."""
    facts = loading.load("person", [person("a", emails=["Ann@X.example"], city="Ulm")])
    assert facts["outcomes"]["person"] == DIFFERENT
    entry = loading.entry("person", "a")
    assert entry.last["detail"] == "emails"
    assert entry.last["sent"]["city"] == entry.last["stored"]["city"]
    assert entry.last["sent"]["emails"] != entry.last["stored"]["emails"]
    loading.reconcile("person")


def test_it_is_no_change_in_the_next_run(loading: Loading) -> None:
    loading.load("person", [person("a", emails=["Ann@X.example"])])
    facts = loading.load("person", [person("a", emails=["Ann@X.example"])], run="run-2")
    assert facts["outcomes"]["person"] == {"unchanged": {"same": 1}}
    facts = loading.load("person", [person("a", emails=["Bob@X.example"])], run="run-3")
    assert facts["outcomes"]["person"] == {"updated": {"stored_differently": 1}}
    assert loading.records("person")[0]["emails"]["primaryEmail"] == "bob@x.example"


def test_a_value_that_the_destination_loses_is_named(loading: Loading) -> None:
    class Forgetful(TwentyHook):
        """What it writes somebody cuts short before the reply is read."""

        def create(self, object_name: str, rows: Sequence[Any]) -> list[Any]:
            super().create(object_name, rows)
            for row in rows:
                loading.edit(object_name, row.id, city="", jobTitle="B")
            found = self.read(object_name, [row.id for row in rows])
            return [found[row.id] for row in rows]

    draft = person("a", city="Ulm", jobTitle="Boss")
    facts = loading.load("person", [draft], hook=Forgetful(loading.conn_id))
    assert facts["outcomes"]["person"] == DIFFERENT
    assert loading.entry("person", "a").last["detail"] == "city, jobTitle"


def test_so_is_one_that_is_found_when_a_lost_reply_is_settled(loading: Loading) -> None:
    loading.fault(kind="reply_lost", method="POST", path="/rest/batch/people")
    facts = loading.load("person", [person("a", emails=["Ann@X.example"])])
    assert facts["outcomes"]["person"] == DIFFERENT


def files(loading: Loading) -> list[dict[str, Any]]:
    loading.load("person", [person("a")])
    return [loading.file(f"f{n}", "a", b"content %d" % n) for n in range(3)]


def test_files_are_attached_and_read_back(loading: Loading) -> None:
    facts = loading.load("attachment", files(loading))
    assert facts["outcomes"]["attachment"] == {"created": {"new": 3}}
    assert facts["residue"] == []
    entry = loading.entry("attachment", "f1")
    assert entry.last["sent"]["file"] == entry.last["stored"]["file"]
    kept = {f["record"]: f["sha256"] for f in loading.control("content")["files"]}
    assert {r["id"] for r in loading.records("attachment")} == kept.keys()
    facts = loading.load("attachment", files(loading), run="run-2")
    assert facts["outcomes"]["attachment"] == {"unchanged": {"same": 3}}
    assert len(loading.control("content")["files"]) == 3
    loading.reconcile("attachment", "run-2")


def test_a_file_that_changed_in_the_source_is_told(loading: Loading) -> None:
    drafts = files(loading)
    loading.load("attachment", drafts)
    kept = loading.records("attachment")
    drafts[1] = loading.file("f1", "a", b"another")
    for run in ("run-2", "run-3"):
        facts = loading.load("attachment", drafts, run=run)
        told = {"unchanged": {"same": 2}, "conflict": {"file_changed": 1}}
        assert facts["outcomes"]["attachment"] == told
        loading.reconcile("attachment", run)
    [row] = loading.conflicts("attachment", "run-3")
    assert (row["reason"], row["kept"], row["id"]) == (
        "file_changed", "destination", loading.entry("attachment", "f1").destination_id,
    )  # fmt: skip
    then, now = (hashlib.sha256(one).hexdigest() for one in (b"content 1", b"another"))
    assert (row["field"], row["before"], row["source"]) == ("file", then, now)
    assert loading.entry("attachment", "f1").last["run"] == "run-2"
    assert len(loading.control("content")["files"]) == len(kept) == 3


@pytest.fixture
def moved(loading: Loading) -> Loading:
    """Return what an attachment was loaded into, and prepare that it is renamed and moved."""
    loading.load("person", [person("a"), person("b")])
    loading.load("attachment", [loading.file("f", "a", b"x")])
    draft = loading.file("f", "b", b"x")
    draft["values"]["name"] = "new.txt"
    loading.transform("attachment", [draft], run="run-2")
    return loading


def name_and_place(loading: Loading) -> tuple[str, str]:
    [record] = loading.records("attachment")
    ids = {e.destination_id: name for name, e in loading.entries("person").items()}
    return record["name"], ids[record["targetPersonId"]]


CHANGED = {"updated": {"source_changed": 1}}


def test_a_file_that_was_renamed_and_moved_follows(moved: Loading) -> None:
    facts = moved.load_again("attachment", run="run-2")
    assert facts["outcomes"]["attachment"] == CHANGED
    assert name_and_place(moved) == ("new.txt", "b")
    assert len(moved.control("content")["files"]) == 1
    moved.reconcile("attachment", "run-2")
    facts = moved.load_again("attachment", run="run-2")
    assert facts["outcomes"]["attachment"] == {"unchanged": {"same": 1}}
    assert RollingBack(moved).whole()["attachment"] == {"delete": 1}


def test_so_it_does_when_the_load_dies_over_it(moved: Loading) -> None:
    hook = Mortal(TwentyHook(moved.conn_id), "update", 1, "after")
    with pytest.raises(Died):
        moved.load_again("attachment", run="run-2", hook=hook)
    moved.load_again("attachment", run="run-2")
    last = moved.entry("attachment", "f").last
    assert (last["reason"], bool(last["file_id"])) == ("source_changed", True)
    assert name_and_place(moved) == ("new.txt", "b")
    assert not moved.open_intents("attachment")


def test_what_people_did_to_its_name_is_theirs(moved: Loading) -> None:
    [record] = moved.records("attachment")
    moved.edit("attachment", record["id"], name="by hand.txt")
    facts = moved.load_again("attachment", run="run-2")
    assert facts["outcomes"]["attachment"] == {"conflict": {"changed_in_both": 1}}
    assert name_and_place(moved) == ("by hand.txt", "b")


def test_a_file_that_moved_and_is_another_now_moves_and_is_told(moved: Loading) -> None:
    for run in ("run-2", "run-3"):
        facts = moved.load("attachment", [moved.file("f", "b", b"y")], run=run)
        assert facts["outcomes"]["attachment"] == {"conflict": {"file_changed": 1}}
        assert [row["field"] for row in moved.conflicts("attachment", run)] == ["file"]
    assert name_and_place(moved) == ("f.txt", "b")


def test_a_file_that_moved_and_that_people_removed_stays_removed(moved: Loading) -> None:
    [record] = moved.records("attachment")
    moved.remove("attachment", record["id"], "destroy")
    for _ in range(2):
        facts = moved.load_again("attachment", run="run-2")
        assert facts["outcomes"]["attachment"] == {"conflict": {"gone_from_destination": 1}}
    assert moved.records("attachment") == []
    back = moved.load("attachment", [moved.file("f", "a", b"x")], run="run-3")
    assert back["outcomes"]["attachment"] == {"conflict": {"gone_from_destination": 1}}


def test_a_file_that_comes_back_different_is_named(loading: Loading) -> None:
    class Garbling(TwentyHook):
        def upload(self, name: str, size: int, content: IO[bytes], abandoned: Any) -> str:
            if name == "f1.txt":
                content = io.BytesIO(content.read().swapcase())
            return super().upload(name, size, content, abandoned)

    facts = loading.load("attachment", files(loading), hook=Garbling(loading.conn_id))
    assert facts["outcomes"]["attachment"] == {"created": {"new": 2, "file_differs": 1}}
    last = loading.entry("attachment", "f1").last
    assert last["reason"] == "file_differs"
    assert last["sent"]["file"] != last["stored"]["file"]


def test_a_file_that_is_refused_is_rejected_alone(loading: Loading) -> None:
    drafts = files(loading)
    drafts[1]["values"]["name"] = "f1.pdf"
    facts = loading.load("attachment", drafts)
    assert facts["outcomes"]["attachment"] == {"created": {"new": 2}, "rejected": {"refused": 1}}
    assert "does not match its extension" in loading.entry("attachment", "f1").last["detail"]
    loading.reconcile("attachment")


def test_a_refused_attachment_leaves_its_upload_as_residue(loading: Loading) -> None:
    drafts = files(loading)
    drafts[1]["links"] = {}
    drafts[1]["values"]["targetPersonId"] = "1b0c7a34-5d31-4f3e-8f1d-2f0f6a1f9c11"
    facts = loading.load("attachment", drafts)
    assert facts["outcomes"]["attachment"] == {"created": {"new": 2}, "rejected": {"refused": 1}}
    [left] = facts["residue"]
    assert left["key"] == ["attachment", "attachment", "f1", ""]
    loose = [f["id"] for f in loading.control("content")["files"] if not f["record"]]
    assert [left["id"]] == loose


def test_missing_records_of_this_run_stop_it_and_removed_ones_are_told(loading: Loading) -> None:
    loading.load("company", [company("a"), company("b")])
    gone = str(loading.entry("company", "a").destination_id)
    loading.remove("company", gone, "destroy")
    with pytest.raises(NotReconciled, match="1 records that this run wrote are not there"):
        loading.reconcile("company")
    loading.load("company", [company("a"), company("b")], run="run-2")
    result = loading.reconcile("company", "run-2")
    assert (result["missing"], result["missing_now"]) == ([gone], [])


def test_a_file_that_is_again_what_was_attached_is_no_conflict_any_more(loading: Loading) -> None:
    drafts = files(loading)
    loading.load("attachment", drafts)
    loading.load("attachment", [loading.file("f1", "a", b"another")], run="run-2")
    facts = loading.load("attachment", drafts, run="run-3")
    told = {"unchanged": {"same": 2}, "updated": {"resolved": 1}}
    assert facts["outcomes"]["attachment"] == told
    facts = loading.load("attachment", drafts, run="run-4")
    assert facts["outcomes"]["attachment"] == {"unchanged": {"same": 3}}
