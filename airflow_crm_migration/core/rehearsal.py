"""Binds production to the sandbox: what is loaded whole there is the mapping that was rehearsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate
from airflow_crm_migration.core.signoff import NotSigned, signed_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.signoff import SignOff
    from airflow_crm_migration.core.staging import Staging

MAPPING = "rehearsed_mapping"


def check_rehearsed(
    staging: Staging, keyring: Keyring, rehearsal: SignOff, signers: Sequence[str] = ()
) -> None:
    """
    Check that the mapping signed for an environment is the one that was rehearsed for it.

    :param rehearsal: as signed
    :param signers: who may sign, empty for anyone
    :raises UserMistake: with both digests, or when the mapping is not signed
    """
    environment = str(rehearsal.environment)
    gate = Gate(rehearsal.engagement, "mapping", environment)
    try:
        signed = signed_record(staging, keyring, gate, signers).digest
    except NotSigned as error:
        raise UserMistake(str(error)) from None
    rehearsed = rehearsal.decisions[MAPPING]
    if signed != rehearsed:
        raise UserMistake(
            f"rehearsal ({environment}): the mapping that was rehearsed is {rehearsed}, the one "
            f"signed for {environment} is {signed}: run full in the sandbox with this mapping "
            "first and have that rehearsal signed"
        )
