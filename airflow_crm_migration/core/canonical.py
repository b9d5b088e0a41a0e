"""One spelling for equal values, and the short hashes by which the ledger compares them.

A format that outlives releases: the ledger of a customer holds these hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from airflow_crm_migration.core.fields import FieldType

_TOKEN = re.compile(r"([?&])token=[^&]*")


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no blanks, nothing escaped needlessly."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def decimal_text(value: Decimal | int | str) -> str:
    """Return a decimal without exponent, superfluous zeros or a negative zero."""
    number = Decimal(value)
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def time_text(moment: datetime) -> str:
    """
    Return an instant as UTC with milliseconds.

    :param moment: an aware time
    :raises ValueError: for a naive time, which names no instant
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no timezone")
    # isoformat, because strftime writes the years before 1000 without their zeros
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def canonical(kind: FieldType, value: Any) -> Any:
    """
    Return the one form of a value of a type; whatever is blank becomes None.

    :param kind: the declared type
    :param value: a value in the form that :mod:`.fields` lists
    """
    if kind.many:
        elements = [_plain(kind, v) for v in value or []]
        return _ordered(kind, [e for e in elements if e is not None]) or None
    return _plain(kind, value)


def field_hash(kind: FieldType, value: Any) -> str | list[str]:
    """
    Return the short hash of a value: the first 16 hex digits of a SHA-256.

    :return: one hash, or for a multi-value one per element
    """
    if kind.many:
        return [digest(element)[:16] for element in canonical(kind, value) or []]
    return digest(canonical(kind, value))[:16]


def element_hash(kind: FieldType, element: Any) -> str | None:
    """Return the short hash of one element of a multi-value, None for a blank one."""
    plain = _plain(kind, element)
    return None if plain is None else digest(plain)[:16]


def _ordered(kind: FieldType, elements: list[Any]) -> list[Any]:
    unique = list({canonical_json(e): e for e in elements}.values())
    if kind is FieldType.MULTI_SELECT:
        return sorted(unique)
    return unique[:1] + sorted(unique[1:], key=canonical_json)


def _plain(kind: FieldType, value: Any) -> Any:
    if kind is FieldType.FILE and isinstance(value, list):
        return [file for v in value if (file := _plain(kind, v)) is not None] or None
    if isinstance(value, dict):
        inner = kind if kind is FieldType.FILE else FieldType.TEXT
        whole = {k: _plain(inner, v) for k, v in value.items()}
        kept = {k: v for k, v in whole.items() if v is not None}
        if kind is FieldType.MONEY and "amount" in kept:
            kept["amount"] = decimal_text(kept["amount"])
        return kept or None
    if isinstance(value, str):
        return _text(kind, value)
    if kind is FieldType.NUMBER and value is not None:
        return decimal_text(value if isinstance(value, int) else str(value))
    return value


def _text(kind: FieldType, value: str) -> str | None:
    if value == "":
        return None
    if kind is FieldType.NUMBER:
        return decimal_text(value)
    if kind is FieldType.DATETIME:
        return time_text(datetime.fromisoformat(value))
    # The server makes the address of a file anew each time; what people wrote is theirs.
    return _TOKEN.sub(r"\1token=", value) if kind is FieldType.FILE else value
