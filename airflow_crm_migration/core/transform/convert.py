"""Brings a value into the form of the destination field's type, where that loses nothing."""

from __future__ import annotations

from typing import Any

from airflow_crm_migration.core.canonical import decimal_text
from airflow_crm_migration.core.fields import FieldType


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
    if kind.many:
        return _many(kind, value)
    if kind in (FieldType.TEXT, FieldType.LONG_TEXT, FieldType.SELECT, FieldType.ACTOR):
        return _text(value)
    if kind is FieldType.NUMBER:
        return _number(value)
    if kind is FieldType.BOOLEAN:
        return _boolean(value)
    if kind in (FieldType.DATE, FieldType.DATETIME):
        return _time(kind, value)
    return value


def _many(kind: FieldType, value: Any) -> list[Any]:
    elements = value if isinstance(value, list) else [value]
    if kind is FieldType.LINKS:
        return [e if isinstance(e, dict) else {"url": str(e), "label": ""} for e in elements]
    return elements


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


def _time(kind: FieldType, value: Any) -> str:
    text = str(value)
    if kind is FieldType.DATE:
        return text[:10]
    return text if "T" in text else f"{text}T00:00:00.000Z"
