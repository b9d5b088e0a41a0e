"""What Twenty makes of the values that a client sends, by field type."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty import dates
from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect, invalid
from airflow_crm_migration.emulators.twenty.links import links
from airflow_crm_migration.emulators.twenty.phones import phones
from airflow_crm_migration.emulators.twenty.richtext import rich_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.twenty.schema import Field

# Versions 1 to 5 only; nil, max, v6, v7 and v8 are refused.
_RECORD_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[^\s@\"]{1,64}@[^\s@]{1,255}")
_EMAIL_LENGTH = 255
_SAFE_INTEGER = 2**53
_NULL_CLEARS = ("TEXT", "MULTI_SELECT", "ARRAY")


def normalise(field: Field, column: str, value: Any, stored: Any) -> Any:
    """Normalise one value.

    :param field: its field
    :param column: name under which it was sent
    :param value: what the client sent
    :param stored: what is stored now, or the blank
    :return: what is stored then
    :raises ApiError: when Twenty refuses it
    """
    if field.join:
        return None if value is None else record_reference(column, value)
    if value is None and field.type != "RICH_TEXT":
        return _null(field, stored)
    if field.type not in _BY_TYPE:
        raise ApiError(f'Field "{column}" cannot be written')
    return _BY_TYPE[field.type](field, value, stored)


def record_id(value: Any) -> str:
    """Check the id that a client chose for a record.

    :param value: what the client sent
    :return: the id in lower case
    :raises ApiError: when Twenty refuses it
    """
    if isinstance(value, str) and _RECORD_ID.fullmatch(value.lower()):
        return value.lower()
    raise invalid(f'Value "{value}" is not a valid UUID', "INVALID_QUERY_INPUT")


def record_reference(column: str, value: Any) -> str:
    """Check the shape of a reference.

    :param column: that holds it
    :param value: what the client sent
    :return: the id in lower case
    :raises ApiError: when it is no UUID
    """
    if isinstance(value, str) and _UUID.fullmatch(value.lower()):
        return value.lower()
    raise ApiError(f'Invalid UUID value {inspect(value)} for field "{column}"')


def not_null(column: str, table: str) -> ApiError:
    """Refuse a null that the database forbids.

    :param column: of the table
    :param table: its name
    :return: the error to raise
    """
    return ApiError(
        f'null value in column "{column}" of relation "{table}" violates not-null constraint'
    )


def _null(field: Field, stored: Any) -> Any:
    if isinstance(field.blank, dict):
        return stored
    return field.blank if field.type in _NULL_CLEARS else None


def _text(field: Field, value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise ApiError(f'Invalid string value {inspect(value)} for text field "{field.name}"')
    return value


def _full_name(field: Field, value: Any, stored: dict[str, Any]) -> dict[str, Any]:
    sent = _parts(field, value, ("firstName", "lastName"))
    for part, text in sent.items():
        if not isinstance(text, str | None):
            raise ApiError(
                f'Invalid string value {inspect(text)} for full name field "{field.name}.{part}"'
            )
    return {**stored, **{part: text or "" for part, text in sent.items()}}


def _emails(field: Field, value: Any, _: Any) -> dict[str, Any]:
    sent = _parts(field, value, ("primaryEmail", "additionalEmails"))
    additional = sent.get("additionalEmails") or []
    if not isinstance(additional, list):
        raise ApiError(f'Invalid value {inspect(additional)} for field "{field.name}"')
    primary = sent.get("primaryEmail") or ""
    return {
        "primaryEmail": _email(f"{field.name}.primaryEmail", primary) if primary else "",
        "additionalEmails": [_email(f"{field.name}.additionalEmails", a) for a in additional],
    }


def _email(path: str, value: Any) -> str:
    fits = isinstance(value, str) and len(value) <= _EMAIL_LENGTH and _EMAIL.fullmatch(value)
    if not fits:
        raise ApiError(f'Invalid string value {inspect(value)} for email field "{path}"')
    return str(value).lower()


def _currency(field: Field, value: Any, stored: dict[str, Any]) -> dict[str, Any]:
    sent = _parts(field, value, ("amountMicros", "currencyCode"))
    made = dict(stored)
    if "currencyCode" in sent:
        made["currencyCode"] = sent["currencyCode"] or None
    if "amountMicros" in sent:
        path = f"{field.name}.amountMicros"
        made["amountMicros"] = (
            None if sent["amountMicros"] is None else _whole(path, sent["amountMicros"])
        )
    return made


def _whole(path: str, value: Any) -> int:
    try:
        if isinstance(value, bool):
            raise ValueError(value)
        number = int(Decimal(str(value)))
    except (ValueError, ArithmeticError) as e:
        raise ApiError(f'Invalid number value {inspect(value)} for field "{path}"') from e
    # Beyond 2**53 the server computes in floating point and shows the shortest digits.
    return number if abs(number) <= _SAFE_INTEGER else int(Decimal(repr(float(number))))


def _address(field: Field, value: Any, stored: dict[str, Any]) -> dict[str, Any]:
    sent = _parts(field, value, tuple(field.blank))
    made = dict(stored)
    for part, given in sent.items():
        path = f"{field.name}.{part}"
        if part in ("addressLat", "addressLng"):
            made[part] = None if given is None else _coordinate(path, given)
        elif not isinstance(given, str | None):
            raise ApiError(f'Invalid string value {inspect(given)} for text field "{path}"')
        else:
            made[part] = given or ""
    return made


def _coordinate(path: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as e:
        raise ApiError(f'Invalid number value {inspect(value)} for field "{path}"') from e


def _select(field: Field, value: Any, _: Any) -> str:
    if value not in field.values():
        valid = ", ".join(field.values())
        raise ApiError(
            f'Invalid value "{value}" for field "{field.name}". Valid values are: {valid}'
        )
    return str(value)


def _multi_select(field: Field, value: Any, _: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    known = field.values()
    unknown = [v for v in values if v not in known]
    if unknown:
        raise ApiError(f'Invalid value {inspect(unknown)} for multi select field "{field.name}"')
    return list(values)


def _rating(field: Field, value: Any, _: Any) -> str:
    if value not in field.values():
        raise ApiError(f'Invalid value {inspect(value)} for rating field "{field.name}"')
    return str(value)


def _number(field: Field, value: Any, _: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ApiError(f'Invalid number value {inspect(value)} for number field "{field.name}"')
    return value


def _boolean(field: Field, value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise ApiError(f'Invalid boolean value {inspect(value)} for field "{field.name}"')
    return value


def _raw_json(field: Field, value: Any, _: Any) -> Any:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict | list):
        raise ApiError(f'Invalid object value {inspect(value)} for field "{field.name}"')
    return value


def _array(field: Field, value: Any, _: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise ApiError(f'Invalid value {inspect(value)} for array field "{field.name}"')
    return values


def _parts(field: Field, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        kind = field.type.lower().replace("_", " ")
        raise ApiError(f'Invalid object value {inspect(value)} for {kind} field "{field.name}"')
    for part in value:
        if part not in known:
            raise ApiError(f'Invalid subfield {part} for field "{field.name}"')
    return value


_BY_TYPE: dict[str, Callable[[Field, Any, Any], Any]] = {
    "TEXT": _text,
    "FULL_NAME": _full_name,
    "EMAILS": _emails,
    "PHONES": lambda f, v, stored: phones(f.name, v, stored),
    "LINKS": lambda f, v, _: links(f.name, v),
    "CURRENCY": _currency,
    "ADDRESS": _address,
    "RICH_TEXT": lambda f, v, _: rich_text(f.name, v),
    "SELECT": _select,
    "MULTI_SELECT": _multi_select,
    "RATING": _rating,
    "NUMBER": _number,
    "BOOLEAN": _boolean,
    "DATE": lambda f, v, _: dates.day(f.name, v),
    "DATE_TIME": lambda f, v, _: dates.date_time(f.name, v),
    "RAW_JSON": _raw_json,
    "ARRAY": _array,
    "UUID": lambda f, v, _: record_reference(f.name, v),
}
