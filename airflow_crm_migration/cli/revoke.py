"""``airflow crm-migration revoke``: records that a sign-off no longer holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.cli.engaged import Engaged, confirm, recorded_by
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.signoff import Forged, NotSigned, revoke
from airflow_crm_migration.hooks.signing import signing_keyring

if TYPE_CHECKING:
    from argparse import Namespace

_NOT_REVOKED = 1


def run(args: Namespace) -> int:
    """
    Revoke the last sign-off of a gate; anybody who holds the key may.

    :param args: ``engagement``, ``gate``, ``environment``, ``signer``, ``reason``, ``yes``
    :return: exit status: 1 when whoever was asked said no
    :raises UserMistake: there is nothing to revoke
    """
    engaged = Engaged.of(args)
    gate = engaged.gate(args.gate, args.environment)
    keyring = signing_keyring()
    if not confirm(f"Revoke the sign-off of {gate} of {gate.engagement}?", yes=args.yes):
        print("nothing revoked")
        return _NOT_REVOKED
    try:
        record = revoke(
            engaged.staging,
            keyring,
            gate,
            signer=args.signer,
            recorded_by=recorded_by(),
            reason=args.reason,
            now=datetime.now(UTC),
        )
    except (NotSigned, Forged) as refusal:
        raise UserMistake(str(refusal)) from None
    print(f"{gate}: revoked, as number {record.number}")
    return 0
