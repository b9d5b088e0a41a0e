"""A currency is the code that people mean, and none where they may mean several."""

from __future__ import annotations

import pytest

from airflow_crm_migration.core.values.currencies import currency_of, is_currency


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EUR", "EUR"), (" eur ", "EUR"), ("€", "EUR"), ("Euro", "EUR"), ("euros", "EUR"),
        ("£", "GBP"), ("Sterling", "GBP"), ("US DOLLAR", "USD"), ("us dollars", "USD"),
        ("US$", "USD"), ("A$", "AUD"), ("R$", "BRL"), ("zł", "PLN"), ("Schweizer Franken", "CHF"),
        ("dólar estadounidense", "USD"), ("USD - US Dollar", "USD"), ("$ (CAD)", "CAD"),
        ("Kč", "CZK"), ("Yen", "JPY"),
        ("$", None), ("dollars", None), ("¥", None), ("kr.", None), ("EUR / USD", None),
        ("XXX", None), ("", None), ("much", None), ("ZZZ", None),
    ],
)  # fmt: skip
def test_what_a_text_means(text: str, code: str | None) -> None:
    assert currency_of(text) == code


@pytest.mark.parametrize(
    ("text", "default", "code"),
    [
        ("$", "USD", "USD"), ("$", "CAD", "CAD"), ("Dollars", "AUD", "AUD"), ("$", "MXN", "MXN"),
        ("kr", "SEK", "SEK"), ("¥", "CNY", "CNY"), ("$", "EUR", None), ("kr", "EUR", None),
        ("much", "EUR", None), ("€", "USD", "EUR"),
    ],
)  # fmt: skip
def test_what_several_are_called_is_the_engagements_if_it_is_one_of_them(
    text: str, default: str, code: str | None
) -> None:
    assert currency_of(text, default) == code


def test_only_codes_are_codes() -> None:
    assert is_currency("EUR")
    assert not any(is_currency(text) for text in ("eur", "€", "US DOLLAR", "XXX", "ZZZ", ""))
