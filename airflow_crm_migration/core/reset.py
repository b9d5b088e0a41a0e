"""Puts aside what is known of an environment, so that another tenant can be filled from nothing.

Nothing is lost: ledger, watermarks and tenant are moved below ``archive/``. The tenant's file says
that a reset is under way until all has moved, so that one which was cut off is only ever ended.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.lease import Lease
from airflow_crm_migration.core.ledger.writer import LedgerPlace
from airflow_crm_migration.core.run import time_stamp
from airflow_crm_migration.core.steps.tenant import read_kept, tenant_file

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_crm_migration.core.staging import Staging


@dataclass(frozen=True)
class Reset:
    """
    What was put aside.

    :param archive: folder in staging
    :param objects: how many were moved
    """

    archive: str
    objects: int


def check_written_to(staging: Staging, environment: str, tenant_id: str) -> None:
    """
    Check that somebody knows which tenant was written to.

    :param tenant_id: as typed
    :raises UserMistake: nothing was written yet, or it was another tenant
    """
    kept = read_kept(staging, environment)
    if kept is None:
        raise UserMistake(
            f"environment {environment}: nothing was written yet; a full run can start"
        )
    if kept["id"] != tenant_id:
        raise UserMistake(
            f"--tenant {tenant_id}: the records of environment {environment} were written to "
            f"{kept['id']} ({kept['name']}); give that id if it is the one to put aside"
        )


def reset_environment(
    staging: Staging, environment: str, *, tenant_id: str, holder: str, now: datetime
) -> Reset:
    """
    Move ledger, watermarks and tenant of an environment below ``archive/``.

    :param tenant_id: of the tenant that was written to
    :param holder: who does it, in words for people
    :param now: names the folder
    :raises UserMistake: it is another tenant
    :raises LeaseHeld: somebody writes there
    """
    place = LedgerPlace.of(environment)
    with Lease(staging, place.lease, holder) as lease:
        check_written_to(staging, environment, tenant_id)
        file = tenant_file(environment)
        kept = {"reset": time_stamp(now), **staging.read_json(file)}
        staging.write_json(file, kept)
        archive = f"archive/{environment}/{kept['reset']}"
        names = staging.names(place.folder) + staging.names(f"watermarks/{environment}")
        for name in [*names, file]:
            lease.check()
            _move(staging, name, f"{archive}/{name}")
    return Reset(archive, len(names) + 1)


def _move(staging: Staging, name: str, target: str) -> None:
    with staging.open(name) as content, staging.writing(target) as copy:
        shutil.copyfileobj(content, copy)
    staging.delete(name)
