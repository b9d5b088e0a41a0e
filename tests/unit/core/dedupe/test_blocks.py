from __future__ import annotations

from airflow_crm_migration.core.dedupe.agreement import PersonName
from airflow_crm_migration.core.dedupe.blocks import similar_pairs


def names(*texts: str) -> list[PersonName]:
    parts = (text.split() for text in texts)
    return [PersonName((given,), (family,)) for given, family in parts]


def test_only_names_that_look_alike_within_one_block() -> None:
    known = names("ann lee", "ann leh", "robert johnson", "ann lee", "bob johnson")
    assert set(similar_pairs(known, [[0, 1, 2], [2, 4]])) == {(0, 1), (2, 4)}


def test_each_pair_comes_once_though_several_blocks_have_it() -> None:
    known = names("ann lee", "ann leh")
    assert list(similar_pairs(known, [[0, 1], [0, 1], [0, 1]])) == [(0, 1)]


def test_records_of_one_name_are_chained_to_the_first() -> None:
    known = names(*["ann lee"] * 500)
    assert len(list(similar_pairs(known, [range(500)]))) == 499


def test_a_block_of_a_whole_town_is_compared_with_neighbours_only() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    town = [f"ab{a}{b}{c} abney" for a in letters for b in letters for c in letters[:5]]
    known = names(*town, "lars hansen", "lars hansson")
    last = len(known) - 1
    found = list(similar_pairs(known, [range(len(known))]))
    assert (last - 1, last) in found
    assert len(found) == len(set(found)) < 40 * len(known)


def test_nothing_to_compare() -> None:
    assert list(similar_pairs([], [])) == []
    assert list(similar_pairs(names("ann lee"), [[0]])) == []
