"""Groups of records with aggregates."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.match import matching

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.twenty.query import Filter
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.store import Path, Row, Table
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

_AGGREGATE = re.compile(r"(countNotEmpty|countEmpty|countUniqueValues|count|sum|avg|min|max)(\w*)")
_DATE_LENGTH = {"DAY": 10, "MONTH": 7, "YEAR": 4}
_EMPTY: tuple[Any, ...] = (None, "", [])


def group(
    workspace: Workspace, owner: Object, wanted: Filter, by: str, aggregate: str
) -> list[dict[str, Any]]:
    """Group records.

    :param workspace: where
    :param owner: their object
    :param wanted: filter
    :param by: JSON such as ``[{"jobTitle": true}]``
    :param aggregate: JSON such as ``["countNotEmptyId"]``
    :return: one entry per group, blank values last
    :raises ApiError: when the question makes no sense
    """
    table = workspace.table(owner.name)
    dimensions = [_dimension(table, d) for d in _json(by, "group_by")]
    functions = {name: _function(table, name) for name in _json(aggregate, "aggregate")}
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for record_id in matching(workspace, owner, wanted):
        row = table.rows[record_id]
        groups.setdefault(tuple(d(row) for d in dimensions), []).append(row)
    ordered = sorted(groups, key=lambda values: [(v is None, str(v)) for v in values])
    return [
        {**{name: f(groups[v]) for name, f in functions.items()}, "groupByDimensionValues": list(v)}
        for v in ordered
    ]


def _json(text: str, name: str) -> list[Any]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        value = None
    if not isinstance(value, list):
        raise ApiError(f"'{name}' invalid. A JSON array is expected")
    return value


def _dimension(table: Table, wanted: Any) -> Callable[[Row], Any]:
    if not isinstance(wanted, dict) or len(wanted) != 1:
        raise ApiError("'group_by' invalid. eg: [{\"jobTitle\":true}]")
    name, inner = next(iter(wanted.items()))
    path = _known(table, name)
    cut = None
    if isinstance(inner, dict) and "granularity" in inner:
        cut = _DATE_LENGTH.get(inner["granularity"])
    elif isinstance(inner, dict):
        path = (name, next(iter(inner)))

    def value(row: Row) -> Any:
        found = table.read(row, path)
        if found in _EMPTY:
            return None
        return found[:cut] if cut else json.dumps(found) if isinstance(found, list) else found

    return value


def _function(table: Table, name: str) -> Callable[[list[Row]], Any]:
    match = _AGGREGATE.fullmatch(name)
    if not match:
        raise ApiError(f"Unknown aggregate {name}")
    kind, rest = match.groups()
    path = _column(table, rest)

    def compute(rows: list[Row]) -> Any:
        values = [v for v in (table.read(r, path) for r in rows) if v not in _EMPTY]
        if kind.startswith("count"):
            counts = {"countEmpty": len(rows) - len(values), "countUniqueValues": len(set(values))}
            return str(counts.get(kind, len(values)))
        if not values:
            return None
        if kind in ("min", "max"):
            return (min if kind == "min" else max)(values)
        return sum(values) / (len(values) if kind == "avg" else 1)

    return compute


def _column(table: Table, text: str) -> Path:
    """Read ``AmountAmountMicros`` as the part amountMicros of amount."""
    name = text[:1].lower() + text[1:]
    if name in table.object.columns:
        return (name,)
    for column, field in table.object.columns.items():
        if isinstance(field.blank, dict) and name.startswith(column):
            part = name[len(column) :]
            return column, part[:1].lower() + part[1:]
    return _known(table, name)


def _known(table: Table, name: str) -> Path:
    if name not in table.object.columns:
        raise ApiError(f'Object {table.object.name} doesn\'t have any "{name}" field.')
    return (name,)
