"""A sample holds some of every kind and all that they refer to, and is the same on every run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.selection import Selection, select_sample
from airflow_crm_migration.core.transform.link_index import LinkIndex
from tests.support.transforming import small_pair

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

FIRM = "{id: firm, source: firm, destination: house, strata: [kind]}"
CLIENT = """
id: client
source: client
destination: human
links:
  - {to: house, lines: firm, ways: [{object: firm, from: firm_id, by: id}]}
"""
CHAT = """
id: chat
source: chat
destination: meeting
strata: [mood, via]
links:
  - to: seats
    lines: client
    many: true
    when: {field: mood, equals: fine}
    ways:
      - {object: client, from: with, by: id}
      - {object: client, from: mails, by: email, when: {field: via, equals: mail}}
"""
FOLD = (
    "{id: sticker, source: sticker, into: [{object: client, value: word, field: words,"
    " ways: [{object: client, from: client_id, by: id}]}]}"
)
MAPPING = small_pair(FIRM, CLIENT, CHAT, folds=[FOLD])
Records = dict[str, list[dict[str, Any]]]


def sample(
    records: Mapping[str, list[dict[str, Any]]], size: int, survivors: Any = None
) -> Selection:
    with LinkIndex(survivors or {}) as index:
        for name, rows in records.items():
            for row in rows:
                index.add(name, MAPPING.keys.get(name, {}), row)
        return select_sample(MAPPING, lambda name: records.get(name, ()), index, size, {})


def firms(number: int, *kinds: str) -> list[dict[str, Any]]:
    return [{"id": f"f{n}", "kind": kinds[n % len(kinds)]} for n in range(number)]


@pytest.mark.parametrize("size", [3, 4, 6, 30])
def test_every_stratum_is_there_and_none_has_more_than_its_share(size: int) -> None:
    records = firms(40, *["usual"] * 18, "rare", "odd")
    chosen = sample({"firm": records}, size)["firm"]
    kinds = Counter(r["kind"] for r in records if r["id"] in chosen)
    assert len(chosen) == size
    assert set(kinds) == {"usual", "rare", "odd"}
    assert kinds["rare"] == min(2, max(1, size // 3))


def test_strata_are_all_values_together() -> None:
    rows = [
        {"id": f"t{n}", "mood": mood, "via": via}
        for n, (mood, via) in enumerate((m, v) for m in "ab" for v in "xy" for _ in range(5))
    ]
    chosen = sample({"chat": rows}, 4)["chat"]
    assert len({(r["mood"], r["via"]) for r in rows if r["id"] in chosen}) == 4


def test_fewer_than_asked_for_are_all() -> None:
    assert sample({"firm": firms(3, "a")}, 10)["firm"] == {"f0", "f1", "f2"}
    assert sample({}, 10)["firm"] == set()


WORLD: Records = {
    "firm": firms(20, "a", "b"),
    "client": [{"id": f"c{n}", "mail": f"c{n}@x.org", "firm_id": f"f{n}"} for n in range(20)],
    "chat": [
        {"id": f"t{n}", "mood": "fine" if n % 2 else "cross", "via": "mail" if n % 3 else "phone",
         "with": [f"c{n}"], "mails": [f"c{(n + 1) % 20}@x.org"]}
        for n in range(20)
    ],
    "sticker": [{"id": f"s{n}", "client_id": f"c{n}"} for n in range(20)],
}  # fmt: skip


@given(st.randoms(use_true_random=False), st.integers(1, 8))
def test_the_order_of_the_records_does_not_matter(shuffled: random.Random, size: int) -> None:
    other = {name: shuffled.sample(rows, len(rows)) for name, rows in WORLD.items()}
    assert sample(other, size) == sample(WORLD, size)


@pytest.mark.parametrize("size", [1, 5, 20])
def test_it_is_closed_over_links(size: int) -> None:
    chosen = sample(WORLD, size)
    for row in WORLD["chat"]:
        if row["id"] in chosen["chat"] and row["mood"] == "fine":
            assert set(row["with"]) <= chosen["client"]
            if row["via"] == "mail":
                assert {row["mails"][0].partition("@")[0]} <= chosen["client"]
    for row in WORLD["sticker"]:
        assert row["id"] not in chosen["sticker"] or row["client_id"] in chosen["client"]
    for row in WORLD["client"]:
        assert row["id"] not in chosen["client"] or row["firm_id"] in chosen["firm"]


def test_a_link_whose_condition_does_not_hold_brings_nobody() -> None:
    cross = {"id": "t", "mood": "cross", "via": "mail", "with": ["c1"], "mails": []}
    records = {"chat": [cross], "client": [{"id": "c1"}, {"id": "c0"}]}
    others = sample({"client": records["client"]}, 1)["client"]
    assert sample(records, 1)["client"] == others


def test_a_way_whose_condition_does_not_hold_brings_nobody() -> None:
    phoned = {"id": "t", "mood": "fine", "via": "phone", "with": [], "mails": ["c9@x.org"]}
    clients = [{"id": f"c{n}", "mail": f"c{n}@x.org"} for n in range(10)]
    others = sample({"client": clients}, 1)["client"]
    assert sample({"chat": [phoned], "client": clients}, 1)["client"] == others


def test_a_merged_record_comes_with_its_survivor_and_the_survivors_parents() -> None:
    records = {
        "client": [{"id": "c1", "firm_id": "f1"}, {"id": "c2", "firm_id": "f2"}],
        "firm": [{"id": "f1"}, {"id": "f2"}],
    }
    survivors = [{("client", "c1"): "c2"}, {("client", "c2"): "c1"}]
    for merged in survivors:
        [one] = sample(records, 1)["client"]
        chosen = sample(records, 1, merged)
        assert chosen["client"] >= {merged.get(("client", one), one)}
        parents = {r["firm_id"] for r in records["client"] if r["id"] in chosen["client"]}
        assert parents <= chosen["firm"]


def test_what_is_linked_to_a_merged_record_brings_the_survivor() -> None:
    chat = {"id": "t", "mood": "fine", "via": "x", "with": ["c1"]}
    clients = [{"id": f"c{n}"} for n in range(10)]
    chosen = sample({"chat": [chat], "client": clients}, 1, {("client", "c1"): "c7"})
    assert "c7" in chosen["client"]
