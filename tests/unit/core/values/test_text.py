from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.text import (
    fold,
    one_line,
    squash,
    tokens,
    without_controls,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Zoë  LEE", "zoe lee"),
        ("STRASSE", "straße"),
        ("Øresund", "oresund"),
        ("ﬁne", "fine"),
        ("Ｔｏｋｙｏ", "tokyo"),
        ("Ёлка", "елка"),
        ("e\u0301", "é"),
    ],
)
def test_spellings_that_fold_to_one(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(max_size=40))
@example("㏆")  # comes apart into C, a stroke and kg
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(codec="ascii"), max_size=40))
def test_the_short_way_for_ascii_is_the_long_way(text: str) -> None:
    marked = fold(text + " é").removesuffix("e").rstrip()
    assert fold(text) == marked


def test_words() -> None:
    assert tokens("Anne-Marie O’Brien, d'Arcy 2") == ["anne", "marie", "obrien", "darcy", "2"]
    assert tokens("می\u200cخواهم") == tokens("میخواهم")
    assert squash("St. John's (UK)") == "stjohnsuk"
    assert tokens("🚀 & —") == []


def test_one_line() -> None:
    assert one_line(" a\x00\u202eb\n\tc\u200b ") == "a b c"


def test_controls_go_and_line_ends_are_one() -> None:
    assert without_controls("a\r\nb\rc\x07\td\n") == "a\nb\nc\td\n"
