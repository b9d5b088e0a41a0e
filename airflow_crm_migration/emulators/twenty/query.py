"""Reads the query language of Twenty's REST API into the shapes that GraphQL uses."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from airflow_crm_migration.emulators.twenty.errors import ApiError

COMPARATORS = (
    "eq", "neq", "in", "containsAny", "is", "gt", "gte", "lt", "lte",
    "startsWith", "endsWith", "like", "ilike",
)  # fmt: skip
DIRECTIONS = ("AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast")
_GROUP = re.compile(r"(and|or|not)\((.*)\)", re.DOTALL)
_TEST = re.compile(r"([\w.]+)\[(\w+)\]:(.*)", re.DOTALL)
_ORDER = re.compile(r"([\w.]+)(?:\[(\w*)\])?")
_OPENING, _CLOSING = "([", ")]"

Filter = dict[str, Any]


def parse_filter(text: str) -> Filter:
    """Parse the ``filter`` parameter.

    :param text: for instance ``and(name[eq]:"x",not(id[is]:NULL))``
    :return: the same as a GraphQL filter
    :raises ApiError: when it cannot be parsed
    """
    missing = text.count("(") - text.count(")")
    if missing:
        kind, n = ("close" if missing > 0 else "open"), abs(missing)
        brackets = f"{n} {kind} bracket{'s are' if n > 1 else ' is'}"
        raise ApiError(f"'filter' invalid. {brackets} missing in the query")
    parts = _split(text, text)
    return _parse(parts[0]) if len(parts) == 1 else {"and": [_parse(p) for p in parts]}


def parse_order(text: str) -> list[Filter]:
    """Parse the ``order_by`` parameter.

    :param text: for instance ``createdAt[DescNullsLast],name.lastName``
    :return: the same as a GraphQL orderBy
    :raises ApiError: when it cannot be parsed
    """
    made = []
    for item in filter(None, text.split(",")):
        match = _ORDER.fullmatch(item.strip())
        direction = (match[2] if match else None) or DIRECTIONS[0]
        if not match or direction not in DIRECTIONS:
            allowed = ", ".join(f"'{d}'" for d in DIRECTIONS)
            message = f"'order_by' direction '{direction}' invalid"
            raise ApiError(f"{message}. Allowed values are {allowed}")
        made.append(_nested(match[1].split("."), direction))
    return made


def encode_cursor(value: dict[str, Any]) -> str:
    """Write a cursor.

    :param value: the keys of a record
    :return: base64 of its JSON
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(text.encode()).decode()


def decode_cursor(text: str) -> dict[str, Any]:
    """Read a cursor.

    :param text: base64 of JSON
    :return: the keys of a record
    :raises ApiError: when it is none
    """
    try:
        value = json.loads(base64.b64decode(text, validate=True))
    except ValueError:
        value = None
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise ApiError(f"Invalid cursor: {text}")
    return value


def _nested(path: list[str], value: Any) -> Filter:
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def _parse(text: str) -> Filter:
    group = _GROUP.fullmatch(text)
    if group:
        inner = [_parse(p) for p in _split(group[2], text)]
        if group[1] == "not":
            return {"not": inner[0] if len(inner) == 1 else {"and": inner}}
        return {group[1]: inner}
    test = _TEST.fullmatch(text)
    if not test:
        raise ApiError(f"'filter' invalid for '{text}'. eg: price[gte]:10")
    path, comparator, value = test.groups()
    if comparator not in COMPARATORS:
        known = ", ".join(COMPARATORS)
        raise ApiError(f"'filter' invalid for '{text}', comparator {comparator} not in {known}")
    return _nested([*path.split("."), comparator], _value(comparator, value))


def _value(comparator: str, text: str) -> Any:
    if comparator in ("in", "containsAny"):
        if not (text.startswith("[") and text.endswith("]")):
            raise ApiError(
                f"'filter' invalid for '{comparator}' operator. Received '{text}' but array value "
                f"expected eg: 'field[{comparator}]:[value_1,value_2]'"
            )
        return [_scalar(v) for v in _split(text[1:-1], text)]
    return text if comparator == "is" else _scalar(text)


def _scalar(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text, text)


def _split(text: str, whole: str) -> list[str]:
    """Split at the commas outside of brackets and double quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            if char in "()":
                # The real parser counts brackets inside of quotes too and loses its way.
                raise ApiError(f"'filter' invalid for '{whole}'. eg: price[gte]:10")
        elif char == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
        else:
            depth += (char in _OPENING) - (char in _CLOSING)
    return [p.strip() for p in [*parts, text[start:]] if p.strip()]
