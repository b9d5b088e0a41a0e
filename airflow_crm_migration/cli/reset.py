"""``airflow crm-migration reset``: lets a rebuilt or another tenant be filled from nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.cli.engaged import Engaged, confirm, recorded_by
from airflow_crm_migration.core.reset import check_written_to, reset_environment

if TYPE_CHECKING:
    from argparse import Namespace

_NOT_RESET = 1


def run(args: Namespace) -> int:
    """
    Put aside what is known of the tenant that an environment was written to.

    :param args: ``engagement``, ``environment``, ``tenant``, ``yes``
    :return: exit status: 1 when whoever was asked said no
    :raises UserMistake: another tenant was written to
    """
    engaged = Engaged.of(args)
    engaged.check_environment(args.environment)
    check_written_to(engaged.staging, args.environment, args.tenant)
    question = (
        f"Forget what {engaged.engagement.id} wrote to {args.tenant} as {args.environment}? "
        "The next full run there starts from nothing."
    )
    if not confirm(question, yes=args.yes):
        print("nothing reset")
        return _NOT_RESET
    done = reset_environment(
        engaged.staging,
        args.environment,
        tenant_id=args.tenant,
        holder=f"reset by {recorded_by()}",
        now=datetime.now(UTC),
    )
    print(f"{args.environment}: ledger, watermarks and tenant moved: {done.objects} objects")
    print(f"archive  {engaged.staging.root}/{done.archive}")
    print("next     a full run; what is in the old tenant stays there, and signatures hold")
    return 0
