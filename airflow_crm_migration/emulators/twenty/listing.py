"""Pages of records: selection, order, cursors."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect
from airflow_crm_migration.emulators.twenty.match import matching
from airflow_crm_migration.emulators.twenty.query import (
    DIRECTIONS,
    decode_cursor,
    encode_cursor,
)

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.query import Filter
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.store import Path, Row
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

DEFAULT_LIMIT, MAXIMUM_LIMIT = 60, 200
_CACHED = 8

Order = list[tuple["Path", str]]


@dataclass(frozen=True)
class Wanted:
    """What a caller asked for.

    :param filter: which records
    :param order: GraphQL orderBy
    :param limit: records on the page
    :param after: cursor that the page follows
    :param before: cursor that the page precedes
    """

    filter: Filter
    order: list[Filter]
    limit: int = DEFAULT_LIMIT
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class Page:
    """A page.

    :param rows: its records as stored
    :param cursors: one for each of them
    :param total: of all pages
    :param more: whether there is another page in the direction of the walk
    :param forward: direction of the walk
    """

    rows: list[Row]
    cursors: list[str]
    total: int
    more: bool
    forward: bool

    def info(self) -> dict[str, Any]:
        """Give the pageInfo.

        :return: JSON value
        """
        return {
            "startCursor": self.cursors[0] if self.cursors else None,
            "endCursor": self.cursors[-1] if self.cursors else None,
            "hasNextPage": self.forward and self.more,
            "hasPreviousPage": not self.forward and self.more,
        }


class Lister:
    """Lists records and remembers the last selections until something is written.

    :param workspace: where
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._version: tuple[int, ...] = ()
        self._cache: dict[str, list[str]] = {}

    def page(self, owner: Object, wanted: Wanted) -> Page:
        """Give a page.

        :param owner: object of the records
        :param wanted: which
        :return: the page
        :raises ApiError: when the question makes no sense
        """
        order = _order(owner, wanted.order)
        ids = self._selected(owner, wanted.filter, order)
        start, stop = 0, len(ids)
        limit = min(wanted.limit, MAXIMUM_LIMIT)
        if wanted.before:
            stop = self._place(owner, ids, order, wanted.before, after=False)
            start, more = max(0, stop - limit), stop > limit
        else:
            if wanted.after:
                start = self._place(owner, ids, order, wanted.after, after=True)
            stop, more = start + limit, len(ids) > start + limit
        rows = [self._workspace.table(owner.name).rows[i] for i in ids[start:stop]]
        cursors = [self._cursor(owner, row, order) for row in rows]
        return Page(rows, cursors, len(ids), more, forward=not wanted.before)

    def _selected(self, owner: Object, wanted: Filter, order: Order) -> list[str]:
        version = self._workspace.version
        if version != self._version or len(self._cache) > _CACHED:
            self._cache, self._version = {}, version
        key = json.dumps([owner.name, wanted, order])
        if key not in self._cache:
            self._cache[key] = self._select(owner, wanted, order)
        return self._cache[key]

    def _select(self, owner: Object, wanted: Filter, order: Order) -> list[str]:
        table = self._workspace.table(owner.name)
        if not wanted and not table.trashed:
            return self._sorted(owner, list(table.ids), order)
        return self._sorted(owner, sorted(matching(self._workspace, owner, wanted)), order)

    def _sorted(self, owner: Object, ids: list[str], order: Order) -> list[str]:
        table = self._workspace.table(owner.name)
        for path, direction in reversed(order):
            values = {i: _sortable(table.read(table.rows[i], path)) for i in ids}
            there = sorted(
                (i for i in ids if values[i] is not None),
                key=values.__getitem__,
                reverse=direction.startswith("Desc"),
            )
            blank = [i for i in ids if values[i] is None]
            ids = blank + there if direction.endswith("First") else there + blank
        return ids

    def _cursor(self, owner: Object, row: Row, order: Order) -> str:
        table = self._workspace.table(owner.name)
        made: dict[str, Any] = {}
        for path, _ in order:
            value = table.read(row, path)
            if len(path) > 1:
                made.setdefault(path[0], {})[path[1]] = value
            else:
                made[path[0]] = value
        return encode_cursor({**made, "id": row["id"]})

    def _place(
        self, owner: Object, ids: list[str], order: Order, cursor: str, *, after: bool
    ) -> int:
        """Find where a cursor stands in a selection, even if its record is gone or changed."""
        keys = decode_cursor(cursor)
        if not order:
            return (bisect_right if after else bisect_left)(ids, keys["id"])
        table = self._workspace.table(owner.name)
        row = table.rows.get(keys["id"])
        if row is not None and self._cursor(owner, row, order) == cursor and keys["id"] in ids:
            return ids.index(keys["id"]) + after
        return sum(_precedes(table.read, table.rows[i], keys, order) for i in ids)


def _precedes(read: Any, row: Row, keys: dict[str, Any], order: Order) -> bool:
    for path, direction in order:
        mine = _sortable(read(row, path))
        theirs = keys.get(path[0])
        theirs = _sortable(theirs.get(path[1]) if isinstance(theirs, dict) else theirs)
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            return (mine is None) == direction.endswith("First")
        return bool(mine < theirs) != direction.startswith("Desc")
    return bool(row["id"] <= keys["id"])


def _order(owner: Object, wanted: list[Filter]) -> Order:
    made: Order = []
    for item in wanted:
        for name, inner in item.items():
            field = owner.columns.get(name)
            if field is None:
                raise ApiError(f'Object {owner.name} doesn\'t have any "{name}" field.')
            composite = isinstance(field.blank, dict)
            parts = inner if isinstance(inner, dict) else {None: inner}
            if composite != isinstance(inner, dict) or set(parts) - set(field.blank or {None}):
                raise ApiError(f'Cannot order by field "{name}": {inspect(inner)}')
            for part, direction in parts.items():
                if direction not in DIRECTIONS:
                    raise ApiError(f"'order_by' direction '{direction}' invalid")
                made.append(((name, str(part)) if composite else (name,), direction))
    return made


def _sortable(value: Any) -> Any:
    if value in (None, "", []):
        return None
    return json.dumps(value) if isinstance(value, list | dict) else value
