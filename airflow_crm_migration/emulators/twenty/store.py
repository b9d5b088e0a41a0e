"""Records in memory with the indexes that keep 100,000 of them quick."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_crm_migration.emulators.twenty.schema import Object

# Only what differs from the object's template is kept, so new fields need no rewrite.
Row = dict[str, Any]
Path = tuple[str, ...]
Index = dict[Any, dict[str, None]]

_UNSET = (None, "")


class Table:
    """The records of one object.

    :param owner: the object
    """

    def __init__(self, owner: Object) -> None:
        self.object = owner
        # In the order of the last write, as a database returns rows that it changes.
        self.rows: dict[str, Row] = {}
        self.ids: list[str] = []
        self.trashed: set[str] = set()
        self.version = 0
        self.lowest: float = 1
        self.highest: float = 0
        self._indexes: dict[Path, Index] = {}

    def read(self, row: Row, path: Path) -> Any:
        """Read a value.

        :param row: a record
        :param path: column, or column and part of a composite
        :return: the value, the blank when it has none
        """
        value = row.get(path[0], self.object.template.get(path[0]))
        return value.get(path[1]) if len(path) > 1 and isinstance(value, dict) else value

    def full(self, row: Row) -> Row:
        """Give all columns of a record.

        :param row: as stored
        :return: as shown
        """
        return {**self.object.template, **row}

    def put(self, row: Row) -> None:
        """Insert a record or replace it.

        :param row: all that differs from the template, or more
        """
        template = self.object.template
        kept = {k: v for k, v in row.items() if k not in template or v != template[k]}
        old = self.rows.pop(kept["id"], None)
        if old is None:
            insort(self.ids, kept["id"])
        self.rows[kept["id"]] = kept
        self._reindex(kept["id"], old, kept)
        if kept.get("deletedAt"):
            self.trashed.add(kept["id"])
        else:
            self.trashed.discard(kept["id"])
        self.lowest = min(self.lowest, kept.get("position", self.lowest))
        self.highest = max(self.highest, kept.get("position", self.highest))
        self.version += 1

    def remove(self, record_id: str) -> None:
        """Remove a record for good.

        :param record_id: its id
        """
        old = self.rows.pop(record_id)
        del self.ids[bisect_left(self.ids, record_id)]
        self._reindex(record_id, old, None)
        self.trashed.discard(record_id)
        self.version += 1

    def with_value(self, path: Path, values: Iterable[Any]) -> list[str]:
        """Find records by equal values.

        :param path: of the value
        :param values: wanted, hashable
        :return: ids, trashed ones too
        """
        if path == ("id",):
            return [v for v in dict.fromkeys(values) if v in self.rows]
        index = self._index(path)
        return [record_id for v in dict.fromkeys(values) for record_id in index.get(v, ())]

    def forget(self, name: str) -> None:
        """Drop the values of a column that is no more.

        :param name: of the column
        """
        self._indexes = {p: i for p, i in self._indexes.items() if p[0] != name}
        for row in self.rows.values():
            row.pop(name, None)
        self.version += 1

    def _index(self, path: Path) -> Index:
        index = self._indexes.get(path)
        if index is None:
            index = self._indexes[path] = {}
            for record_id, row in self.rows.items():
                self._enter(index, path, record_id, row)
        return index

    def _enter(self, index: Index, path: Path, record_id: str, row: Row) -> None:
        value = self.read(row, path)
        if value not in _UNSET and not isinstance(value, list | dict):
            index.setdefault(value, {})[record_id] = None

    def _reindex(self, record_id: str, old: Row | None, new: Row | None) -> None:
        for path, index in self._indexes.items():
            before = None if old is None else self.read(old, path)
            if old is not None and before in index:
                index[before].pop(record_id, None)
                if not index[before]:
                    del index[before]
            if new is not None:
                self._enter(index, path, record_id, new)
