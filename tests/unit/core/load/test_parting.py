"""Fields are parted by two bases each, never by comparing what is sent with what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.load.parting import Comparison, Parted
from airflow_crm_migration.core.load.plan import hashes

if TYPE_CHECKING:
    from airflow_crm_migration.core.load.parting import Keeps

SPEC = ObjectSpec(
    "human", "Human",
    {
        "name": FieldSpec("name", FieldType.TEXT),
        "mails": FieldSpec("mails", FieldType.EMAILS),
    },
)  # fmt: skip


def part(
    field: str, bases: tuple[Any, Any], meant: Any, now: Any, keeps: Keeps = "destination",
    **known: Any,
) -> Parted:  # fmt: skip
    """Part one field; ``bases`` are what an earlier run sent, and what was then stored."""
    left = {
        name: hashes(SPEC, {field: value}, [field])
        for name, value in zip(("sent", "stored"), bases, strict=True)
    }
    both = Comparison(SPEC, left | known, {field: meant}, {field: now}, keeps)
    return both.part([field])


@pytest.mark.parametrize(
    ("stored", "now", "wanted"),
    [
        ("A", "A", Parted(ours={"name": "B"})),
        ("a ", "a ", Parted(ours={"name": "B"})),  # the platform rewrote it
        (None, None, Parted(ours={"name": "B"})),  # … or lost it
        ("A", "B", Parted(agreed=["name"])),
        ("A", "C", Parted(theirs=["name"])),
        ("A", None, Parted(theirs=["name"])),  # people cleared it
        (
            "a ",
            "A",
            Parted(theirs=["name"]),
        ),  # people wrote what was sent: it is not what was stored
    ],
)
def test_a_field(stored: str | None, now: str | None, wanted: Parted) -> None:
    assert part("name", ("A", stored), "B", now) == wanted


def test_a_conflict_is_decided_by_policy() -> None:
    found = part("name", ("A", "A"), "B", "C", "source")
    assert found == Parted(ours={"name": "B"}, overruled=["name"])


LOST = {"rewritten": {"mails": None}}
"""Two were sent, one came back, and nobody knows which."""


@pytest.mark.parametrize(
    ("now", "keeps", "wanted"),
    [
        (["x"], "destination", Parted(ours={"mails": ["a"]})),  # all of it is ours
        (["x", "y"], "destination", Parted(theirs=["mails"])),
        (["x", "y"], "source", Parted(ours={"mails": ["a"]}, overruled=["mails"])),
    ],
)
def test_where_a_merge_is_impossible_the_policy_decides(
    now: list[str], keeps: Keeps, wanted: Parted
) -> None:
    assert part("mails", (["a", "b"], ["x"]), ["a"], now, keeps, **LOST) == wanted


def test_a_merge_that_changes_nothing_is_no_write() -> None:
    assert part("mails", (["a"], ["a"]), ["a", "b"], ["a", "b"]) == Parted(agreed=["mails"])
