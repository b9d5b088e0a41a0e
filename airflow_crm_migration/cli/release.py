"""``airflow crm-migration release``: takes the lease from a load that died or hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.cli.engaged import Engaged, confirm, plain, recorded_by
from airflow_crm_migration.core.lease import Lease, newest_lease
from airflow_crm_migration.core.ledger.writer import LedgerPlace

if TYPE_CHECKING:
    from argparse import Namespace

_NOT_RELEASED = 1


def run(args: Namespace) -> int:
    """
    Show who holds the lease of an environment, and let go of it once its beat stands still.

    :param args: ``engagement``, ``environment``, ``force``, ``yes``
    :return: exit status: 1 when whoever was asked said no
    :raises LeaseHeld: the holder lives, and it was not said to force it
    """
    engaged = Engaged.of(args)
    engaged.check_environment(args.environment)
    folder = LedgerPlace.of(args.environment).lease
    lease = newest_lease(engaged.staging, folder)
    if lease is None or lease.released:
        print(f"{args.environment}: nobody holds the lease")
        return 0
    print(f"{args.environment}: {plain(str(lease))}, last beat {plain(lease.beaten)}")
    if not confirm(f"Release the lease of {args.environment}?", yes=args.yes):
        print("nothing released")
        return _NOT_RELEASED
    print(f"looking for {lease.lease:g} s whether it beats")
    with Lease(engaged.staging, folder, f"release by {recorded_by()}", force=args.force):
        print(f"{args.environment}: released; the next run finds open writes and settles them")
    return 0
