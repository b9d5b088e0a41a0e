"""Binds production to the sandbox: what is loaded whole there is the mapping that was rehearsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, Proposal
from airflow_crm_migration.core.signoff import NotSigned, signed_decisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.signoff import SignOff
    from airflow_crm_migration.core.staging import Staging

MAPPING = "rehearsed_mapping"


def signed_mapping_digest(
    staging: Staging,
    keyring: Keyring,
    engagement: str,
    environment: str,
    signers: Sequence[str] = (),
) -> str:
    """
    Return the digest of the mapping that was signed last; the environment is no part of it.

    :param signers: who may sign, empty for anyone
    :raises UserMistake: nobody signed, or the signature does not hold
    """
    gate = Gate(engagement, "mapping", environment)
    try:
        decisions = signed_decisions(staging, keyring, gate, signers)
    except NotSigned as error:
        raise UserMistake(str(error)) from None
    return Proposal(gate, decisions, None, "").digest


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
    signed = signed_mapping_digest(staging, keyring, rehearsal.engagement, environment, signers)
    rehearsed = rehearsal.decisions[MAPPING]
    if signed != rehearsed:
        raise UserMistake(
            f"rehearsal ({environment}): the mapping that was rehearsed is {rehearsed}, the one "
            f"signed for {environment} is {signed}: run full in the sandbox with this mapping "
            "first and have that rehearsal signed"
        )
