"""A ledger: written ahead, settled after a crash, never rewritten."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.ledger.objects import (
    Kind,
    ObjectName,
    Row,
    list_objects,
    pack,
    read_object,
)
from airflow_crm_migration.core.ledger.snapshot import SCHEMA_VERSION, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.core.lease import Lease
    from airflow_crm_migration.core.staging import Staging

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LedgerPlace:
    """
    Where a ledger lies in staging.

    :param folder: its objects
    :param lease: folder of its epochs
    :param base: folder of a ledger that this one continues without writing to it
    """

    folder: str
    lease: str
    base: str | None = None

    @classmethod
    def of(cls, environment: str) -> LedgerPlace:
        """Return the place of an environment's ledger."""
        return cls(f"ledger/{environment}", f"lease/{environment}")

    @classmethod
    def dry_run(cls, environment: str, run: str) -> LedgerPlace:
        """Return the place where a dry run notes what it would have done."""
        return cls(f"{run}/dry_run/ledger", f"{run}/dry_run/lease", f"ledger/{environment}")


class Ledger:
    """
    Reads and appends a ledger.

    Use as a context manager: look-ups run on a local snapshot that is removed at the end.
    """

    def __init__(self, staging: Staging, place: LedgerPlace) -> None:
        """
        Say which ledger.

        :param place: where it lies
        """
        self.staging = staging
        self.place = place
        self.snapshot: Snapshot

    def __enter__(self) -> Self:
        """Bring the snapshot up to the newest object."""
        with ExitStack() as opened:
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="crm-ledger-"))
            self._folder = Path(folder)
            file = self._folder / "snapshot.sqlite"
            self._fetch(file)
            self.snapshot = Snapshot(file)
            opened.callback(self.snapshot.close)
            if self.place.base:
                self._absorb(self.place.base)
            self._absorb(self.place.folder)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the local snapshot; the ledger itself lies in staging."""
        self._opened.close()

    def _absorb(self, folder: str) -> None:
        absorbed = self.snapshot.absorbed()
        for name in list_objects(self.staging, folder):
            if name.path(folder) not in absorbed:
                rows = read_object(self.staging, folder, name)
                if rows is None:
                    _log.warning("%s is torn and counts as absent", name.path(folder))
                else:
                    self.snapshot.absorb(folder, name, rows)

    # -- compaction ------------------------------------------------------------------------

    def compact(self) -> str:
        """
        Keep the snapshot in staging so that the next reader starts from it; not for a dry run.

        :return: its name; the digest in it tells a torn snapshot from a whole one
        """
        copy = self._folder / "compacted.sqlite"
        copy.unlink(missing_ok=True)
        self.snapshot.copy_to(copy)
        content = copy.read_bytes()
        number = len(self.snapshot.absorbed())
        found = hashlib.sha256(content).hexdigest()[:32]
        name = f"{self._snapshots}{number:08d}-{found}.sqlite"
        self.staging.write_bytes(name, content)
        for older in self._kept():
            if older < name:
                self.staging.delete(older)
        return name

    @property
    def _snapshots(self) -> str:
        """What the names of the snapshots begin with that this release can read."""
        return f"{self.place.base or self.place.folder}/snapshot/v{SCHEMA_VERSION}-"

    def _kept(self) -> list[str]:
        names = self.staging.names(self._snapshots.rpartition("/")[0])
        return [name for name in names if name.startswith(self._snapshots)]

    def _fetch(self, file: Path) -> None:
        for name in reversed(self._kept()):
            content = self.staging.read_bytes(name)
            if hashlib.sha256(content).hexdigest()[:32] in name:
                file.write_bytes(content)
                return


class LedgerWriter:
    """Appends to the ledger under a lease and keeps the reader's snapshot in step."""

    def __init__(
        self,
        ledger: Ledger,
        phase: str,
        *,
        lease: Lease,
        tenant: str,
        run: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Say under what name is written.

        :param phase: the destination object
        :param lease: without it nothing is written, not even what is known already
        :param tenant: id of the tenant behind the destination connection
        :param run: the run's prefix in staging
        """
        self.ledger = ledger
        self.phase = phase
        self.lease = lease
        self._seq = 0
        self._stamp = {"tenant": tenant, "run": run}
        self._now = now

    def intend(self, rows: list[Row]) -> str:
        """
        Say what is about to be written.

        :param rows: each with ``key``, ``op`` and what settling needs
        :return: name of the object, which the results refer to
        """
        return self._append("intent", rows)

    def conclude(self, rows: list[Row]) -> None:
        """
        Say what became of records.

        :param rows: each with ``key``, ``outcome`` and ``reason``, or with ``event``
        """
        if rows:
            self._append("result", rows)

    def keep_images(self, records: list[dict[str, Any]]) -> str:
        """Keep records as they are before an update and return the name of the image."""
        self._seq += 1
        number = f"{self.lease.epoch:08d}-{self._seq:08d}"
        name = f"{self.ledger.place.folder}/images/{number}.jsonl.gz"
        self._write_new(name, pack(records))
        return name

    def _append(self, kind: Kind, rows: list[Row]) -> str:
        self._seq += 1
        name = ObjectName(self.lease.epoch, self._seq, kind, self.phase)
        number = {"epoch": name.epoch, "seq": name.seq}
        stamp = {**self._stamp, **number, "at": time_text(self._now())}
        stamped = [{**row, **stamp} for row in rows]
        self._write_new(name.path(self.ledger.place.folder), pack(stamped))
        self.ledger.snapshot.absorb(self.ledger.place.folder, name, stamped)
        return name.base

    def _write_new(self, name: str, content: bytes) -> None:
        self.lease.check()
        try:
            self.ledger.staging.write_bytes(name, content, exclusive=True)
        except FileExistsError:
            raise StagingBroken(
                f"{name} is there already: another process writes under epoch {self.lease.epoch}"
            ) from None
