"""What counts as a difference: what is stored now against what was stored then, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_crm_migration.core.drift import difference
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.ledger.snapshot import Entry
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.protocols import Stored

KINDS = {
    "name": FieldType.TEXT,
    "tags": FieldType.MULTI_SELECT,
    "note": FieldType.TEXT,
    "houseId": FieldType.REFERENCE,
    "moved": FieldType.DATETIME,
}
SPEC = ObjectSpec("human", "Human", {name: FieldSpec(name, kind) for name, kind in KINDS.items()})
THEN = {"name": "Ann", "tags": ["a", "b"], "houseId": "h1", "moved": "2024-01-01T00:00:00.000Z"}


def entry(**last: Any) -> Entry:
    row = {
        "outcome": "created", "reason": "new", "id": "p1", "run": "r1",
        "sent": hashes(SPEC, THEN, THEN), "stored": hashes(SPEC, THEN, THEN), **last,
    }  # fmt: skip
    return Entry(Key("human", "client", "c1"), row, row)


def found(record: Stored | None, spec: ObjectSpec = SPEC, /, **last: Any) -> tuple[str, ...] | None:
    told = difference(spec, entry(**last), record, ignored={"moved"})
    return told and (str(told.kind), *told.fields)


def now(**values: Any) -> Stored:
    return Stored("p1", THEN | values)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (now(), None),
        (now(tags=["b", "a"]), None),
        (now(moved="2025-01-01T00:00:00.000Z"), None),
        (now(note="never ours"), None),
        (now(name="Eve"), ("changed", "name")),
        (now(name=None), ("changed", "name")),
        (now(tags=["a"]), ("changed", "tags")),
        (now(houseId=None), ("relinked", "houseId")),
        (now(houseId="h2", name="Eve"), ("changed", "houseId", "name")),
        (None, ("gone",)),
        (Stored("p1", THEN, trashed=True), ("trashed",)),
    ],
)
def test_each_kind_of_difference(stored: Stored | None, told: tuple[str, ...] | None) -> None:
    assert found(stored) == told


def test_what_the_platform_made_of_a_value_is_no_difference() -> None:
    """It is compared with what was stored then, never with what was sent."""
    assert found(now(), sent=hashes(SPEC, {"name": "ANN"}, ["name"])) is None


def test_what_was_sent_and_stored_as_nothing_is_nothing() -> None:
    without = {name: h for name, h in hashes(SPEC, THEN, THEN).items() if name != "name"}
    assert found(now(name=None), stored=without) is None
    assert found(now(name="Eve"), stored=without) == ("changed", "name")


def test_a_field_that_was_deleted_has_changed() -> None:
    fields = {name: spec for name, spec in SPEC.fields.items() if name != "houseId"}
    assert found(now(), ObjectSpec("human", "Human", fields)) == ("changed", "houseId")


def test_a_conflict_that_was_kept_is_known_and_no_more_than_its_fields() -> None:
    kept = {"outcome": "conflict", "reason": "changed_in_both", "detail": "name, tags"}
    assert found(now(name="Eve"), **kept) == ("known_conflict", "name")
    assert found(now(name="Eve", houseId="h2"), **kept) == ("relinked", "houseId")


def test_a_record_that_was_there_before_us_must_only_be_there() -> None:
    linked = {"outcome": "linked", "reason": "existing_record", "sent": {}, "stored": {}}
    assert found(now(name="anything"), **linked) is None
    assert found(None, **linked) == ("gone",)
