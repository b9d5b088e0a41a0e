"""Records enter the mapping merged, with what other objects bring for them, and only if chosen."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.staging import PartWriter, Staging, read_parts
from airflow_crm_migration.core.transform.drafts import Stopped
from airflow_crm_migration.core.transform.phase import transform_phase
from airflow_crm_migration.core.transform.records import SourceRecords
from tests.support.transforming import CLIENT, FIRM, Workbench, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLD = """
id: sticker
source: sticker
into:
  - {object: firm, when: {field: kind, equals: firm}, value: word, field: words,
     ways: [{object: firm, from: of, by: id}, {object: firm, from: of, by: name}]}
  - {object: client, when: {field: kind, equals: client}, value: word, field: words,
     ways: [{object: client, from: of, by: id}]}
"""


class Shop:
    """Source records, and what a run makes of them."""

    def __init__(self, bench: Workbench, staging: Staging) -> None:
        self.bench = bench
        self.staging = staging
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.rejected: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def put(self, object_name: str, record_id: str, **record: Any) -> None:
        self.rows[object_name].append({"id": record_id, **record})
        self.bench.known(object_name, id=record_id, **record)

    def records(self, **more: Any) -> SourceRecords:
        read = self.rows.__getitem__
        return SourceRecords(self.bench.mapping, read, self.bench.index, **more)

    def drafts(self, phase: str, decided: Any = lambda *_: None, **more: Any) -> dict[str, Any]:
        """Transform a phase and return (line, source id) -> draft."""
        seen: list[int] = []
        manifest = transform_phase(
            phase,
            self.bench.setting,
            self.records(**more),
            rejected=self.rejected.__getitem__,
            decided=decided,
            writer=PartWriter(self.staging, f"r/transform/{phase}"),
            say=seen.append,
        )
        found = list(read_parts(self.staging, f"r/transform/{phase}"))
        assert sum(manifest["read"].values()) == len(found) == len(seen)
        return {f"{draft['key'][0]} {draft['key'][2]}": draft for draft in found}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Workbench(FIRM, CLIENT, folds=[FOLD]) as bench:
        made = Shop(bench, Staging(tmp_path))
        made.put("firm", "f1", called="Acme")
        made.put("firm", "f2", called="Bolt", words=["old"])
        made.put("client", "c1", mail="ann@x.org")
        yield made


def words(shop: Shop, object_name: str = "firm", **more: Any) -> dict[str, Any]:
    return {row["id"]: row.get("words") for row in shop.records(**more).walk(object_name)}


def outcome(draft: dict[str, Any]) -> tuple[str, str]:
    return draft["outcome"], draft["reason"]


def test_values_of_other_objects_are_added_to_what_is_there(shop: Shop) -> None:
    shop.put("sticker", "s1", kind="firm", of="f2", word="new")
    shop.put("sticker", "s2", kind="firm", of="f2", word="old")
    shop.put("sticker", "s3", kind="FIRM", of="acme", word="by name")
    shop.put("sticker", "s4", kind="client", of="c1", word="of a client")
    assert words(shop) == {"f1": ["by name"], "f2": ["old", "new"]}
    assert words(shop, "client") == {"c1": ["of a client"]}


def test_what_is_folded_has_an_outcome_in_the_phase_of_its_parent(shop: Shop) -> None:
    shop.put("sticker", "s1", kind="firm", of="f1", word="a")
    shop.put("sticker", "s2", kind="client", of="c1", word="a")
    house, human = shop.drafts("house"), shop.drafts("human")
    assert outcome(house["sticker s1"]) == ("merged", "folded")
    assert house["sticker s1"]["detail"] == "firm:f1"
    assert house["sticker s1"]["parent"] == [["firm", "firm", "f1", ""]]
    assert outcome(human["sticker s2"]) == ("merged", "folded")
    assert len(house) + len(human) == 5


def test_what_has_no_parent_or_two_is_held(shop: Shop) -> None:
    shop.put("firm", "f3", called="ACME")
    shop.put("sticker", "s1", kind="firm", of="Acme", word="a")
    shop.put("sticker", "s2", kind="firm", of="f9", word="a")
    found = shop.drafts("house")
    assert outcome(found["sticker s1"]) == ("held", "parent_ambiguous")
    assert outcome(found["sticker s2"]) == ("held", "parent_missing")
    assert words(shop) == {"f1": None, "f2": ["old"], "f3": None}


def test_what_no_rule_takes_is_rejected_once(shop: Shop) -> None:
    shop.put("sticker", "s1", kind="robot", of="f1", word="a")
    rejected = shop.drafts("house")["sticker s1"]
    assert told(rejected) == ("rejected", "unmapped_value", "no rule fits kind robot")
    assert "sticker s1" not in shop.drafts("human")


CHOOSY = """
id: sticker
source: sticker
into:
  - {object: firm, when: {all: [{choice: greet, equals: true}, {field: kind, equals: firm}]},
     value: word, field: words,
     ways: [{object: firm, from: of, by: id, when: {choice: greet, equals: true}}]}
  - {object: client, when: {related: {object: client, from: of, by: id}}, value: word, field: words,
     ways: [{object: firm, from: of, by: id, when: {field: kind, equals: never}},
            {object: client, from: of, by: id}]}
