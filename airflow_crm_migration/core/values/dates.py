"""Dates and times by an explicit format per column; nothing is guessed row by row."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from airflow_crm_migration.core.canonical import time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DATES = (
    *("YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD"),
    *("DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "DD-MM-YYYY", "MM-DD-YYYY"),
    *("DD MMM YYYY", "MMM DD, YYYY", "DD MMMM YYYY", "MMMM DD, YYYY"),
)
_TIMES = ("HH:mm", "HH:mm:ss", "hh:mm A", "hh:mm:ss A")
FORMATS = ("iso", *_DATES, *(f"{d} {t}" for d in _DATES for t in _TIMES), "epoch_ms", "excel")
"""Formats that a column may have; the likelier one first where samples fit several."""

_CODES = {
    "YYYY": "%Y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "DD": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "A": "%p",
}
_CODE = re.compile("|".join(_CODES))
# day 0 of spreadsheets, such that days after February 1900 come out right: they believe in a 29th
_EXCEL_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
_EXCEL_DAYS = (61, 2_958_465)
_PLAUSIBLE = (datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
_ISO_LENGTH = len("2024-01-31")


def parse_date(text: str, fmt: str) -> str:
    """
    Return a day as ``2024-01-31``.

    :param text: as written; of a time, the day that it names
    :param fmt: one of :data:`FORMATS`
    :raises ValueError: the text has another format
    """
    return _parsed(text, fmt).date().isoformat()


def parse_datetime(text: str, fmt: str, tz: str) -> str:
    """
    Return an instant in UTC as ``2024-01-31T08:00:00.000Z``.

    :param text: as written
    :param fmt: one of :data:`FORMATS`
    :param tz: name of the time zone of times that name none, such as ``Europe/Berlin``
    :raises ValueError: the text has another format
    """
    moment = _parsed(text, fmt)
    try:
        return time_text(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(tz)))
    except OverflowError as error:
        raise ValueError("a time before the year 1 or after the year 9999 in UTC") from error


def formats_that_fit(samples: Iterable[str]) -> list[str]:
    """
    Return the formats in which every sample can be read; several where the samples do not tell.

    :param samples: values of one column; blanks are passed over
    """
    texts = {sample.strip() for sample in samples} - {""}
    return [fmt for fmt in FORMATS if texts and all(_fits(text, fmt) for text in texts)]


def _fits(text: str, fmt: str) -> bool:
    try:
        moment = _parsed(text, fmt)
    except ValueError:
        return False
    early, late = _PLAUSIBLE
    return fmt != "epoch_ms" or early <= moment <= late


def _parsed(text: str, fmt: str) -> datetime:
    bare = " ".join(text.split())
    read = _reader(fmt)
    try:
        return read(bare)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"a value of the form {_shape(bare)!r} is not {fmt}") from error


@cache
def _reader(fmt: str) -> Callable[[str], datetime]:
    special = {"iso": _iso, "epoch_ms": _epoch, "excel": _excel}
    if fmt in special:
        return special[fmt]
    if fmt not in FORMATS:
        raise ValueError(f"unknown date format {fmt!r}; known are {', '.join(FORMATS)}")
    pattern = _CODE.sub(lambda code: _CODES[code.group()], fmt)
    return lambda text: datetime.strptime(text, pattern)  # noqa: DTZ007 - the caller knows the zone


def _iso(text: str) -> datetime:
    if len(text) < _ISO_LENGTH:
        raise ValueError("too short")
    return datetime.fromisoformat(text)


def _epoch(text: str) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=_whole(text))


def _excel(text: str) -> datetime:
    if not re.fullmatch(r"\d{2,7}(?:\.\d+)?", text):
        raise ValueError("no serial number")
    days = float(text)
    first, last = _EXCEL_DAYS
    if not first <= days <= last:
        raise ValueError("outside the calendar of spreadsheets")
    exact = _EXCEL_ZERO + timedelta(seconds=round(days * 86_400))
    return exact.replace(tzinfo=None)


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,15}", text):
        raise ValueError("no whole number")
    return int(text)


def _shape(text: str) -> str:
    """Return the outline of a value, for messages that must not repeat it: ``31/x`` is ``##/a``."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "#", text))[:40]
