"""Currencies: the ISO 4217 code that a code, a sign or a name means."""

from __future__ import annotations

import re
from functools import cache

from airflow_crm_migration.core.values.text import fold

_LANGUAGES = ("en", "de", "fr", "es", "pt", "it", "nl")
_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "₪": "ILS", "₺": "TRY", "₫": "VND",
    "₴": "UAH", "₦": "NGN", "฿": "THB", "₱": "PHP", "zł": "PLN", "kč": "CZK", "ft": "HUF",
    "us$": "USD", "a$": "AUD", "au$": "AUD", "ca$": "CAD", "c$": "CAD", "nz$": "NZD", "hk$": "HKD",
    "nt$": "TWD", "mx$": "MXN", "r$": "BRL",
}  # fmt: skip
_SHORT_NAMES = {"sterling": "GBP", "pound sterling": "GBP", "yen": "JPY", "renminbi": "CNY"}
# What several currencies are called -> a word in the English names of all of them.
_SHARED = {
    "$": ("dollar", "peso"), "dollar": ("dollar",), "peso": ("peso",), "¥": ("yen", "yuan"),
    "kr": ("kron",), "krone": ("kron",), "pound": ("pound",), "rupee": ("rupee",), "rs": ("rupee",),
    "fr": ("franc",), "franc": ("franc",),
}  # fmt: skip
_NO_CURRENCY = "XXX"


def is_currency(code: str) -> bool:
    """Tell whether a text is an ISO 4217 code."""
    return code in _names()


def currency_of(text: str, default: str | None = None) -> str | None:
    """
    Return the code of a currency, None where a text means none, or several.

    :param text: a code, a sign, a name in one of the languages of our word lists, or two of these
    :param default: what a sign or a name of several currencies means, if it is one of them
    """
    spelt = re.findall(r"\b[A-Z]{3}\b", text) if not is_currency(text.strip().upper()) else []
    codes = {text.strip().upper(), *spelt} & _names().keys()
    if codes:
        return codes.pop() if len(codes) == 1 else None
    return _by_name().get(_singular(text)) or _shared(_singular(text), default)


def _shared(name: str, default: str | None) -> str | None:
    called = fold(_names().get(default or "", ""))
    return default if any(word in called for word in _SHARED.get(name, ())) else None


def _singular(text: str) -> str:
    name = fold(text).strip(". ")
    return name.removesuffix("s") if name[:-1] in _SHARED or name[:-1] in _by_name() else name


@cache
def _names() -> dict[str, str]:
    """Return code -> English name."""
    from babel import Locale

    names = dict(Locale("en").currencies)
    names.pop(_NO_CURRENCY, None)
    return names


@cache
def _by_name() -> dict[str, str]:
    """Return the folded names and signs that mean one currency -> its code."""
    from babel import Locale

    found: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).currencies.items():
            if code in _names():
                found.setdefault(fold(name), set()).add(code)
    unique = {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
    signs = {fold(sign): code for sign, code in _SIGNS.items()}
    own = {name: code for name, code in unique.items() if name not in _SHARED}
    return own | signs | _SHORT_NAMES