"""


@pytest.mark.parametrize("chosen", [True, False])
def test_conditions_of_folds_look_at_choices_and_at_other_records(
    tmp_path: Path, chosen: bool
) -> None:
    with Workbench(FIRM, CLIENT, folds=[CHOOSY]) as bench:
        shop = Shop(bench, Staging(tmp_path))
        shop.put("firm", "x1", called="Acme")
        shop.put("client", "x1", mail="ann@x.org")
        shop.put("sticker", "s1", kind="firm", of="x1", word="a")
        of_firm = words(shop, choices={"greet": chosen})
        of_client = words(shop, "client", choices={"greet": chosen})
    assert (of_firm["x1"], of_client["x1"]) == ((["a"], None) if chosen else (None, ["a"]))


def test_a_survivor_has_the_values_of_those_merged_into_it(shop: Shop) -> None:
    merged = {("firm", "f1"): {"id": "f1", "called": "Acme", "web": "acme.io"}}
    walked = list(shop.records(merged=merged).walk("firm"))
    assert walked[0]["web"] == "acme.io"
    assert "web" not in walked[1]


def test_only_chosen_records_are_walked(shop: Shop) -> None:
    shop.put("sticker", "s1", kind="firm", of="f1", word="a")
    shop.rejected["firm"] = [{"id": "f7", "detail": "x"}, {"id": "f8", "detail": "x"}]
    found = shop.drafts("house", selection={"firm": {"f1", "f7"}, "sticker": set()})
    assert set(found) == {"firm f1", "firm f7"}


def test_what_the_extract_rejected_is_rejected_with_its_reason(shop: Shop) -> None:
    shop.rejected["firm"] = [{"id": "f7", "reason": "same_id_twice", "detail": "row 3"}]
    shop.rejected["sticker"] = [{"id": "s7", "detail": "stickers.csv row 9"}]
    found = shop.drafts("house")
    assert outcome(found["firm f7"]) == ("rejected", "same_id_twice")
    assert outcome(found["sticker s7"]) == ("rejected", "bad_cell")
    assert found["sticker s7"]["detail"] == "stickers.csv row 9"
    assert "sticker s7" not in shop.drafts("human")


def test_what_the_review_of_duplicates_decided_goes_before_the_mapping(shop: Shop) -> None:
    def decided(object_name: str, source_id: str) -> Stopped | None:
        if (object_name, source_id) == ("firm", "f2"):
            return Stopped(Outcome.MERGED, Reason.DUPLICATE_CONFIRMED, into="f1")
        return None

    found = shop.drafts("house", decided)
    assert outcome(found["firm f2"]) == ("merged", "duplicate_confirmed")
    assert found["firm f2"]["into"] == "f1"
    assert "outcome" not in found["firm f1"]
