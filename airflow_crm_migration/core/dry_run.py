"""A destination that is read but never written: what a dry run loads into."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import weakref
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import Refused
from airflow_crm_migration.core.forecast import Calls, Step
from airflow_crm_migration.core.protocols import (
    Action,
    Capabilities,
    Child,
    Destination,
    Finding,
    Member,
    Normalised,
    SchemaChange,
    Stored,
    Tenant,
    Usage,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_crm_migration.core.fields import FieldSpec, ObjectSpec, Option
    from airflow_crm_migration.core.limits import Budget


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
        self._new: dict[str, dict[str, Stored]] = {}
        self._changed: dict[str, dict[str, Stored]] = {}
        self._read: dict[str, dict[str, Stored]] = {}
        self._binaries: dict[str, IO[bytes]] = {}
        weakref.finalize(self, _close, self._binaries)
        self._calls = Calls()
        self._begun = self._seen = real.usage

    @property
    def capabilities(self) -> Capabilities:
        """What the real destination can do."""
        return self._real.capabilities

    @property
    def requests_made(self) -> Mapping[str, int]:
        """Requests that the dry run itself made: reads."""
        return self._real.requests_made

    @property
    def guard(self) -> Callable[[], None]:
        """What keeps requests from being sent."""
        return self._real.guard

    @guard.setter
    def guard(self, guard: Callable[[], None]) -> None:
        self._real.guard = guard

    @property
    def usage(self) -> Usage:
        """What the dry run itself asked."""
        return self._real.usage

    @property
    def budget(self) -> Budget:
        """What the real destination may be asked."""
        return self._real.budget

    def cost(self, action: Action, object_name: str, number: int) -> Sequence[float]:
        """Return what the calls of the real destination cost."""
        return self._real.cost(action, object_name, number)

    # -- the forecast ----------------------------------------------------------------------

    def foretold(self, phase: str, step: str) -> Step:
        """Return the calls that a real run would have made until now, as a step of a phase."""
        self._note_made()
        requests = self._seen.requests - self._begun.requests
        seconds = (self._seen.seconds - self._begun.seconds) / requests if requests else 0.0
        return Step(phase, step, self._calls.runs, seconds)

    def assume(self, written: Mapping[str, Iterable[str]]) -> None:
        """
        Take for granted what another step of the dry run would have written.

        :param written: object -> ids of new records
        """
        for name, ids in written.items():
            self._new.setdefault(name, {}).update({i: Stored(i, {}) for i in ids})

    def _note_made(self) -> None:
        now = self._real.usage
        self._calls.add_made(self._seen, now)
        self._seen = now

    def _would(self, action: Action, object_name: str, number: int = 1) -> None:
        self._note_made()
        self._calls.add(self._real.cost(action, object_name, number))

    # -- asked of the real one -------------------------------------------------------------

    def normalise(self, field: FieldSpec, value: Any) -> Normalised:
        """Say what the platform will make of a value."""
        return self._real.normalise(field, value)

    def option(self, label: str, taken: Iterable[Option]) -> tuple[str, str]:
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

    def retire_options(
        self, object_name: str, field: str, options: Sequence[str], *, default: str, dry_run: bool
    ) -> list[SchemaChange]:
        """List the options that would go."""
        return self._real.retire_options(object_name, field, options, default=default, dry_run=True)

    def count(self, object_name: str, field: str | None = None, prefix: str | None = None) -> int:
        """Count the live records, those too that this run would have made: all bear our mark."""
        ours = len(self._new.get(object_name, ()))
        try:
            return self._real.count(object_name, field, prefix) + ours
        except Refused:
            if field is None:
                raise
            return ours  # a field that this run would have made is on no record yet

    def listing(
        self,
        object_name: str,
        field: str | None = None,
        prefix: str | None = None,
        *,
        trashed: bool = False,
    ) -> Iterator[Stored]:
        """Walk the live records, those too that this run would have made: all bear our mark."""
        yield from self._real.listing(object_name, field, prefix, trashed=trashed)
        yield from list(self._new.get(object_name, {}).values())

    def find(self, object_name: str, field: str, values: Sequence[str]) -> dict[str, list[Stored]]:
        """Look records up by a unique field."""
        return self._real.find(object_name, field, values)

    def read(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Read records by id, those that this run would have written as they would be now."""
        new = self._new.get(object_name, {})
        made = {i: new[i] for i in ids if i in new}
        if made:
            self._would(Action.READ, object_name, len(made))
        others = [i for i in ids if i not in new]
        found = self._real.read(object_name, others) if others else {}
        changed = self._changed.get(object_name, {})
        self._read[object_name] = made | {i: changed.get(i, one) for i, one in found.items()}
        return dict(self._read[object_name])

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
        self._would(Action.CREATE, object_name, len(rows))
        made = [Stored(row.id or uuid.uuid4().hex, dict(row.values)) for row in rows]
        self._new.setdefault(object_name, {}).update({stored.id: stored for stored in made})
        return list(made)

    def update(self, object_name: str, rows: Sequence[Write]) -> list[Stored | Refused]:
        """Answer as if the records were updated; the fields that are not written stay."""
        self._would(Action.UPDATE, object_name, len(rows))
        before = self._known(object_name, [row.id or "" for row in rows])
        made = [Stored(row.id or "", {**before[row.id or ""].values, **row.values}) for row in rows]
        self._remember(object_name, made)
        return list(made)

    def restore(self, object_name: str, ids: Sequence[str]) -> None:
        """Read the records from now on as if they were out of the trash."""
        self._would(Action.RESTORE, object_name, len(ids))
        before = self._known(object_name, ids).values()
        self._remember(object_name, [replace(stored, trashed=False) for stored in before])

    def trash(self, object_name: str, ids: Sequence[str]) -> None:
        """Leave the records where they are."""
        self._would(Action.TRASH, object_name, len(ids))

    def delete(self, object_name: str, ids: Sequence[str]) -> None:
        """Leave the records where they are."""
        self._would(Action.DELETE, object_name, len(ids))

    def _known(self, object_name: str, ids: Sequence[str]) -> dict[str, Stored]:
        """Return records as they would be now, preferably as they were read just before."""
        known: dict[str, Stored] = {}
        for told in (self._read, self._changed, self._new):
            known |= {i: told[object_name][i] for i in ids if i in told.get(object_name, ())}
        unknown = [i for i in ids if i not in known]
        if unknown:
            known |= self._real.read(object_name, unknown)
            self._seen = self._real.usage  # the real run has no need to ask
        return {i: known.get(i, Stored(i, {})) for i in ids}

    def _remember(self, object_name: str, records: Iterable[Stored]) -> None:
        new = self._new.get(object_name, {})
        for stored in records:
            changed = new if stored.id in new else self._changed.setdefault(object_name, {})
            changed[stored.id] = stored

    def upload(
        self, name: str, size: int, content: IO[bytes], abandoned: Callable[[str], None]
    ) -> str:
        """Keep a binary as if it were uploaded."""
        self._would(Action.UPLOAD, self.capabilities.attachment or "")
        file_id = uuid.uuid4().hex
        self._binaries[file_id] = _kept(content)
        return file_id

    def download(self, attachment: Stored) -> IO[bytes]:
        """Open a binary as stored; one that was kept is given away: a load reads it back once."""
        [file] = attachment.values[self.capabilities.file_field]
        kept = self._binaries.pop(str(file["file_id"]), None)
        if kept is None:
            return self._real.download(attachment)
        self._would(Action.DOWNLOAD, self.capabilities.attachment or "")
        return kept


def _close(binaries: dict[str, IO[bytes]]) -> None:
    """Close what nobody read back."""
    for kept in binaries.values():
        kept.close()


def _kept(content: IO[bytes]) -> IO[bytes]:
    """Copy a binary into a file without a name: nothing is left however this process ends."""
    with ExitStack() as until_copied:
        kept = until_copied.enter_context(tempfile.TemporaryFile())
        shutil.copyfileobj(content, kept)
        kept.seek(0)
        until_copied.pop_all()
    return kept
