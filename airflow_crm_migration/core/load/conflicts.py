"""Lists conflicts with all values: what was sent, what the source says, what is there now.

They lie in staging beside the load's other parts, never in the ledger, which holds no values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.staging import Staging, read_manifest, read_part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.outcomes import Reason

Place = list[Any]
"""Where a draft lies in staging: run, phase's part, row."""


@dataclass(frozen=True)
class Conflict:
    """
    A field that both sides changed, or a changed record that people removed.

    :param field: empty where the record as a whole is meant
    :param kept: whose value stays: ``destination`` or ``source``
    :param id: of the record in the destination
    :param place: of the draft that was sent before, None where nothing was
    :param source: what the source says now
    :param destination: what the destination held when we looked
    """

    key: Key
    field: str
    reason: Reason
    kept: str
    id: str
    place: Place | None = None
    source: Any = None
    destination: Any = None


class SentBefore:
    """Reads from earlier drafts what was sent; what staging does not keep any more is None."""

    def __init__(self, staging: Staging, phase: str, snapshot: Snapshot, file_field: str) -> None:
        """
        Prepare for a phase.

        :param snapshot: turns links by source id into ids of the destination
        :param file_field: the field that holds a binary, which is told by its SHA-256
        """
        self._file_field = file_field
        self._staging = staging
        self._phase = phase
        self._snapshot = snapshot
        self._part: tuple[str, int] | None = None
        self._rows: list[Any] = []

    def rows(self, conflicts: Iterable[Conflict]) -> Iterator[dict[str, Any]]:
        """Return each conflict as it is kept in staging, each part of the drafts read once."""
        for one in sorted(conflicts, key=lambda c: (c.place or [], c.key, c.field)):
            yield {**vars(one), "key": list(one.key), "before": self._value(one)}

    def _value(self, conflict: Conflict) -> Any:
        draft = self._draft(conflict.place) if conflict.place else None
        return None if draft is None else self._field(draft, conflict.field)

    def _draft(self, place: Place) -> dict[str, Any] | None:
        run, part, row = place
        if self._part != (run, part):
            self._part = (run, part)
            self._rows = self._read(run, part)
        return self._rows[row] if row < len(self._rows) else None

    def _read(self, run: str, part: int) -> list[Any]:
        folder = f"{run}/transform/{self._phase}"
        manifest = read_manifest(self._staging, folder)
        if manifest is None or part >= len(manifest["parts"]):
            return []
        try:
            return read_part(self._staging, folder, manifest, part)
        except (FileNotFoundError, StagingBroken):
            return []

    def _field(self, draft: Mapping[str, Any], field: str) -> Any:
        link = draft.get("links", {}).get(field)
        if link is not None:
            keys = [Key(*key) for key in link["keys"]]
            return self._snapshot.destination_id(keys) or keys[0].source_id
        if field == self._file_field and "file" in draft:
            return draft["file"]["sha256"]
        owner = draft.get("owners", {}).get(field)
        return draft.get("values", {}).get(field, owner)
