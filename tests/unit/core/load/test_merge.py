"""Multi-values merge as sets: what each side did to them arrives, and nothing comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.canonical import field_hash
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.load.merge import (
    Elements,
    Unmergeable,
    carried,
    merge,
    rewritten,
    rewritten_hashes,
)

EMAILS, TAGS, LINKS, PHONES = (
    FieldType.EMAILS, FieldType.MULTI_SELECT, FieldType.LINKS, FieldType.PHONES,
)  # fmt: skip


def base(kind: FieldType, sent: list[Any], stored: list[Any] | None = None) -> Elements:
    """Return what the ledger knows after a write of which the platform made something else."""
    stored = sent if stored is None else stored
    hashes = [list(field_hash(kind, value)) for value in (sent, stored)]
    return Elements(*hashes, rewritten(kind, sent, stored))


@pytest.mark.parametrize(
    ("sent", "meant", "now", "wanted"),
    [
        ("ab", "abc", "ab", "abc"),  # the source added one
        ("ab", "abc", "abx", "abxc"),  # both added one
        ("ab", "a", "ab", "a"),  # the source removed one
        ("ab", "a", "abx", "ax"),  # … and people added one
        ("ab", "ab", "b", "b"),  # people removed one
        ("ab", "abc", "a", "ac"),  # … and the source added one
        ("ab", "a", "a", "a"),  # both removed the same one
        ("ab", "abc", "abc", "abc"),  # both added the same one
        ("ab", "", "abx", "x"),
        ("ab", "ac", "", "c"),  # people emptied it
    ],
)
def test_sets(sent: str, meant: str, now: str, wanted: str) -> None:
    assert merge(TAGS, base(TAGS, list(sent)), list(meant), list(now)) == list(wanted)


@pytest.mark.parametrize(
    ("sent", "meant", "now", "wanted"),
    [
        ("ab", "ba", "ab", "ba"),  # the source has another primary one
        ("ab", "cab", "abx", "cabx"),
        ("ab", "b", "ab", "b"),  # the source removed its primary one
        ("ab", "ba", "xab", "xab"),  # people have another primary one: theirs stays
        ("ab", "abc", "ba", "bac"),
        ("ab", "cb", "ba", "bc"),  # both have another one
    ],
)
def test_the_primary_one(sent: str, meant: str, now: str, wanted: str) -> None:
    found = merge(EMAILS, base(EMAILS, list(sent)), list(meant), list(now))
    assert found == list(wanted)


def test_what_the_platform_rewrote_is_known_again() -> None:
    known = base(EMAILS, ["Ann@X", "Bob@X"], ["ann@x", "bob@x"])
    assert merge(EMAILS, known, ["Ann@X"], ["ann@x", "bob@x", "new@x"]) == ["ann@x", "new@x"]
    assert merge(EMAILS, known, ["Bob@X", "Ann@X"], ["ann@x", "bob@x"]) == ["bob@x", "ann@x"]
    assert merge(EMAILS, known, ["Ann@X", "Bob@X"], ["ann@x", "bob@x"]) == ["ann@x", "bob@x"]


def test_what_people_added_is_not_taken_for_what_was_rewritten() -> None:
    """B was sent, people replaced it by P, now the source removes B."""
    known = base(TAGS, ["a", "b"])
    assert merge(TAGS, known, ["a"], ["a", "p"]) == ["a", "p"]


def test_an_address_that_people_wrote_in_capitals_is_not_added_again() -> None:
    assert merge(EMAILS, base(EMAILS, ["a"]), ["a", "B@x"], ["a", "b@X"]) == ["a", "b@X"]
    link = {"url": "https://x", "label": None}
    theirs = {"url": "https://x", "label": "Ours"}
    assert merge(LINKS, base(LINKS, []), [link], [theirs]) == [theirs]
    phone = {"number": "7946", "calling_code": "+44", "country": "GB"}
    other = phone | {"country": None}
    assert merge(PHONES, base(PHONES, []), [phone], [other]) == [other]


def test_a_merge_is_impossible_when_nobody_knows_which_element_is_which() -> None:
    known = base(EMAILS, ["a", "b"], ["one"])
    assert known.rewritten is None
    with pytest.raises(Unmergeable):
        merge(EMAILS, known, ["a"], ["one", "two"])
    assert merge(EMAILS, known, ["a", "b", "c"], ["one", "two"]) == ["one", "two", "c"]


def test_elements_are_paired_by_place_only_in_step() -> None:
    assert rewritten(EMAILS, ["A", "b", "C"], ["b", "a", "c"]) is None
    assert rewritten_hashes(["1", "2"], ["1", "3"]) == {"2": "3"}
    assert rewritten_hashes(["1", "2"], ["4", "3"]) is None
    assert rewritten_hashes(["1", "2"], ["2", "1"]) == {}


def test_pairs_are_carried_on_for_what_the_source_still_says() -> None:
    assert carried({"A": "a", "B": "b"}, {"C": "c", "x": "y"}, ["A", "C"], ["a", "c"]) == {
        "A": "a", "C": "c",
    }  # fmt: skip
    assert carried(None, {}, ["A"], ["A", "x"]) == {}
    assert carried(None, {}, ["A"], ["a"]) is None


@given(*[st.lists(st.sampled_from("abcdef"), unique=True)] * 3)
def test_every_merge_keeps_what_each_side_did(
    sent: list[str], meant: list[str], now: list[str]
) -> None:
    found = merge(EMAILS, base(EMAILS, sent), meant, now)
    assert len(found) == len(set(found))
    assert set(found) == (set(now) | (set(meant) - set(sent))) - (set(sent) - set(meant))


@given(*[st.lists(st.sampled_from("abcdef"), unique=True)] * 2)
def test_what_only_the_source_changed_becomes_what_the_source_says(
    sent: list[str], meant: list[str]
) -> None:
    found = merge(EMAILS, base(EMAILS, sent), meant, sent)
    assert set(found) == set(meant)
    assert found[:1] == meant[:1]
