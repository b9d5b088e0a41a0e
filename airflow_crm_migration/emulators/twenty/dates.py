"""Values of DATE and DATE_TIME fields."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?)?"
)
# The month comes first: the server reads such dates as Americans do.
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def iso(seconds: float) -> str:
    """Write a time as the server does.

    :param seconds: since the epoch
    :return: ISO 8601 in UTC with milliseconds
    """
    return _written(datetime.fromtimestamp(seconds, UTC))


def date_time(name: str, value: Any) -> str:
    """Normalise a DATE_TIME value.

    :param name: of the field
    :param value: what the client sent
    :return: ISO 8601 in UTC with milliseconds
    :raises ApiError: when Twenty refuses it
    """
    if isinstance(value, str):
        try:
            parsed = _parsed(value.strip())
            if parsed:
                return _written(parsed)
        except (ValueError, OverflowError):
            pass  # refused below like any other text
    raise ApiError(f'Invalid date-time value {inspect(value)} for field "{name}"')


def day(name: str, value: Any) -> str:
    """Normalise a DATE value.

    :param name: of the field
    :param value: what the client sent
    :return: ``YYYY-MM-DD``
    :raises ApiError: when Twenty refuses it
    """
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass  # refused below like any other text
    raise ApiError(f'Invalid date value {inspect(value)} for field "{name}"')


def _parsed(text: str) -> datetime | None:
    american = _AMERICAN.fullmatch(text)
    if american:
        month, day_of_month, year = (int(g) for g in american.groups())
        return datetime(year, month, day_of_month, tzinfo=UTC)
    if not _ISO.fullmatch(text):
        return None
    parsed = datetime.fromisoformat(re.sub(r"\s+(?=[Z+-])", "", text))
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _written(moment: datetime) -> str:
    whole = moment.replace(tzinfo=None, microsecond=moment.microsecond // 1000 * 1000)
    return whole.isoformat(timespec="milliseconds") + "Z"
