"""One run of an engagement: its own folder in staging, and the environment that it writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.extract_read import read_extract
from airflow_crm_migration.core.lease import LeaseTimes
from airflow_crm_migration.core.ledger.writer import LedgerPlace

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.staging import Staging

Say = Callable[[str], None]


def time_stamp(at: datetime) -> str:
    """Return a time as the names of runs begin with it, so that it sorts among them."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


@dataclass(frozen=True)
class Run:
    """
    Where a step reads and writes.

    :param folder: the run's folder below the engagement's prefix
    :param environment: ``sandbox`` or ``production``
    :param dry_run: nothing is written to the destination, everything else is done
    :param lease_times: of the lease under which the run's steps write
    """

    staging: Staging
    folder: str
    engagement: str
    environment: str
    dry_run: bool = False
    lease_times: LeaseTimes = field(default_factory=LeaseTimes)

    def name(self, name: str) -> str:
        """Return a name in staging of something in the run's folder."""
        return f"{self.folder}/{name}"

    def read(self, name: str) -> Any:
        """Return JSON of the run's folder."""
        return self.staging.read_json(self.name(name))

    def read_if_there(self, name: str, default: Any) -> Any:
        """Return JSON of the run's folder, or a default where a step had nothing to write."""
        return self.read(name) if self.staging.exists(self.name(name)) else default

    def write(self, name: str, value: Any) -> None:
        """Write JSON into the run's folder."""
        self.staging.write_json(self.name(name), value)

    def records(self, object_name: str) -> Iterator[Values]:
        """Walk the typed records of a source object as this run read them."""
        return read_extract(self.staging, self.folder, object_name)

    @property
    def ledger(self) -> LedgerPlace:
        """Where the run's ledger lies: a dry run keeps its own."""
        if self.dry_run:
            return LedgerPlace.dry_run(self.environment, self.folder)
        return LedgerPlace.of(self.environment)

    @property
    def mark(self) -> str:
        """What the source-id field of every record of this engagement begins with."""
        return f"{self.engagement}:"
