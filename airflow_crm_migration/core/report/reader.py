"""Reads what a run left in staging, however torn it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.staging import Staging, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

_MANIFEST = "/manifest.json"


@dataclass
class RunReader:
    """
    Reads a run's folder; what cannot be read is noted and counts as absent.

    :param unreadable: names in staging, in the order found
    """

    staging: Staging
    run: str
    unreadable: dict[str, None] = field(default_factory=dict)

    def json(self, name: str, kind: Any) -> Any:
        """Return JSON of the run as a type, None when it is absent or not of that type."""
        return self.typed(f"{self.run}/{name}", kind)

    def typed(self, place: str, kind: Any) -> Any:
        """
        Return JSON of staging as a type, None when it is absent or not of that type.

        :param place: name in staging
        """
        try:
            return TypeAdapter(kind).validate_python(self.staging.read_json(place))
        except FileNotFoundError:
            return None
        except (StagingBroken, ValueError):
            self.unreadable[place] = None
            return None

    def rows(self, folder: str, kind: Any) -> Iterator[Any]:
        """Walk the rows of a folder's parts as a type, as far as they can be read."""
        adapter = TypeAdapter(kind)
        place = f"{self.run}/{folder}"
        if not self.staging.exists(f"{place}{_MANIFEST}"):
            return
        try:
            for row in read_parts(self.staging, place):
                yield adapter.validate_python(row)
        except (StagingBroken, OSError, ValueError, KeyError, TypeError):
            self.unreadable[place] = None

    def finished(self, step: str) -> list[str]:
        """Return the folders of a step that have a manifest."""
        found = (n.removesuffix(_MANIFEST) for n in self.names(step) if n.endswith(_MANIFEST))
        return [name for name in found if "/" not in name]

    def names(self, folder: str) -> list[str]:
        """Return the names below a folder of the run, relative to it."""
        start = f"{self.run}/{folder}/"
        return [name.removeprefix(start) for name in self.staging.names(start)]
