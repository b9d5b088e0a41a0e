"""The snapshot keeps per key how a record came to stand there, and what became of it last."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.ledger.objects import ObjectName
from airflow_crm_migration.core.ledger.snapshot import Snapshot
from airflow_crm_migration.core.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = "ledger/sandbox"
ANN = Key("person", "contact", "ann")


class Told:
    """A snapshot that is told of one event after the other."""

    def __init__(self, file: Path) -> None:
        self.snapshot = Snapshot(file)
        self._numbers = itertools.count(1)

    def tell(self, kind: Any, *rows: dict[str, Any], phase: str = "person") -> ObjectName:
        name = ObjectName(1, next(self._numbers), kind, phase)
        self.snapshot.absorb(FOLDER, name, rows)
        return name

    def event(self, outcome: str, key: Key = ANN, **more: Any) -> None:
        row = {"key": list(key), "outcome": outcome, "reason": "new", "at": "2026", **more}
        self.tell("result", row)

    def intent(self, key: Key = ANN, **more: Any) -> None:
        self.tell("intent", {"key": list(key), "op": "create", "id": "1", **more})

    def stands(self, key: Key = ANN) -> tuple[str | None, str | None]:
        """Return the outcome of the origin, and the id there."""
        entry = self.snapshot.entry(key)
        assert entry is not None
        return entry.origin["outcome"] if entry.origin else None, entry.destination_id


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path / "snapshot.sqlite")
    yield made
    made.snapshot.close()


@pytest.mark.parametrize("outcome", ["created", "linked", "restored"])
def test_a_record_stands_from_the_first_of_these_events_on(told: Told, outcome: str) -> None:
    told.event("held")
    assert told.stands() == (None, None)
    told.event(outcome, id="1")
    assert told.stands() == (outcome, "1")


@pytest.mark.parametrize("outcome", ["updated", "conflict", "created", "linked"])
def test_what_becomes_of_it_later_never_hides_how_it_came(told: Told, outcome: str) -> None:
    told.event("created", id="1", run="sample")
    told.event(outcome, id="1", run="full")
    entry = told.snapshot.entry(ANN)
    assert entry is not None
    assert entry.origin is not None
    assert (entry.origin["outcome"], entry.origin["run"]) == ("created", "sample")
    assert (entry.outcome, entry.last["run"]) == (Outcome(outcome), "full")


def test_created_by_a_sample_and_then_found_a_duplicate(told: Told) -> None:
    bob = Key("person", "contact", "bob")
    told.event("created", id="1")
    told.event("merged", into="bob")
    assert told.stands() == ("created", "1")
    told.event("created", bob, id="2")
    assert told.snapshot.destination_id([ANN]) == "2"


def test_a_merged_record_is_found_under_its_survivor(told: Told) -> None:
    told.event("merged", into="bob")
    assert told.snapshot.destination_id([ANN]) is None
    told.event("created", Key("person", "contact", "bob"), id="2")
    assert told.snapshot.destination_id([Key("x", "contact", "ann"), ANN]) == "2"


def test_a_record_whose_update_was_refused_still_stands(told: Told) -> None:
    told.event("created", id="1")
    told.event("rejected")
    assert told.stands() == ("created", "1")
    assert [e.key for e in told.snapshot.with_outcome(Outcome.REJECTED)] == [ANN]


def test_a_deleted_record_stands_no_more_until_it_is_made_anew(told: Told) -> None:
    told.event("created", id="1", run="a")
    told.event("deleted", id="1")
    assert told.stands() == (None, None)
    told.event("created", id="1", run="b")
    entry = told.snapshot.entry(ANN)
    assert entry is not None
    assert entry.origin is not None
    assert entry.origin["run"] == "b"


@pytest.mark.parametrize("outcome", ["deleted", "restored"])
def test_what_a_rollback_took_back_stands_no_more(told: Told, outcome: str) -> None:
    told.event("linked", id="1")
    told.event("updated", id="1", image="i", fields=["city"])
    told.event(outcome, id="1", reason="rolled_back")
    assert told.stands() == (None, None)
    entry = told.snapshot.entry(ANN)
    assert entry is not None
    assert entry.images == {}
    assert told.snapshot.holders("person", "1") == []
    told.event("linked", id="1", run="b")
    assert told.stands() == ("linked", "1")


def test_the_first_image_of_each_field_is_known(told: Told) -> None:
    told.event("linked", id="1")
    told.event("updated", id="1", image="first", fields=["city", "name"])
    told.event("conflict", id="1")
    told.event("updated", id="1", image="second", fields=["city", "title"])
    entry = told.snapshot.entry(ANN)
    assert entry is not None
    assert entry.images == {"city": "first", "name": "first", "title": "second"}


def test_the_keys_that_stand_for_one_record_come_together(told: Told) -> None:
    bob, eve, part = (
        ANN._replace(source_id="bob"), ANN._replace(source_id="eve"), ANN._replace(part="x:y:z"),
    )  # fmt: skip
    told.event("created", id="2")
    told.event("linked", bob, id="1")
    told.event("linked", eve, id="2")
    told.event("rejected", eve)
    told.event("created", part, id="3")
    told.event("held", ANN._replace(source_id="old"))
    found = told.snapshot.standing_records("person")
    assert [[e.key.source_id for e in entries] for entries in found] == [["bob"], ["ann", "eve"]]
    assert [e.key for e in told.snapshot.parts_of(ANN)] == [part]
    assert told.snapshot.made(["1", "2", "3", "4"]) == {"2", "3"}
    assert told.snapshot.standing_phases() == {"person": 4}


def test_what_others_wrote_after_an_epoch_is_counted(told: Told) -> None:
    told.event("created", id="1", run="a", epoch=1)
    told.event("created", ANN._replace(source_id="bob"), id="2", run="b", epoch=2)
    told.intent(ANN._replace(source_id="eve"), run="c", epoch=3)
    assert told.snapshot.written_by_others(1, "b") == 1
    assert told.snapshot.written_by_others(0, "b") == 2
    assert told.snapshot.written_by_others(3, "z") == 0


def test_an_object_is_taken_in_once(told: Told) -> None:
    row = {"key": list(ANN), "outcome": "created", "reason": "new", "at": "2026", "id": "1"}
    name = told.tell("result", row)
    told.event("deleted", id="1")
    told.snapshot.absorb(FOLDER, name, [row])
    assert told.stands() == (None, None)
    told.snapshot.absorb("other/ledger", name, [row])
    assert told.stands() == ("created", "1")
    assert told.snapshot.absorbed() >= {name.path(FOLDER), name.path("other/ledger")}


def test_an_intent_is_open_until_its_result(told: Told) -> None:
    told.intent(run="a")
    assert [row["run"] for row in told.snapshot.open_intents("person")] == ["a"]
    assert told.snapshot.open_intents("task") == []
    told.event("created", Key("person", "contact", "bob"), id="2")
    assert len(told.snapshot.open_intents("person")) == 1
    told.event("created", id="1")
    assert told.snapshot.open_intents("person") == []


def test_what_was_not_written_closes_an_intent_and_changes_nothing_else(told: Told) -> None:
    told.event("created", id="1")
    told.intent()
    told.tell("result", {"key": list(ANN), "event": "unwritten"})
    assert told.snapshot.open_intents("person") == []
    assert told.stands() == ("created", "1")


def test_rows_that_hang_on_a_record_are_no_records(told: Told) -> None:
    told.event("created", id="1")
    told.event("created", ANN._replace(part="taskTarget:contact:ann"), id="2")
    assert [e.key.part for e in told.snapshot.entries("person")] == [""]
    assert len(list(told.snapshot.entries("person", principal=False))) == 1
    assert told.snapshot.standing_by_line() == {("person", "contact"): 1}
    assert [e.key for e in told.snapshot.with_outcome(Outcome.CREATED)] == [ANN]


def test_the_sources_of_a_record_are_found_by_its_id(told: Told) -> None:
    told.event("created", id="1")
    told.event("linked", Key("person", "contact", "bob"), id="1")
    told.event("created", ANN._replace(part="taskTarget:contact:ann"), id="1")
    assert {key.source_id for key in told.snapshot.holders("person", "1")} == {"ann", "bob"}
    assert told.snapshot.holders("person", "2") == []


def uploaded(file_id: str) -> dict[str, Any]:
    return {"key": list(ANN), "event": "uploaded", "id": file_id}


def test_uploads_are_residue_until_they_are_attached(told: Told) -> None:
    told.intent()
    told.tell("result", uploaded("f1"))
    assert len(told.snapshot.open_intents("person")) == 1
    told.tell("result", uploaded("f2"))
    assert [row["id"] for row in told.snapshot.unattached_uploads()] == ["f1", "f2"]
    told.event("created", id="1", file_id="f2")
    assert [row["id"] for row in told.snapshot.unattached_uploads()] == ["f1"]
    told.event("updated", id="1")
    assert [row["id"] for row in told.snapshot.unattached_uploads()] == ["f1"]


def test_a_snapshot_is_copied_with_everything_in_it(told: Told, tmp_path: Path) -> None:
    told.event("created", id="1")
    told.intent(Key("person", "contact", "bob"))
    told.tell("result", uploaded("f1"))
    told.snapshot.copy_to(tmp_path / "copy.sqlite")
    copy = Snapshot(tmp_path / "copy.sqlite")
    assert copy.absorbed() == told.snapshot.absorbed()
    assert copy.entry(ANN) == told.snapshot.entry(ANN)
    assert copy.open_intents("person") == told.snapshot.open_intents("person")
    assert copy.unattached_uploads() == told.snapshot.unattached_uploads()
    copy.close()
