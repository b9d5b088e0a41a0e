"""Cells as received, from a CSV file or from an API's JSON, made into values by declared type.

Addresses, phone numbers and links stay as they were written: what a destination makes of them is
judged by its own rules. Dates, numbers and booleans are judged here, for there is no other reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.arrow import OTHER
from airflow_crm_migration.core.canonical import canonical_json, decimal_text
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.values.dates import parse_date, parse_datetime
from airflow_crm_migration.core.values.numbers import parse_boolean, parse_decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_crm_migration.core.protocols import Values


@dataclass(frozen=True)
class CellRules:
    """
    How cells are written; what an API sends needs no more than the defaults.

    :param formats: date field -> format, ISO where none is given
    :param decimal_mark: before the fraction of a number
    :param timezone: of times that name none
    """

    formats: Mapping[str, str] = field(default_factory=dict)
    decimal_mark: str = "."
    timezone: str = "UTC"


@dataclass(frozen=True)
class BadCell:
    """
    A cell that is not what its field declares.

    :param field: empty when the row as a whole cannot be read
    :param problem: in words, without the value
    :param value: as received; never for a log
    """

    field: str
    problem: str
    value: Any = ""


def type_record(
    spec: ObjectSpec, cells: Mapping[str, Any], rules: CellRules
) -> tuple[Values, list[BadCell]]:
    """
    Type a record.

    :param spec: object with its declared fields
    :param cells: field -> cell; what is not declared is kept together as it is
    :param rules: how the cells are written
    :return: values without the blank ones, and the cells that have no reading
    """
    values: Values = {}
    others: Values = {}
    bad: list[BadCell] = []
    for name, cell in cells.items():
        if name not in spec.fields:
            others[name] = cell
            continue
        try:
            value = _typed(spec.fields[name], cell, rules)
        except ValueError as error:
            bad.append(BadCell(name, str(error), cell))
        else:
            if value is not None:
                values[name] = value
    if kept := {name: cell for name, cell in others.items() if not _blank(cell)}:
        values[OTHER] = kept
    return values, bad


def _blank(cell: Any) -> bool:
    return cell is None or cell in ([], {}) or (isinstance(cell, str) and not cell.strip())


def _typed(spec: FieldSpec, cell: Any, rules: CellRules) -> Any:
    if _blank(cell):
        return None
    reader = _READERS.get(spec.type)
    return reader(spec, cell, rules) if reader else cell


def _text(spec: FieldSpec, cell: Any, rules: CellRules) -> str:
    if isinstance(cell, str):
        return cell if spec.type is FieldType.LONG_TEXT else cell.strip()
    if isinstance(cell, bool | list | dict):
        return canonical_json(cell)
    return _number_text(cell)


def _number(spec: FieldSpec, cell: Any, rules: CellRules) -> str | None:
    if isinstance(cell, str):
        return parse_decimal(cell, rules.decimal_mark)
    if isinstance(cell, bool | list | dict):
        raise ValueError("not a number")
    return _number_text(cell)


def _number_text(cell: float) -> str:
    number = Decimal(str(cell))
    if not number.is_finite():
        raise ValueError("not a finite number")
    return decimal_text(number)


def _boolean(spec: FieldSpec, cell: Any, rules: CellRules) -> bool | None:
    return cell if isinstance(cell, bool) else parse_boolean(str(cell))


def _date(spec: FieldSpec, cell: Any, rules: CellRules) -> str:
    return parse_date(str(cell), _format(spec, cell, rules))


def _datetime(spec: FieldSpec, cell: Any, rules: CellRules) -> str:
    return parse_datetime(str(cell), _format(spec, cell, rules), rules.timezone)


def _format(spec: FieldSpec, cell: Any, rules: CellRules) -> str:
    if isinstance(cell, int):
        return "epoch_ms"
    return rules.formats.get(spec.name, "iso")


def _texts(spec: FieldSpec, cell: Any, rules: CellRules) -> list[str]:
    parts = cell if isinstance(cell, list) else str(cell).split(spec.separator)
    found = (_text(spec, part, rules) for part in parts if not _blank(part))
    return list(dict.fromkeys(found))


def _phones(spec: FieldSpec, cell: Any, rules: CellRules) -> list[Any]:
    return [{"number": _text(spec, cell, rules)}]


def _links(spec: FieldSpec, cell: Any, rules: CellRules) -> list[Any]:
    return [{"url": _text(spec, cell, rules)}]


_READERS: dict[FieldType, Callable[[FieldSpec, Any, CellRules], Any]] = {
    FieldType.TEXT: _text,
    FieldType.LONG_TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.DATE: _date,
    FieldType.DATETIME: _datetime,
    FieldType.SELECT: _text,
    FieldType.MULTI_SELECT: _texts,
    FieldType.EMAILS: _texts,
    FieldType.PHONES: _phones,
    FieldType.LINKS: _links,
}
"""Types that a cell of text can hold; values of other types are taken as the API gives them."""
