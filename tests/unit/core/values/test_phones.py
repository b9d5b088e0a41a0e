from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.values.phones import (
    international,
    phone_key,
    region_of,
    split_phones,
)


@given(st.text(max_size=30))
def test_any_text_is_survived(text: str) -> None:
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
        ("+49 30 1234567; call me", ["+49 30 1234567", "+49 30 1234567; call me"]),
        ("030 1234567, office", ["030 1234567", "030 1234567, office"]),
        ("n/a; 030 1234567; ext 5", ["030 1234567", "n/a; 030 1234567; ext 5"]),
        ("call me; later", ["call me; later"]),
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
