"""Remembers which records must stay because something that stays refers to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_crm_migration.core.protocols import Child


@dataclass
class Held:
    """
    Parent id -> what refers to it and stays, and whether we made that.

    :param new: what was noted since the object was made, for whoever comes next
    """

    _by: dict[str, list[tuple[Child, bool]]] = field(default_factory=dict)
    new: list[dict[str, Any]] = field(default_factory=list)

    def hold(self, parents: Iterable[str], child: Child, *, ours: bool) -> None:
        """Note that a record stays which refers to others."""
        for parent in parents:
            row = {"parent": parent, "child": list(child), "ours": ours}
            if (child, ours) not in self._by.get(parent, ()):
                self.take(row)
                self.new.append(row)

    def take(self, row: dict[str, Any]) -> None:
        """Take what was noted elsewhere."""
        name, child = row["child"]
        self._by.setdefault(row["parent"], []).append(((name, child), row["ours"]))

    def __contains__(self, record_id: object) -> bool:
        """Tell whether a record must stay."""
        return record_id in self._by

    def children(self, record_id: str) -> Iterator[Child]:
        """Walk what holds a record."""
        return (child for child, _ in self._by[record_id])

    def reason(self, record_id: str) -> Reason:
        """Say why a record must stay: other people's records matter more than ours."""
        ours = all(ours for _, ours in self._by[record_id])
        return Reason.CHILD_KEPT if ours else Reason.HAS_FOREIGN_CHILDREN
