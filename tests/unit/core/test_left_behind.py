"""People see which fields of the source no rule takes."""

from __future__ import annotations

import pytest

from airflow_crm_migration.core.left_behind import fields_read, left_behind
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.hooks.klipy.objects import OBJECTS
from tests.support.transforming import small_pair

FIRM = (
    "{id: firm, source: firm, destination: house, identity: [id, code],"
    " when: {not: {field: kind, equals: none}},"
    " fields: [{to: sign, from: [called, brand], when: {field: brand_kind, present: true}},"
    " {to: rest, from: words, through: {object: firm, from: mother, by: id}}],"
    " links: [{to: house, lines: [firm], when: {field: linked, equals: true},"
    " ways: [{object: firm, from: parent, by: id, when: {field: parent_kind, equals: firm}}]}],"
    " owners: [{to: warden, from: keeper}]}"
)
STICKER = (
    "{id: sticker, source: sticker, into: [{object: firm, when: {field: kind, equals: firm},"
    " value: word, field: words, ways: [{object: firm, from: of, by: id}]}]}"
)
READ = [
    "id", "code", "kind", "called", "brand", "brand_kind", "mother", "linked", "parent",
    "parent_kind", "keeper",
]  # fmt: skip


def test_what_any_rule_reads_does_not_stay_behind() -> None:
    pair = small_pair(FIRM, folds=[STICKER])
    assert left_behind(pair, "firm", [*READ, "words", "colour"]) == ["colour", "words"]
    assert left_behind(pair, "sticker", ["id", "kind", "word", "of", "glue"]) == ["glue"]


def test_what_rules_read_includes_what_they_reach_through_other_records() -> None:
    pair = small_pair(FIRM, folds=[STICKER])
    assert fields_read(pair, "firm") == {*READ, "words"}


@pytest.mark.parametrize("name", OBJECTS)
def test_of_klipy_nothing_stays_behind_but_what_twenty_finds_out_itself(name: str) -> None:
    found = left_behind(load_mapping("klipy_to_twenty"), name, OBJECTS[name].fields)
    assert found == (["content_type"] if name == "attachment" else [])
