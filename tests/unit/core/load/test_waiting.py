"""What came up since the signature holds new records only; what has arrived goes on moving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.loading import person, task

if TYPE_CHECKING:
    from tests.support.loading import Loading

HELD = {"held": {"owner_missing": 1}}
CREATED = {"created": {"new": 1}}
UPDATED = {"updated": {"source_changed": 1}}
UNCHANGED = {"unchanged": {"same": 1}}


def owned(owner: str, **values: Any) -> dict[str, Any]:
    return person("a", **values) | {"owners": {"ownerId": owner}}


def one(loading: Loading) -> dict[str, Any]:
    [record] = loading.records("person")
    return record


@pytest.fixture
def loading(loading: Loading) -> Loading:
    """Return a workspace whose people have an owner."""
    line = loading.mapping.find_line("person")
    assert line is not None
    owner = {"to": "ownerId", "from": "owner", "create": {"type": "user", "label": "Owner"}}
    owners = type(line).model_validate({**line.model_dump(by_alias=True), "owners": [owner]})
    lines = tuple(owners if x.id == "person" else x for x in loading.mapping.lines)
    loading.mapping = loading.mapping.model_copy(update={"lines": lines})
    loading.prepare_again()
    return loading


@pytest.fixture
def known(loading: Loading) -> dict[str, str | None]:
    """Return the one owner that is known."""
    member = next(m for m in loading.hook.members() if m.id)
    return {"dana": member.id}


def load(loading: Loading, run: int, known: Any, *drafts: dict[str, Any]) -> Any:
    how = {"owners": known, "hold_unknown_owners": True, "run": f"run-{run}"}
    facts = loading.load("person", list(drafts), **how)
    loading.reconcile("person", f"run-{run}")
    return facts["outcomes"]["person"]


def test_a_new_record_of_an_unknown_owner_waits(loading: Loading, known: Any) -> None:
    for run in (1, 2):
        assert load(loading, run, known, owned("noor")) == HELD
    assert loading.records("person") == []
    assert loading.entry("person", "a").last["detail"] == "ownerId: noor"
    assert load(loading, 3, known | {"noor": known["dana"]}, owned("noor")) == CREATED
    assert one(loading)["ownerId"] == known["dana"]


def test_its_children_wait_with_it(loading: Loading, known: Any) -> None:
    load(loading, 1, known, owned("noor"))
    facts = loading.load("task", [task("t", "a", hold=True)])
    assert facts["outcomes"]["task"] == {"held": {"parent_not_loaded": 1}}


def test_one_that_has_arrived_keeps_its_owner_and_moves_on(loading: Loading, known: Any) -> None:
    load(loading, 1, known, owned("dana"))
    assert load(loading, 2, known, owned("noor")) == UNCHANGED
    assert load(loading, 3, known, owned("noor", city="Ulm")) == UPDATED
    assert (one(loading)["ownerId"], one(loading)["city"]) == (known["dana"], "Ulm")
    [issue] = loading.issues("person", "run-3")
    assert (issue["field"], issue["problem"], issue["detail"]) == (
        "ownerId", "owner_missing", "noor",
    )  # fmt: skip


def test_an_owner_who_is_left_empty_holds_nobody(loading: Loading, known: Any) -> None:
    assert load(loading, 1, known | {"noor": None}, owned("noor")) == CREATED
    assert one(loading)["ownerId"] is None


def test_a_value_that_is_not_known_yet_holds_new_records_only(loading: Loading) -> None:
    wait = {"outcome": "held", "reason": "unmapped_value", "detail": "jobTitle: Queen"}
    new = person("a", city="Ulm") | {"if_new": wait, "unknown": ["jobTitle"]}
    assert load(loading, 1, {}, new) == {"held": {"unmapped_value": 1}}
    assert load(loading, 2, {}, person("a", jobTitle="Boss")) == CREATED
    assert load(loading, 3, {}, new) == UPDATED
    assert (one(loading)["jobTitle"], one(loading)["city"]) == ("Boss", "Ulm")
