"""A validation finds and names each kind of difference, and costs no more than the pages."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.core.steps.reconcile import NotReconciled
from airflow_crm_migration.core.steps.validate import read_validations, validate_step
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import Loading, company, person, task

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = 130
PHASES = ("company", "person", "task", "attachment")
Found = dict[str, Any]


@pytest.fixture
def loaded(make_loading: Callable[..., Loading]) -> Loading:
    """Return a workspace with three companies, their people, two tasks and two files."""
    at = make_loading()
    at.load("company", [company(f"c{n}") for n in range(3)])
    at.load("person", [person(f"p{n}", f"c{n % 3}", city="Ulm") for n in range(PEOPLE)])
    at.load("task", [task("t1", "p1", "p2"), task("t2", "p3")])
    at.load("attachment", [at.file("f1", "p1", b"one"), at.file("f2", "p2", b"two")])
    at.forget()
    return at


class Validated:
    """What a validation told."""

    def __init__(self, loading: Loading, run: str = "check", **how: Any) -> None:
        at = loading.run(run)
        hook = TwentyHook(loading.conn_id)
        self.words = validate_step(at, hook, loading.mapping, PHASES, say=str, **how)
        self.results = {phase: at.read(f"validate/{phase}.json") for phase in PHASES}
        self.kept = read_validations(at, PHASES)
        self.rows = [
            row for p in PHASES for row in read_parts(loading.staging, f"{run}/validate/{p}")
        ]

    @property
    def drifted(self) -> int:
        return sum(result.drifted for result in self.kept.values())

    @property
    def only(self) -> tuple[str, str, str, list[str]]:
        """The one difference: kind, object, id, fields."""
        [row] = self.rows
        return row["kind"], row["object"], row["id"], row["fields"]

    def links(self, object_name: str, field: str) -> tuple[int, int]:
        """Return how many children were expected, and how many still point."""
        found = [one for r in self.results.values() for one in r["links"]]
        [link] = [x for x in found if (x["object"], x["field"]) == (object_name, field)]
        return link["expected"], link["pointing"]


def ours(loading: Loading, phase: str, source_id: str) -> str:
    return str(loading.entry(phase, source_id).destination_id)


def content(loading: Loading) -> Found:
    """Return all that the workspace holds, without addresses that are new at every look."""
    found: Found = loading.control("content")
    for attachment in found["attachment"]:
        del attachment["file"][0]["url"]
    return found


def rows_of(loading: Loading, phase: str) -> dict[str, str]:
    return {
        part: str(e.destination_id) for part, e in loading.entries(phase, principal=False).items()
    }


# -- nothing happened ----------------------------------------------------------------------


def test_an_undamaged_destination_gives_no_finding(loaded: Loading) -> None:
    found = Validated(loaded)
    assert (found.rows, found.drifted) == ([], 0)
    assert found.results["person"]["checked"] == {"person": {"same": PEOPLE}}
    assert found.results["task"]["checked"] == {"task": {"same": 2}, "taskTarget": {"same": 3}}
    assert found.results["attachment"]["checked"] == {"attachment": {"same": 2}}
    assert found.links("person", "companyId") == (PEOPLE, PEOPLE)
    assert found.links("taskTarget", "targetPersonId") == (3, 3)


def test_it_asks_no_more_than_the_pages_and_never_writes(loaded: Loading) -> None:
    before = content(loaded)
    Validated(loaded)
    calls = loaded.control("requests")["calls"]
    reads = {name: sum(c.values()) for name, c in calls.items() if name.startswith("GET /rest")}
    size = TwentyHook(loaded.conn_id).capabilities.read_size
    pages = {"people": math.ceil(PEOPLE / size) + 1, "companies": 2, "tasks": 2}
    pages |= {"taskTargets": 1, "attachments": 1, "objects": 1}
    assert {name.rpartition("/")[2]: n for name, n in reads.items()} == pages
    others = calls.keys() - reads.keys()
    assert all(name.startswith(("GET", "POST /metadata")) for name in others), others
    assert content(loaded) == before
    assert not [n for n in loaded.staging.names("lease/sandbox") if "check" in n]


# -- each kind of damage -------------------------------------------------------------------


def test_a_persons_edit_is_called_a_change_and_its_fields_are_named(loaded: Loading) -> None:
    record = ours(loaded, "person", "p7")
    loaded.edit("person", record, city="Rome", jobTitle="Chief")
    found = Validated(loaded)
    assert found.only == ("changed", "person", record, ["city"])
    assert found.rows[0]["key"] == ["person", "contact", "p7", ""]
    assert "1 changed since" in found.words[1]
    assert "Rome" not in str(found.words) + str(found.rows)


@pytest.mark.parametrize(("action", "kind"), [("delete", "trashed"), ("destroy", "gone")])
def test_what_people_removed_is_named(loaded: Loading, action: str, kind: str) -> None:
    record = ours(loaded, "person", "p9")
    loaded.remove("person", record, action)
    found = Validated(loaded)
    assert (kind, "person", record, []) in [
        (r["kind"], r["object"], r["id"], r["fields"]) for r in found.rows
    ]
    result = found.results["person"]
    assert (result["expected"], result["counted"], result["extra"]) == (PEOPLE, PEOPLE - 1, [])
    assert result["checked"]["person"] == {"same": PEOPLE - 1, kind: 1}
    assert found.links("person", "companyId") == (PEOPLE, PEOPLE - 1)


def test_a_link_that_was_removed_is_named_and_seen_from_the_parent(loaded: Loading) -> None:
    record = ours(loaded, "person", "p4")
    loaded.edit("person", record, companyId=None)
    found = Validated(loaded)
    assert found.only == ("relinked", "person", record, ["companyId"])
    assert found.links("person", "companyId") == (PEOPLE, PEOPLE - 1)


def test_a_lost_join_row_is_named(loaded: Loading) -> None:
    row = rows_of(loaded, "task")["taskTarget:contact:p2"]
    loaded.remove("taskTarget", row, "destroy")
    found = Validated(loaded)
    assert found.only == ("gone", "taskTarget", row, [])
    assert found.rows[0]["key"] == ["task", "activity", "t1", "taskTarget:contact:p2"]
    assert found.results["task"]["checked"]["taskTarget"] == {"same": 2, "gone": 1}
    assert found.links("taskTarget", "targetPersonId") == (3, 2)


def test_an_attachment_that_was_removed_is_named(loaded: Loading) -> None:
    record = ours(loaded, "attachment", "f1")
    loaded.remove("attachment", record)
    assert Validated(loaded).only == ("trashed", "attachment", record, [])


def test_a_record_that_somebody_made_with_our_mark_is_extra(loaded: Loading) -> None:
    mark = {"migrationSourceId": "acme:person:p1"}
    copy = loaded.made_by_hand("person", name={"firstName": "Copy"}, **mark)
    found = Validated(loaded)
    assert found.only == ("extra", "person", copy["id"], [])
    assert found.results["person"]["counted"] == PEOPLE + 1
    assert "1 with our mark but not ours" in found.words[1]


def test_one_too_many_does_not_hide_one_too_few(loaded: Loading) -> None:
    """The count agrees, and only reading the records shows it."""
    loaded.made_by_hand("person", migrationSourceId="acme:person:p1")
    loaded.remove("person", ours(loaded, "person", "p20"), "destroy")
    found = Validated(loaded)
    assert sorted(row["kind"] for row in found.rows) == ["extra", "gone"]


def test_a_conflict_that_was_kept_is_not_news(loaded: Loading) -> None:
    record = ours(loaded, "person", "p5")
    loaded.edit("person", record, city="Rome")
    loaded.load("person", [person("p5", "c2", city="Bonn")], run="run-2")
    found = Validated(loaded)
    assert found.only == ("known_conflict", "person", record, ["city"])
    assert found.drifted == 0
    loaded.edit("person", record, name={"firstName": "Eve"}, emails={"primaryEmail": "e@x.example"})
    found = Validated(loaded, "again")
    assert found.only == ("changed", "person", record, ["emails"])
    assert found.drifted == 1


def test_what_an_update_wrote_is_what_stands(loaded: Loading) -> None:
    loaded.load("person", [person("p5", "c2", city="Bonn")], run="run-2")
    assert Validated(loaded).rows == []


def test_what_this_run_wrote_and_is_gone_is_fatal(loaded: Loading) -> None:
    record = ours(loaded, "person", "p5")
    loaded.remove("person", record, "destroy")
    Validated(loaded, "other")
    with pytest.raises(NotReconciled, match="person: 1 records that this run wrote"):
        Validated(loaded, "run-1")


# -- a sample ------------------------------------------------------------------------------


def sampled(loading: Loading, run: str) -> dict[str, int]:
    loading.forget()
    found = Validated(loading, run, sample=5)
    return {p: sum(r["checked"].get(p, {}).values()) for p, r in found.results.items()}


def test_a_sample_is_the_same_every_time_and_reads_little(
    loaded: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[str]] = []
    real = TwentyHook.read

    def note(hook: Any, name: str, ids: list[str]) -> Any:
        read.append([name, *sorted(ids)])
        return real(hook, name, ids)

    monkeypatch.setattr(TwentyHook, "read", note)
    first = sampled(loaded, "one")
    seen, read = read, []
    assert sampled(loaded, "two") == first
    assert read == seen
    assert first["company"] == 3
    assert 5 <= first["person"] <= 10


def test_a_sample_holds_whatever_the_count_misses(loaded: Loading) -> None:
    record = ours(loaded, "person", "p77")
    loaded.remove("person", record, "destroy")
    found = Validated(loaded, sample=2)
    assert ("gone", record) in [(row["kind"], row["id"]) for row in found.rows]
    assert found.results["person"]["checked"]["person"]["gone"] == 1


# -- files ---------------------------------------------------------------------------------


def test_a_file_that_was_cut_short_is_named_when_bytes_are_compared(loaded: Loading) -> None:
    assert Validated(loaded, contents=True).rows == []
    entry = loaded.entry("attachment", "f1")
    loaded.control("truncate", {"file_id": entry.last["file_id"], "bytes": 2})
    assert Validated(loaded, "without").rows == []
    found = Validated(loaded, "with", contents=True)
    assert found.only == ("file_changed", "attachment", entry.destination_id, ["file"])


def test_another_file_in_an_attachment_is_named(loaded: Loading) -> None:
    record = ours(loaded, "attachment", "f1")
    file_id = loaded.hook.upload("f1.txt", 5, io.BytesIO(b"other"), print)
    file = {"fileId": file_id, "label": "f1.txt"}
    loaded.edit("attachment", record, file=[file])
    assert Validated(loaded).only == ("file_changed", "attachment", record, ["file"])
