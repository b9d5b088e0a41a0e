from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.phones import (
    Phone,
    international,
    parse_phone,
    phone_key,
    region_of,
    split_phones,
)


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("+34 612 34 56 78", None, Phone("612345678", "ES", "+34")),
        ("0034 612 34 56 78", None, Phone("612345678", "ES", "+34")),
        ("(00)34-612-345678", "DE", Phone("612345678", "ES", "+34")),
        ("0612 34 56 78", "NL", Phone("612345678", "NL", "+31")),
        ("+39 06 1234567", None, Phone("061234567", "IT", "+39")),
        ("+1 212 555 0147 ext. 12", None, Phone("2125550147", "US", "+1", "12")),
        ("+800 1234 5678", None, Phone("12345678", "001", "+800")),
    ],
)
def test_numbers_in_parts(text: str, region: str | None, phone: Phone) -> None:
    assert parse_phone(text, region) == phone


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("0612 34 56 78", None),
        ("ask Maria", "DE"),
        ("12", "DE"),
        ("", "DE"),
        ("+49 30 1234567890123456", None),
    ],
)
def test_no_number(text: str, region: str | None) -> None:
    assert parse_phone(text, region) is None


@given(st.text(max_size=30), st.sampled_from([None, "DE", "US"]))
def test_any_text_is_survived(text: str, region: str | None) -> None:
    parse_phone(text, region)
    phone_key(text)
    split_phones(text)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("+49 30 1234567; 0171/2345678", ["+49 30 1234567", "0171/2345678"]),
        ("+49 30 1234567, +49 30 7654321", ["+49 30 1234567", "+49 30 7654321"]),
        ("030 1234567 oder 0171 2345678", ["030 1234567", "0171 2345678"]),
        ("030 123/4567", ["030 123/4567"]),
        ("+1 212 555 0147, ext. 12", ["+1 212 555 0147, ext. 12"]),
        (" ", []),
    ],
)
def test_cells_with_several_numbers(cell: str, numbers: list[str]) -> None:
    assert split_phones(cell) == numbers


def test_keys_do_not_depend_on_how_the_country_is_written() -> None:
    keys = {phone_key(t) for t in ("+44 20 7946 1234", "0044-20-79461234", "(020) 7946 1234")}
    assert len(keys) == 1
    assert phone_key("+1 212 555 0147 ext. 12") == phone_key("212-555-0147")


@pytest.mark.parametrize("text", ["12345", "000-000-0000", "n/a", ""])
def test_placeholders_have_no_key(text: str) -> None:
    assert phone_key(text) is None


@pytest.mark.parametrize(
    ("country", "region"),
    [
        ("DE", "DE"),
        ("gb", "GB"),
        ("Germany", "DE"),
        (" Deutschland ", "DE"),
        ("États-Unis", "US"),
        ("Países Bajos", "NL"),
        ("USA", "US"),
        ("n/a", None),
        ("", None),
    ],
)
def test_a_country_is_known_by_code_and_by_name(country: str, region: str | None) -> None:
    assert region_of(country) == region


@pytest.mark.parametrize(
    ("text", "number"),
    [("0044 20 7946 1234", "+44 20 7946 1234"), ("(00)34 6", "(00)34 6"), ("000 1", "000 1")],
)
def test_a_number_that_leads_abroad_begins_with_plus(text: str, number: str) -> None:
    assert international(text) == number
