"""Evaluates filters on records."""

from __future__ import annotations

import json
import operator
import re
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty import dates
from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect
from airflow_crm_migration.emulators.twenty.fields import record_reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.twenty.query import Filter
    from airflow_crm_migration.emulators.twenty.schema import Field, Object
    from airflow_crm_migration.emulators.twenty.store import Path, Row
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

    Test = Callable[[Row], bool]

_GROUPS = ("and", "or", "not")
_NOTHING: tuple[Any, ...] = (None, "", [], {})
_ORDER = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_TEXTUAL = ("TEXT", "EMAILS", "LINKS", "PHONES", "FULL_NAME", "ADDRESS")


def mentions_deleted(wanted: Any) -> bool:
    """Tell whether a filter looks at the trash, which ends the default of looking past it.

    :param wanted: a filter or a part of one
    :return: whether ``deletedAt`` is in it
    """
    if isinstance(wanted, list):
        return any(mentions_deleted(w) for w in wanted)
    if not isinstance(wanted, dict):
        return False
    return "deletedAt" in wanted or any(mentions_deleted(w) for w in wanted.values())


def matching(workspace: Workspace, owner: Object, wanted: Filter) -> list[str]:
    """Find records.

    :param workspace: where
    :param owner: their object
    :param wanted: the filter
    :return: ids in no order that matters
    :raises ApiError: when the filter makes no sense
    """
    table = workspace.table(owner.name)
    test = compile_filter(workspace, owner, wanted)
    keyed = _keyed(owner, wanted)
    ids = table.with_value(*keyed) if keyed else list(table.rows)
    if not mentions_deleted(wanted) and table.trashed:
        ids = [i for i in ids if i not in table.trashed]
    return ids if not wanted else [i for i in ids if test(table.rows[i])]


def compile_filter(workspace: Workspace, owner: Object, wanted: Filter) -> Test:
    """Make a test of a filter.

    :param workspace: where
    :param owner: object of the records
    :param wanted: the filter
    :return: a function that tells whether a record matches
    :raises ApiError: when the filter makes no sense
    """
    tests = [_compile(workspace, owner, name, inner) for name, inner in wanted.items()]
    return tests[0] if len(tests) == 1 else lambda row: all(t(row) for t in tests)


def _compile(workspace: Workspace, owner: Object, name: str, inner: Any) -> Test:
    if name in _GROUPS:
        parts = inner if isinstance(inner, list) else [inner]
        tests = [compile_filter(workspace, owner, p) for p in parts]
        if name == "or":
            return lambda row: any(t(row) for t in tests)
        if name == "not":
            return lambda row: not all(t(row) for t in tests)
        return lambda row: all(t(row) for t in tests)
    if not isinstance(inner, dict):
        raise ApiError(f"'filter' invalid for '{name}'. eg: price[gte]:10")
    relation = owner.fields.get(name)
    if relation is not None and relation.join:
        return _related(workspace, relation, inner)
    field = owner.columns.get(name)
    if field is None:
        raise ApiError(f'Object {owner.name} doesn\'t have any "{name}" field.')
    if field.type == "ACTOR" or isinstance(field.blank, dict):
        tests = [_composite(workspace, owner, field, part, ops) for part, ops in inner.items()]
        return lambda row: all(t(row) for t in tests)
    return _operators(workspace, owner, field, (name,), inner)


def _related(workspace: Workspace, relation: Field, inner: Filter) -> Test:
    target = workspace.table(relation.target)
    test = compile_filter(workspace, target.object, inner)
    join = relation.join

    def related(row: Row) -> bool:
        found = target.rows.get(row.get(join) or "")
        return found is not None and test(found)

    return related


def _composite(workspace: Workspace, owner: Object, field: Field, part: str, ops: Any) -> Test:
    parts = field.blank or {"source": "", "name": "", "workspaceMemberId": None, "context": None}
    if part not in parts or not isinstance(ops, dict):
        raise ApiError(f'Invalid filter for field "{field.name}": sub field "{part}" not found')
    return _operators(workspace, owner, field, (field.name, part), ops)


def _operators(workspace: Workspace, owner: Object, field: Field, path: Path, ops: Filter) -> Test:
    read = workspace.table(owner.name).read
    tests = [_operator(field, op, value) for op, value in ops.items()]
    if len(tests) == 1:
        only = tests[0]
        return lambda row: only(read(row, path))
    return lambda row: all(t(read(row, path)) for t in tests)


