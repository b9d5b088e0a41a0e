"""Numbers, yes and no, and the type that a column of a CSV file has."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

from airflow_crm_migration.core.canonical import decimal_text
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.values.dates import formats_that_fit
from airflow_crm_migration.core.values.lists import words

if TYPE_CHECKING:
    from collections.abc import Iterable

DECIMAL_MARKS = (".", ",")
_CURRENCY = (
    r"(?:[A-Z]{1,3}\$|[A-Z]{3}|R\$|kr\.?|zł|Kč|Ft|lei|Rs\.?|Fr\.?|[^\W\d\s]?[$€£¥₹₽₩₪₺₫₴₦฿¢])"
)
_AROUND = re.compile(rf"^(-?)\s*{_CURRENCY}?\s*(-?)\s*(.*?)\s*{_CURRENCY}?\s*(-?)$")
_BLANKS = "[ \u00a0\u2009\u202f'\u2019]"
_MOST_OPTIONS = 30
_LONGEST_OPTION = 63
_LONGEST_LINE = 255
_REPEATED = 3


def parse_decimal(text: str, decimal_mark: str) -> str | None:
    """
    Return a number as a plain decimal; None for a blank.

    Currency signs go; parentheses and a minus at either end mean a negative number.

    :param text: such as ``"1,234.50 €"`` or ``"(12.5)"``
    :param decimal_mark: ``.`` or ``,``
    :raises ValueError: no number, or digits grouped as with the other mark
    """
    bare = _ascii_digits(text).strip().replace("\u2212", "-")
    if not bare:
        return None
    inside = re.fullmatch(r"\((.*)\)", bare)
    around = _AROUND.match(inside.group(1).strip() if inside else bare)
    signs = "".join(around.group(1, 2, 4)) if around else ""
    number = _ungrouped(around.group(3), decimal_mark) if around else None
    if number is None or len(signs) + bool(inside) > 1:
        raise ValueError(f"not a number with {decimal_mark!r} before the fraction")
    return decimal_text(number.copy_negate() if signs or inside else number)


def decimal_marks_that_fit(samples: Iterable[str]) -> list[str]:
    """Return the decimal marks with which every sample is a number."""
    texts = list(samples)
    return [mark for mark in DECIMAL_MARKS if all(_is_decimal(text, mark) for text in texts)]


def parse_boolean(text: str) -> bool | None:
    """
    Return yes or no; None for a blank.

    :param text: such as ``yes``, ``0``, ``TRUE``, ``x``, ``nein``
    :raises ValueError: anything else
    """
    word = text.strip().casefold()
    if not word:
        return None
    if word not in words("yes") | words("no"):
        raise ValueError("neither yes nor no")
    return word in words("yes")


def detect_type(samples: Iterable[str]) -> FieldType:
    """
    Return the type of a column whose meaning nobody declared.

    What looks like a number and is none (leading zeros, long ids) is text.

    :param samples: values as written; the more, the surer
    """
    texts = [text for text in (sample.strip() for sample in samples) if text]
    distinct = set(texts)
    if not texts:
        return FieldType.TEXT
    if _all_boolean(distinct):
        return FieldType.BOOLEAN
    if not any(_is_code(text) for text in distinct) and decimal_marks_that_fit(distinct):
        return FieldType.NUMBER
    if fitting := [fmt for fmt in formats_that_fit(distinct) if fmt not in ("epoch_ms", "excel")]:
        timed = any(re.search(r"\d:\d", text) for text in distinct)
        return FieldType.DATETIME if timed and fitting else FieldType.DATE
    return _text_type(texts, distinct)


def _text_type(texts: list[str], distinct: set[str]) -> FieldType:
    longest = max(map(len, distinct))
    if longest > _LONGEST_LINE or any("\n" in text for text in distinct):
        return FieldType.LONG_TEXT
    few = len(distinct) <= _MOST_OPTIONS and len(texts) >= _REPEATED * len(distinct)
    if few and longest <= _LONGEST_OPTION and not any(_is_code(text) for text in distinct):
        return FieldType.SELECT
    return FieldType.TEXT


def _all_boolean(distinct: set[str]) -> bool:
    found = {text.casefold() for text in distinct}
    return found <= words("yes") | words("no") and found not in ({"1"}, {"0"})


def _is_code(text: str) -> bool:
    """Tell an id, a postcode or a phone number from a quantity."""
    return bool(re.match(r"0\d|\+", text) or re.fullmatch(r"\d{16,}", text))


def _is_decimal(text: str, mark: str) -> bool:
    try:
        parse_decimal(text, mark)
    except ValueError:
        return False
    return True


def _ungrouped(text: str, mark: str) -> Decimal | None:
    group = re.escape("," if mark == "." else ".")
    point = re.escape(mark)
    groups = rf"\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}}|\d{{1,3}}(?:{_BLANKS}\d{{3}})+|\d+"
    match = re.fullmatch(rf"({groups})?(?:{point}(\d*))?([eE][+-]?\d{{1,3}})?", text)
    if match is None or not (match.group(1) or match.group(2)):
        return None
    whole = re.sub(r"\D", "", match.group(1) or "0")
    return Decimal(f"{whole}.{match.group(2) or 0}{match.group(3) or ''}")


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
