"""Removes the rows that linked records which were undone; most went along with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.rollback.batches import batched
from airflow_crm_migration.core.rollback.settle import DELETE, deleted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Hashes
    from airflow_crm_migration.core.protocols import Stored


class _Row(NamedTuple):
    key: Key
    id: str


@dataclass
class Links:
    """
    The rows of one phase that hang on records.

    :param kept: (object, id) of rows that people pointed elsewhere
    """

    context: LoadContext
    kept: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> None:
        """Delete those whose record is ours no more, whichever way it went."""
        by_object: dict[str, list[_Row]] = {}
        for row in self._orphans():
            by_object.setdefault(row.key.part.partition(":")[0], []).append(row)
        for name, rows in by_object.items():
            for batch in batched(rows, self.context.destination.capabilities.batch_size):
                self._remove(name, batch)

    def _orphans(self) -> Iterator[_Row]:
        snapshot = self.context.snapshot
        for entry in snapshot.entries(self.context.phase, principal=False):
            owner = snapshot.entry(entry.key._replace(part=""))
            if entry.stands and not (owner and owner.stands):
                yield _Row(entry.key, entry.destination_id or "")

    def _remove(self, name: str, rows: Sequence[_Row]) -> None:
        at = self.context
        found = at.destination.read(name, [row.id for row in rows])
        others = {row.id for row in rows if self._points_elsewhere(name, row, found)}
        self.kept += [(name, record_id) for record_id in others]
        due = [row for row in rows if row.id in found and row.id not in others]
        if due:
            at.writer.intend(
                [{"key": list(r.key), "op": DELETE, "id": r.id, "object": name} for r in due]
            )
            at.destination.delete(name, [row.id for row in due])
        at.writer.conclude([deleted(row.key, row.id) for row in rows if row.id not in others])

    def _points_elsewhere(self, name: str, row: _Row, found: Mapping[str, Stored]) -> bool:
        """Tell whether people changed a row; an end that is no more left it blank by itself."""
        if row.id not in found:
            return False
        entry = self.context.snapshot.entry(row.key)
        then: Hashes = entry.last.get("stored", {}) if entry else {}
        now = hashes(self.context.schema[name], found[row.id].values, then)
        return any(now[field] != then[field] for field in now)
