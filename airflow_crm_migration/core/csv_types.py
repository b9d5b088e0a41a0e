"""What a column holds whose meaning nobody declared, told by its cells.

A few cells that do not fit the rest are mistakes to be mended: numbers stay numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_crm_migration.core.cells import CellRules, type_record
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.values.dates import formats_that_fit, parse_datetime
from airflow_crm_migration.core.values.numbers import detect_type

if TYPE_CHECKING:
    from collections.abc import Sequence

_DATES = (FieldType.DATE, FieldType.DATETIME)
_JUDGED = (*_DATES, FieldType.NUMBER, FieldType.BOOLEAN)
_PROBE = 20
_MOST_PROBES = 10
_OUTLIERS = 0.02


@dataclass(frozen=True)
class Detected:
    """
    What the cells of a column are.

    :param formats: of dates; several when they mean different days and the cells do not tell
    """

    type: FieldType
    formats: tuple[str, ...] = ()


def detect(cells: Sequence[str], decimal_mark: str) -> Detected:
    """
    Tell what a column holds.

    :param cells: not blank; the more, the surer
    :param decimal_mark: as declared: numbers written with the other one are text
    """
    strict = _detected(cells, detect_type(cells), decimal_mark)
    if strict.type in _JUDGED or len(cells) < _PROBE:
        return strict
    for start in range(0, min(len(cells), _PROBE * _MOST_PROBES), _PROBE):
        probe = cells[start : start + _PROBE]
        kind = detect_type(probe)
        for fmt in _formats(probe) if kind in _DATES else ["iso"]:
            fitting = _fitting(cells, kind, fmt, decimal_mark) if kind in _JUDGED else []
            few = len(cells) - len(fitting) <= max(1, len(cells) * _OUTLIERS)
            if few and detect_type(fitting) is kind:
                return _detected(fitting, kind, decimal_mark)
    return strict


def date_type(cells: Sequence[str]) -> FieldType:
    """Return the type of a column that is known to hold dates."""
    return FieldType.DATETIME if any(":" in cell for cell in cells) else FieldType.DATE


def _detected(cells: Sequence[str], kind: FieldType, decimal_mark: str) -> Detected:
    if kind is FieldType.NUMBER and len(_fitting(cells, kind, "iso", decimal_mark)) < len(cells):
        return Detected(FieldType.TEXT)
    return Detected(kind, tuple(_formats(cells)) if kind in _DATES else ())


def _formats(cells: Sequence[str]) -> list[str]:
    """List the formats that fit all cells, one for each reading."""
    readings: dict[tuple[str, ...], str] = {}
    for fmt in formats_that_fit(cells):
        readings.setdefault(tuple(parse_datetime(c, fmt, "UTC") for c in cells), fmt)
    return list(readings.values())


def _fitting(cells: Sequence[str], kind: FieldType, fmt: str, decimal_mark: str) -> list[str]:
    spec = ObjectSpec("", "", {"": FieldSpec("", kind)})
    rules = CellRules({"": fmt}, decimal_mark)
    return [cell for cell in cells if not type_record(spec, {"": cell}, rules)[1]]
