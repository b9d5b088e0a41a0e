"""Nothing is undone but what was forecast and signed, and people see what that is."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import LeaseHeld, UserMistake
from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.core.lease import Lease, LeaseTimes
from airflow_crm_migration.core.steps.rollback import forecast_rollback
from tests.support.loading import company, person, task
from tests.support.rolling_back import RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading

GATE = Gate("acme", "rollback", "sandbox")
WRITES = ("batch", "destroy", "delete", "restore", "update")


def load(loading: Loading, run: str = "run-1") -> None:
    loading.load("company", [company("c")], run=run)
    loading.load("person", [person("a", "c"), person("b")], run=run)
    loading.load("task", [task("t", "a"), task("u", "b", "a")], run=run)


def proposed(loading: Loading) -> Any:
    proposal = read_proposal(loading.staging, GATE)
    assert proposal is not None
    return proposal


def writes(loading: Loading) -> dict[str, Any]:
    calls = loading.control("requests")["calls"]
    return {name: n for name, n in calls.items() if any(word in name for word in WRITES)}


def test_the_forecast_counts_everything_and_writes_nothing(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    loading.edit("task", str(loading.entry("task", "t").destination_id), title="Mine")
    before, content = writes(loading), loading.control("content")
    rolling.begin().forecast()
    assert writes(loading) == before
    assert loading.control("content") == content
    objects = proposed(loading).decisions["objects"]
    told = {name: {k: n for k, n in counts.items() if n} for name, counts in objects.items()}
    assert told == {
        "attachment": {}, "task": {"delete": 1, "keep": 1, "links": 2},
        "person": {"delete": 1, "keep": 1}, "company": {"keep": 1},
    }  # fmt: skip
    assert proposed(loading).decisions["order"] == ["attachment", "task", "person", "company"]


def test_what_people_look_at_names_everything_but_no_value(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    ours = str(loading.entry("task", "t").destination_id)
    loading.edit("task", ours, title="Secret")
    rolling.begin().forecast()
    content = loading.staging.read_bytes("review/rollback/sandbox/task.csv").decode("utf-8-sig")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(content))}
    assert rows[ours] == {
        "what happens": "keep", "object": "task", "id": ours, "in the source": "activity t",
        "why": "people edited it since", "detail": "title",
    }  # fmt: skip
    evidence = proposed(loading).evidence
    assert evidence["kept because"]["task"] == {"edited_since": 1}
    assert {"id": ours, "fate": "keep", "why": "edited_since", "detail": "title"} in evidence[
        "samples"
    ]["task"]
    assert "Secret" not in content + str(evidence)


def test_residue_and_schema_are_listed(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    loading.load("attachment", [loading.file("f", "a", b"x")])
    rolling.begin().forecast()
    evidence = proposed(loading).evidence
    assert evidence["residue"] == {
        "binaries": 1, "histories": 0, "traces": {"task": 2}, "uploads": [],
    }  # fmt: skip
    made = {(row["object"], row["field"], row["action"]) for row in evidence["schema"]}
    assert ("person", "migrationSourceId", "create_field") in made
    rolling.last.undo(rolling.last.sign())  # type: ignore[union-attr]
    assert "migrationSourceId" in loading.hook.describe()["person"].fields


def test_the_same_world_needs_no_second_signature_and_another_one_does(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    rolling.begin("back-1").forecast()
    first = proposed(loading).digest
    rolling.begin("back-2").forecast()
    assert proposed(loading).digest == first
    loading.edit("person", str(loading.entry("person", "b").destination_id), jobTitle="Chief")
    rolling.begin("back-3").forecast()
    changed = proposed(loading).digest
    assert changed != first
    loading.load("company", [company("d")], run="run-2")
    rolling.begin("back-4").forecast()
    assert proposed(loading).digest not in (first, changed)


def test_another_signature_undoes_nothing(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    back = rolling.begin("back-1")
    back.forecast()
    signed = back.sign()
    loading.edit("person", str(loading.entry("person", "b").destination_id), jobTitle="Chief")
    later = rolling.begin("back-2")
    later.forecast()
    before = writes(loading)
    with pytest.raises(UserMistake, match=r"rollback \(sandbox\): what was signed is not"):
        later.undo(signed)
    assert writes(loading) == before


def test_a_load_between_signature_and_undoing_stops_it(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    back = rolling.begin()
    back.forecast()
    signed = back.sign()
    loading.load("company", [company("d")], run="run-2")
    with pytest.raises(UserMistake, match="other runs wrote 1 records since the forecast"):
        back.undo(signed)


def test_what_people_did_after_the_signature_is_kept_too(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    loading.load("person", [person("e")], run="run-2")
    back = rolling.begin()
    back.forecast()
    signed = back.sign()
    people = {name: str(loading.entry("person", name).destination_id) for name in "abe"}
    loading.edit("task", str(loading.entry("task", "u").destination_id), title="Mine")
    note = loading.made_by_hand("note", title="Called")
    loading.made_by_hand("noteTarget", noteId=note["id"], targetPersonId=people["e"])
    done = back.undo(signed)
    assert done["task"] == {"delete": 1, "keep": 1}
    assert done["person"] == {"keep": 3}
    assert done["company"] == {"keep": 1}
    assert back.result() == done
    reasons = {i: row["reason"] for i, row in back.rows("undone", "person").items()}
    assert reasons == {
        people["a"]: "child_kept", people["b"]: "child_kept", people["e"]: "has_foreign_children",
    }  # fmt: skip


def test_a_dry_run_is_the_forecast_alone(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    before, content = writes(loading), loading.control("content")
    ledger = loading.staging.names("ledger")
    back = rolling.begin("dry-1", dry_run=True)
    facts = back.forecast()
    assert facts["decisions"]["objects"]["task"]["delete"] == 2
    assert read_proposal(loading.staging, GATE) is None
    assert loading.staging.names("review") == []
    assert set(back.undo(None)) == set(loading.mapping.phases)
    assert back.result() == {}
    assert writes(loading) == before
    assert loading.control("content") == content
    assert loading.staging.names("ledger") == ledger


def test_records_of_an_object_that_is_not_undone_stop_the_forecast(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    back = rolling.begin()
    with pytest.raises(UserMistake, match="2 of person"):
        forecast_rollback(back.run, back.hook, back.mapping, ["company", "task"], lambda line: None)


def test_another_tenant_is_not_touched(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    kept = loading.staging.read_json("tenant/sandbox.json")
    loading.staging.write_json("tenant/sandbox.json", {**kept, "id": "another"})
    with pytest.raises(UserMistake, match="its connection now leads to tenant"):
        rolling.begin().forecast()


def test_the_next_delta_reads_everything_again(loading: Loading, rolling: RollingBack) -> None:
    load(loading)
    marks = ["watermarks/production/contact.json", "watermarks/sandbox/contact.json"]
    for name in marks:
        loading.staging.write_json(name, {})
    back = rolling.begin()
    back.forecast()
    assert loading.staging.names("watermarks") == marks
    back.undo(back.sign())
    assert loading.staging.names("watermarks") == marks[:1]


def test_what_was_undone_is_not_brought_back_by_clearing_an_older_run(
    loading: Loading, rolling: RollingBack
) -> None:
    before, after = "20260301T100000Z-aaaaaaaa", "29990301T100000Z-bbbbbbbb"
    loading.load("person", [person("a")], run=before)
    back = rolling.begin("20260302T100000Z-cccccccc")
    back.forecast()
    loading.load_again("person", run=before)
    back.undo(back.sign())
    for dry_run in (False, True):
        with pytest.raises(UserMistake, match="rollback 20260302T100000Z-cccccccc has undone"):
            loading.load_again("person", run=before, dry_run=dry_run)
    assert loading.records("person") == []
    loading.load("person", [person("a")], run=after)
    assert len(loading.records("person")) == 1


def test_a_run_that_had_loaded_nothing_before_the_rollback_may_load(
    loading: Loading, rolling: RollingBack
) -> None:
    waiting = "20260301T100000Z-aaaaaaaa"
    loading.load("person", [person("b")])
    rolling.whole()
    loading.load("person", [person("a")], run=waiting)
    assert len(loading.records("person")) == 1


def test_what_it_will_ask_is_foretold(make_loading: Callable[..., Loading]) -> None:
    loading = make_loading("update", rate_limits="100/0.1s")
    for n in range(9):
        emails = {"primaryEmail": f"p{n}@x.example"}
        made = loading.made_by_hand("person", emails=emails, jobTitle="Boss")
        if n % 3 == 0:
            loading.remove("person", made["id"])
    loading.load("company", [company(f"c{n}") for n in range(70)])
    loading.load("person", [person(f"p{n}", f"c{n % 70}", jobTitle="X") for n in range(200)])
    loading.load("task", [task(f"t{n}", f"p{n}", f"p{n + 1}") for n in range(150)])
    back = RollingBack(loading).begin()
    back.forecast()
    evidence = proposed(loading).evidence
    signed = back.sign()
    loading.forget()
    back.undo(signed)
    back.result()
    asked = loading.control("requests")
    assert asked["total"] == sum(evidence["requests"].values())
    assert evidence["seconds"] > 0
    calls = {name.rpartition(" ")[2]: sum(n.values()) for name, n in asked["calls"].items()}
    assert evidence["requests"]["delete"] == sum(n for c, n in calls.items() if "destroy" in c)


def test_nothing_is_undone_while_somebody_else_writes(
    loading: Loading, rolling: RollingBack
) -> None:
    load(loading)
    back = rolling.begin()
    back.forecast()
    signed = back.sign()
    alive = LeaseTimes(beat=0.02, lease=3600)
    with Lease(loading.staging, "lease/sandbox", "somebody", times=alive):
        loading.forget()
        with pytest.raises(LeaseHeld, match="somebody"):
            back.undo(signed)
        with pytest.raises(LeaseHeld, match="somebody"):
            rolling.begin("back-2").forecast()
        assert loading.control("requests")["total"] == 0
    assert back.undo(signed)["company"] == {"delete": 1}
