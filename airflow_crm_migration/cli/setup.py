"""``airflow crm-migration setup``: what has to be there before the first run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration import __version__
from airflow_crm_migration.cli.engaged import Engaged
from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.staging import try_out
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.tasks import pool_name

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_crm_migration.engagement import Engagement

FORMAT = 1
_NO_SANDBOX = (
    "warning  connections has no sandbox: nothing is rehearsed, and production is loaded without "
    "the gate rehearsal"
)
RECORD = "setup.json"
"""Where preflight reads which pools there are: a worker cannot ask Airflow for them."""


def run(args: Namespace) -> int:
    """
    Make the pools, try the staging out, and note both in staging; again does no harm.

    :param args: ``engagement``
    :return: exit status
    :raises UserMistake: what only a person can mend
    """
    engaged = Engaged.of(args)
    try_out(engaged.staging)
    print(f"staging  {engaged.engagement.staging.url}: writable, refuses a second writer")
    pools = sorted({pool_name(conn_id) for conn_id in _connections(engaged.engagement)})
    for pool in pools:
        print(f"pool     {pool}: {_ensure_pool(pool)}")
    engaged.staging.write_json(
        RECORD,
        {
            "format": FORMAT,
            "package": __version__,
            "pools": pools,
            "at": time_text(datetime.now(UTC)),
        },
    )
    print(f"keys     {signing_keyring().signing_id!r} signs")
    if "sandbox" not in engaged.engagement.environments:
        print(_NO_SANDBOX)
    return 0


def _connections(engagement: Engagement) -> list[str]:
    named = engagement.connections
    return [conn for conn in (named.source, named.sandbox, named.production) if conn]


def _ensure_pool(name: str) -> str:
    from airflow.models import Pool

    pool = Pool.get_pool(name)
    if pool is None:
        Pool.create_or_update_pool(
            name,
            slots=1,
            description="One CRM connection: one task at a time",
            include_deferred=False,
        )
        return "made, with one slot"
    if pool.slots != 1:
        raise UserMistake(
            f"pool {name} has {pool.slots} slots, so tasks could overrun the CRM's rate limit "
            f"together; run: airflow pools set {name} 1 'One CRM connection'"
        )
    return "is there, with one slot"
