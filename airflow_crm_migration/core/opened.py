"""What a run goes by: what was signed when its gate opened, up to its last task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.signoff import NotSigned, signed_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.gates import Gate
    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.signoff import SignOff
    from airflow_crm_migration.core.staging import Staging


def keep_opened(staging: Staging, folder: str, gate: Gate, digest: str) -> None:
    """
    Note what a gate opened for; a gate that is cleared may open for something else.

    :param folder: of the run
    :param digest: of what is signed
    """
    staging.write_json(_name(folder, gate), {"digest": digest})


def signed_in_run(
    staging: Staging,
    keyring: Keyring,
    folder: str,
    gate: Gate,
    signers: Sequence[str] = (),
    *,
    revoked: bool = False,
) -> SignOff:
    """
    Return what was signed last, if it is what the run has gone by so far.

    Where no gate stood in the run's way, the first step that asks decides.

    :param folder: of the run
    :param signers: who may sign, empty for anyone
    :param revoked: also what was revoked since
    :raises UserMistake: nobody signed, the signature does not hold, or it is for something else
    """
    try:
        record = signed_record(staging, keyring, gate, signers, revoked=revoked)
    except NotSigned as error:
        raise UserMistake(str(error)) from None
    name = _name(folder, gate)
    try:
        staging.write_json(name, {"digest": record.digest}, exclusive=True)
    except FileExistsError:
        _check_same(gate, staging.read_json(name)["digest"], record)
    return record


def _check_same(gate: Gate, opened: str, record: SignOff) -> None:
    if record.digest != opened:
        raise UserMistake(
            f"{gate}: this run began by what is signed as {opened}, but {record.signer} signed "
            f"{record.digest} at {record.time}: start a new run, or clear this one from the task "
            f"sign_{gate.name} on where it has one"
        )


def _name(folder: str, gate: Gate) -> str:
    return f"{folder}/opened/{gate.slot}.json"
