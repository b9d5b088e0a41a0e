"""Reading only what changed: a window of the source, laid over what an earlier run read.

The result is a complete extract again, so that no later step knows how it was come by. What is laid
over are the records as received; they are typed anew, and so a window goes with a CSV file too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration import __version__
from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import StagingBroken, UserMistake
from airflow_crm_migration.core.extract_reached import raw_folder
from airflow_crm_migration.core.extract_read import extract_folder
from airflow_crm_migration.core.staging import read_manifest, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.staging import Staging


@dataclass(frozen=True)
class Window:
    """
    What changed since an earlier run read an object.

    :param base: folder of that run
    :param start: when it began to read
    :param overlap: how much earlier the window begins: clocks differ, and a CRM may show a change
        later than it dates it
    :param tenant: of the source that it read
    """

    base: str
    start: datetime
    overlap: timedelta
    tenant: str

    @property
    def since(self) -> datetime:
        """The instant from which on changes are read."""
        return self.start - self.overlap

    def facts(self) -> dict[str, Any]:
        """Return what the manifest of the new extract says of it."""
        return {
            "base": self.base,
            "since": time_text(self.since),
            "overlap_seconds": int(self.overlap.total_seconds()),
        }

    def misfit(self, staging: Staging, spec: ObjectSpec, tenant: str) -> str:
        """
        Tell why the earlier extract cannot be continued, in words; blank when it can.

        :param spec: the object as the source declares it now
        :param tenant: of the source now
        :raises UserMistake: when the connection leads to another account
        """
        if not self.tenant:
            return f"run {self.base} did not read it from the API"
        if tenant != self.tenant:
            raise UserMistake(
                f"source: its connection now leads to account {tenant}, but the records of "
                f"{spec.name} so far were read from {self.tenant}: point the connection back; "
                "another account is an engagement of its own"
            )
        folder = extract_folder(self.base, spec.name)
        try:
            manifest = read_manifest(staging, folder)
            raw = read_manifest(staging, raw_folder(folder))
        except StagingBroken as error:
            return str(error)
        if manifest is None or raw is None:
            return f"what run {self.base} received is no longer in staging"
        if manifest["package"] != __version__:
            return f"run {self.base} read it with version {manifest['package']} of this package"
        other = [f.name for f in spec.fields.values() if manifest["fields"].get(f.name) != f.type]
        return f"its fields {', '.join(other)} are new or of another type" if other else ""

    def records(self, staging: Staging, object_name: str) -> Iterator[Values]:
        """Walk what the earlier run received, part by part."""
        return read_parts(staging, raw_folder(extract_folder(self.base, object_name)))
