"""Brings a value into the form of the destination field's type, where that loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import decimal_text
from airflow_crm_migration.core.fields import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


_SAME_DAY = "10:00:00.000Z"
"""The time of a day that has none: the same day for everybody from Hawaii to New Zealand."""


class NotConvertible(ValueError):
    """A value cannot take the form of its field; the message names shapes, not the value."""


def convert(kind: FieldType, value: Any) -> Any:
    """
    Return a value in the form of a type.

    :param kind: type of the destination field
    :raises NotConvertible: when that would lose something
    """
    if value in (None, "", [], {}):
        return None
    return _CONVERTERS.get(kind, _as_is)(value)


def _as_is(value: Any) -> Any:
    return value


def _elements(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _links(value: Any) -> list[Any]:
    return [e if isinstance(e, dict) else {"url": str(e), "label": ""} for e in _elements(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(v) for v in value)
    if isinstance(value, dict):
        return " ".join(str(v) for v in value.values() if v not in (None, ""))
    return str(value)


def _number(value: Any) -> str:
    try:
        return decimal_text(value if isinstance(value, str | int) else str(value))
    except ArithmeticError:
        raise NotConvertible("not a number") from None


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotConvertible("neither yes nor no")
    return value


def _date(value: Any) -> str:
    return str(value)[:10]


def _datetime(value: Any) -> str:
    text = str(value)
    return text if "T" in text else f"{text}T{_SAME_DAY}"


_CONVERTERS: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.TEXT: _text,
    FieldType.LONG_TEXT: _text,
    FieldType.SELECT: _text,
    FieldType.ACTOR: _text,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.LINKS: _links,
    FieldType.MULTI_SELECT: _elements,
    FieldType.EMAILS: _elements,
    FieldType.PHONES: _elements,
}
