from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.canonical import decimal_text
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.values.numbers import (
    decimal_marks_that_fit,
    detect_type,
    parse_boolean,
    parse_decimal,
)

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("1,234.50", ".", "1234.5"),
        ("1.234,50", ",", "1234.5"),
        ("12,34,567.8", ".", "1234567.8"),
        ("1'234.50", ".", "1234.5"),
        ("1\u202f234,5", ",", "1234.5"),
        ("(12.5)", ".", "-12.5"),
        ("-12.5", ".", "-12.5"),
        ("\u221212.5", ".", "-12.5"),
        ("12.5-", ".", "-12.5"),
        ("$ 1,000", ".", "1000"),
        ("-$5", ".", "-5"),
        ("$-5", ".", "-5"),
        ("1.000 €", ",", "1000"),
        ("EUR 12", ".", "12"),
        ("R$ 1.500,00", ",", "1500"),
        ("US$5", ".", "5"),
        (".5", ".", "0.5"),
        ("5.", ".", "5"),
        ("1.2E+5", ".", "120000"),
        ("٣٤", ".", "34"),
        ("000", ".", "0"),
        ("  ", ".", None),
    ],
)
def test_numbers(text: str, mark: str, number: str | None) -> None:
    assert parse_decimal(text, mark) == number


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("1,23", "."),
        ("1.234,50", "."),
        ("1,234.50", ","),
        ("twelve", "."),
        ("50%", "."),
        ("--5", "."),
        ("(-5)", "."),
        ("5 apples", "."),
        ("1.2.3", "."),
        ("12 34", "."),
        ("inf", "."),
        ("nan", "."),
        ("1e9999", "."),
        (".", "."),
        ("$", "."),
    ],
)
def test_no_number(text: str, mark: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        parse_decimal(text, mark)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**12))
def test_every_decimal_comes_back(number: Decimal) -> None:
    text = decimal_text(number)
    assert parse_decimal(text, ".") == text
    assert parse_decimal(f"{number:,.3f} €", ".") == text


def test_marks_that_fit() -> None:
    assert decimal_marks_that_fit(["1.5", "2"]) == ["."]
    assert decimal_marks_that_fit(["1,5", "2"]) == [","]
    assert decimal_marks_that_fit(["1.234", ""]) == [".", ","]
    assert decimal_marks_that_fit(["1.5", "1,5"]) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("yes", True), ("TRUE", True), ("1", True), ("x", True), (" Ja ", True), ("✓", True)),
        *(("no", False), ("0", False), ("Nein", False), ("off", False)),
        *(("", None), (" ", None)),
    ],
)
def test_yes_and_no(text: str, value: bool | None) -> None:
    assert parse_boolean(text) is value


def test_neither_yes_nor_no() -> None:
    with pytest.raises(ValueError, match="neither yes nor no"):
        parse_boolean("maybe")


@pytest.mark.parametrize(
    ("samples", "kind"),
    [
        (["yes", "no", "", "yes"], FieldType.BOOLEAN),
        (["0", "1", "1"], FieldType.BOOLEAN),
        (["1", "1"], FieldType.NUMBER),
        (["12", "1,200.50"], FieldType.NUMBER),
        (["12,5", "1.200,50"], FieldType.NUMBER),
        (["2024-01-31", "2024-02-01"], FieldType.DATE),
        (["31/01/2024 10:00", "01/02/2024 11:00"], FieldType.DATETIME),
        (["A", "B", "A", "A", "B", "B"], FieldType.SELECT),
        (["A", "B", "C"], FieldType.TEXT),
        (["one\ntwo", "three"], FieldType.LONG_TEXT),
        (["x" * 300], FieldType.LONG_TEXT),
        (["00123", "00456"], FieldType.TEXT),
        (["+49301234567", "+49301234568"], FieldType.TEXT),
        (["1234567890123456789"], FieldType.TEXT),
        (["12", "n/a"], FieldType.TEXT),
        ([], FieldType.TEXT),
        (["", " "], FieldType.TEXT),
    ],
)
def test_types_of_columns(samples: list[str], kind: FieldType) -> None:
    assert detect_type(samples) is kind
