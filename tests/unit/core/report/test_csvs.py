"""A CSV file holds every value whole, and no spreadsheet runs anything that it holds."""

from __future__ import annotations

import csv
import io
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.report.csvs import csv_cell, visible, write_csv
from airflow_crm_migration.core.report.table import Table
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.values.spreadsheet import defused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEGINNINGS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
FORMULAS = "=+-@\uff1d\uff0b\uff0d\uff20"
HARMLESS = "aZ09 ,.:!?'\"\u00e9\u4e16\U0001f600"
texts = st.text(st.one_of(st.characters(), st.sampled_from(BEGINNINGS + ";" + HARMLESS)))


@given(texts)
def test_no_cell_begins_a_formula(text: str) -> None:
    assert csv_cell(text)[:1] not in set(BEGINNINGS)


@given(texts)
def test_no_formula_begins_where_another_locale_separates_cells(text: str) -> None:
    cell = csv_cell(text)
    for separator in ";\t\n":
        for piece in cell.split(separator):
            assert piece.lstrip(" ")[:1] not in set(FORMULAS)


@given(texts)
def test_nothing_but_apostrophes_is_added(text: str) -> None:
    assert defused(text).replace("'", "") == text.replace("'", "")


@given(st.text(st.sampled_from(HARMLESS)))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert csv_cell(text) == text


@given(texts)
def test_nothing_hidden_is_left(text: str) -> None:
    for char in visible(text):
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(char) not in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("invoice\u202efdp.exe", "invoice[U+202E]fdp.exe"),
        ("a\x00b\x1b[31m", "a\u2400b\u241b[31m"),
        ("half \ud83d", "half [U+D83D]"),
        ("one\r\ntwo", "one\ntwo"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
    ],
)
def test_what_hides_is_shown_and_what_scripts_need_is_kept(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_numbers_stay_numbers_and_nothing_is_blank() -> None:
    assert [csv_cell(value) for value in (1996, 0, None, "")] == ["1996", "0", "", ""]


def test_a_file_reads_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [('say "hi"', 7), ("two\nlines; and, more", 0), ("Zoë 世界", None)]

    def walk() -> Iterator[tuple[str, int | None]]:
        return iter(rows)

    write_csv(Staging(tmp_path), "a.csv", Table("a", ("text", "number"), walk, 3))
    content = (tmp_path / "a.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert read[0] == ["text", "number"]
    assert read[1:] == [[text, "" if number is None else str(number)] for text, number in rows]
