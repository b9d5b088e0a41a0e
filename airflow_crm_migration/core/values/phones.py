"""Phone numbers: the cells that hold several, keys to compare them by, and their countries."""

from __future__ import annotations

import re
from functools import cache

from airflow_crm_migration.core.values.text import fold, one_line

_SEPARATORS = (
    re.compile(r"[;|\n]"),
    re.compile(r"[;|\n,]"),
    re.compile(r"[;|\n,/]|\s(?:or|oder|ou|und|and)\s"),
)
_LANGUAGES = ("en", "de", "fr", "es", "pt", "it", "nl")
_COLLOQUIAL = {"usa": "US", "uk": "GB", "england": "GB", "scotland": "GB", "uae": "AE"}
_FEWEST_DIGITS = 7
_KEY_DIGITS = 9
_EXTENSION = re.compile(r"(?:ext(ension)?[.=]?|x|durchwahl|poste|#)\s*\d+\s*$", re.IGNORECASE)


def split_phones(text: str) -> list[str]:
    """
    Return the numbers of a cell as written; where it holds more, the whole cell comes last.

    It is cut where every piece is a number or holds no digit, at a semicolon, a bar or a line's end
    also where only one is a number.

    :param text: such as ``"+49 30 1234567; 0171/2345678; call after six"``
    """
    whole = text.strip()
    for separator in _SEPARATORS:
        pieces = [piece.strip() for piece in separator.split(text) if piece.strip()]
        numbers = [piece for piece in pieces if _digits(piece) >= _FEWEST_DIGITS]
        others = [piece for piece in pieces if piece not in numbers]
        cut = separator is _SEPARATORS[0] or not any(map(_digits, others))
        if len(pieces) > 1 and numbers and cut:
            return [*numbers, whole] if others else numbers
    return [whole] if whole else []


def phone_key(text: str) -> str | None:
    """
    Return the last nine digits: equal however the country was written, and cheap to make.

    :return: None where there are too few digits to mean one line
    """
    digits = re.sub(r"\D", "", _EXTENSION.sub("", text))
    key = digits.removeprefix("00")[-_KEY_DIGITS:]
    return key if len(key) >= _FEWEST_DIGITS and len(set(key)) > 1 else None


def international(text: str) -> str:
    """Return a number that begins with 00 with a plus sign instead, which every country reads."""
    return re.sub(r"^[\s(]*00(?=[1-9])", "+", one_line(text))


def region_of(country: str) -> str | None:
    """
    Return the ISO 3166-1 alpha-2 code of a country, None where it is none that is known.

    :param country: a code, or a name in one of the languages of our word lists
    """
    return _regions().get(fold(country))


@cache
def _regions() -> dict[str, str]:
    from babel import Locale
    from phonenumbers import SUPPORTED_REGIONS

    names = {
        fold(name): code
        for language in _LANGUAGES
        for code, name in Locale(language).territories.items()
        if code in SUPPORTED_REGIONS
    }
    codes = {code.lower(): code for code in SUPPORTED_REGIONS}
    return names | codes | _COLLOQUIAL


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)