def _operator(field: Field, op: str, value: Any) -> Callable[[Any], bool]:
    makers = {"eq": _eq, "neq": _neq, "in": _in, "containsAny": _contains, "is": _is}
    if op in _ORDER:
        return _compared(_ORDER[op], _operand(field, value))
    if op in makers:
        return makers[op](field, value)
    if op in ("like", "ilike", "startsWith", "endsWith"):
        return _pattern(op, str(value))
    raise ApiError(f'Operator "{op}" is not supported for field "{field.name}"')


def _eq(field: Field, value: Any) -> Callable[[Any], bool]:
    wanted = _operand(field, value)
    # An empty text and no text are the same to the server.
    return (lambda v: v in _NOTHING) if wanted in _NOTHING else (lambda v: bool(v == wanted))


def _neq(field: Field, value: Any) -> Callable[[Any], bool]:
    equal = _eq(field, value)
    return lambda v: not equal(v)


def _in(field: Field, value: Any) -> Callable[[Any], bool]:
    if not isinstance(value, list):
        raise ApiError(f"Invalid value {inspect(value)} for 'in': an array is expected")
    wanted = {_operand(field, v) for v in value}
    return lambda v: v in wanted if not isinstance(v, list | dict) else False


def _contains(field: Field, value: Any) -> Callable[[Any], bool]:
    wanted = set(value) if isinstance(value, list) else {value}
    unknown = wanted - set(field.values()) if field.options is not None else set()
    if unknown:
        raise ApiError(f'Invalid value {inspect(sorted(unknown))} for field "{field.name}"')
    return lambda v: isinstance(v, list) and not wanted.isdisjoint(v)


def _is(_: Field, value: Any) -> Callable[[Any], bool]:
    if value not in ("NULL", "NOT_NULL"):
        raise ApiError(f"Invalid value '{value}' for 'is': NULL or NOT_NULL expected")
    return (lambda v: v in _NOTHING) if value == "NULL" else (lambda v: v not in _NOTHING)


def _compared(compare: Callable[[Any, Any], bool], wanted: Any) -> Callable[[Any], bool]:
    number = isinstance(wanted, int | float)

    def test(value: Any) -> bool:
        same_kind = isinstance(value, int | float) if number else isinstance(value, str)
        return same_kind and value != "" and compare(value, wanted)

    return test


def _pattern(op: str, value: str) -> Callable[[Any], bool]:
    text = {"startsWith": f"{value}%", "endsWith": f"%{value}"}.get(op, value)
    source = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in text)
    found = re.compile(source, re.DOTALL | (re.IGNORECASE if op == "ilike" else 0)).fullmatch

    def test(value: Any) -> bool:
        if value in _NOTHING:
            return False
        return (
            found(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            is not None
        )

    return test


def _operand(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.join or field.type == "UUID":
        return record_reference(field.name, value)
    if field.type == "DATE_TIME":
        return dates.date_time(field.name, value)
    if field.type in _TEXTUAL and isinstance(value, int | float):
        return str(value)
    if field.type in ("NUMBER", "POSITION", "CURRENCY") and isinstance(value, str):
        return _number(field, value)
    return value


def _number(field: Field, value: str) -> Any:
    try:
        return float(value)
    except ValueError:
        if field.type == "CURRENCY":
            return value
        raise ApiError(f'Invalid number value {inspect(value)} for field "{field.name}"') from None


def _keyed(owner: Object, wanted: Filter) -> tuple[Path, list[Any]] | None:
    """Find a test for equal values that an index answers, among tests that must all hold."""
    for name, inner in wanted.items():
        if name == "and":
            for part in inner if isinstance(inner, list) else [inner]:
                found = _keyed(owner, part)
                if found:
                    return found
        field = owner.columns.get(name)
        if field is None or field.type in ("MULTI_SELECT", "ARRAY", "RAW_JSON"):
            continue
        path: Path = (name,)
        ops = inner
        if isinstance(field.blank, dict) and len(inner) == 1:
            part, ops = next(iter(inner.items()))
            path = (name, part)
        values = _equals(field, ops)
        if values:
            return path, values
    return None


def _equals(field: Field, ops: Any) -> list[Any]:
    if not isinstance(ops, dict):
        return []
    values = ops.get("in") if "in" in ops else [ops.get("eq")]
    operands = [_operand(field, v) for v in values] if isinstance(values, list) else []
    usable = all(isinstance(o, str | int | float) and o != "" for o in operands)
    return operands if usable else []
