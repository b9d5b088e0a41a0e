"""A destination that is read but never written: what a dry run loads into."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from airflow_crm_migration.core.protocols import (
    Capabilities,
    Child,
    Destination,
    Finding,
    Member,
    Normalised,
    SchemaChange,
    Stored,
    Tenant,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from airflow_crm_migration.core.errors import Refused
    from airflow_crm_migration.core.fields import FieldSpec, ObjectSpec


class DryDestination:
    """
    Fulfils :class:`.protocols.Destination`: it asks the real one and keeps every write to itself.

    A write is answered as the platform would by its published rules, so that the predictions go
    through the very code that loads.
    """

    def __init__(self, real: Destination) -> None:
        """
        Wrap a destination.

        :param real: asked, never written to
        """
        self._real = real
        self._written: dict[str, Stored] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="crm-dry-run-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    @property
    def capabilities(self) -> Capabilities:
        """What the real destination can do."""
        return self._real.capabilities

    @property
    def requests_made(self) -> Any:
        """Requests that the dry run itself made: reads."""
        return self._real.requests_made

    @property
    def guard(self) -> Callable[[], None]:
        """What keeps requests from being sent."""
        return self._real.guard

    @guard.setter
    def guard(self, guard: Callable[[], None]) -> None:
        self._real.guard = guard

    # -- asked of the real one -------------------------------------------------------------

    def normalise(self, field: FieldSpec, value: Any) -> Normalised:
        """Say what the platform will make of a value."""
        return self._real.normalise(field, value)

    def option(self, label: str, taken: Iterable[str]) -> tuple[str, str]:
        """Return value and label of a new option."""
        return self._real.option(label, taken)

    def custom_field_name(self, label: str, taken: Iterable[str]) -> str:
        """Return a name for a new field."""
        return self._real.custom_field_name(label, taken)

    def tenant(self) -> Tenant:
        """Return the tenant."""
        return self._real.tenant()

    def preflight(self) -> list[Finding]:
        """Check what would get in the way."""
        return self._real.preflight()

    def describe(self) -> dict[str, ObjectSpec]:
        """Return the objects."""
        return self._real.describe()

    def members(self) -> list[Member]:
        """Return users."""
        return self._real.members()

    def ensure_schema(self, wanted: Sequence[ObjectSpec], *, dry_run: bool) -> list[SchemaChange]:
        """List the changes that would be made."""
        return self._real.ensure_schema(wanted, dry_run=True)

    def count(self, object_name: str, field: str | None = None, prefix: str | None = None) -> int:
        """Count the live records."""
        return self._real.count(object_name, field, prefix)

    def listing(
        self,
        object_name: str,
        field: str | None = None,
        prefix: str | None = None,
        *,
        trashed: bool = False,
    ) -> Iterator[Stored]:
        """Walk the live records."""
        return self._real.listing(object_name, field, prefix, trashed=trashed)

    def find(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, Stored]:
        """Look records up by a unique field."""
        return self._real.find(object_name, field, values)

    def read(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Read records by id, those that this run would have written too."""
        ours = {i: self._written[i] for i in ids if i in self._written}
        others = [i for i in ids if i not in ours]
        return ours | (self._real.read(object_name, others) if others else {})

    def children(
        self, object_name: str, ids: Sequence[str], known: Collection[str] = ()
    ) -> dict[str, list[Child]]:
        """Find the live records that refer to records."""
        return self._real.children(object_name, ids, known)

    def traces(self, object_name: str, ids: Sequence[str]) -> int:
        """Count what the platform keeps of records by itself."""
        return self._real.traces(object_name, ids)

    # -- kept to itself --------------------------------------------------------------------

    def create(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """Answer as if the records were created."""
        made: list[Stored | Refused] = []
        for row in rows:
            stored = Stored(row.id or "", dict(row.values))
            self._written[stored.id] = stored
            made.append(stored)
        return made

    def update(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """Answer as if the records were updated; the fields that are not written stay."""
        found = self.read(object_name, [row.id for row in rows if row.id])
        before = {row_id: stored.values for row_id, stored in found.items()}
        whole = [Write(r.id, {**before.get(r.id or "", {}), **r.values}) for r in rows]
        return self.create(object_name, whole)

    def restore(self, object_name: str, ids: Sequence[str]) -> None:
        """Leave the trash as it is."""

    def trash(self, object_name: str, ids: Sequence[str]) -> None:
        """Leave the records where they are."""

    def delete(self, object_name: str, ids: Sequence[str]) -> None:
        """Leave the records where they are."""

    def upload(self, name: str, size: int, content: IO[bytes]) -> str:
        """Keep a binary as if it were uploaded."""
        file_id = uuid.uuid4().hex
        with (self._folder / file_id).open("wb") as kept:
            shutil.copyfileobj(content, kept)
        return file_id

    def download(self, attachment: Stored) -> IO[bytes]:
        """Open a binary that was kept."""
        file_id = attachment.values[self.capabilities.file_field][0]["file_id"]
        return (self._folder / str(file_id)).open("rb")
