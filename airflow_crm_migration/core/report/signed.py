"""The gates of a run: who signed what, and whether it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core import gates, signoff
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.report.model import Gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.report.model import RunFacts
    from airflow_crm_migration.core.staging import Staging

_NOBODY_SIGNS = ("owners", "csv", "freeze")
_SLOT_PARTS = 2


def gates_of(
    staging: Staging, about: RunFacts, keyring: Keyring | None, signers: Sequence[str]
) -> Iterator[Gate]:
    """
    Walk the gates that matter to a run: those of its environment, and those of the engagement.

    :param keyring: checks the sign-offs; without one they are told as not checked
    :param signers: who may sign, by mail address or name; empty for anyone
    """
    for name, environment in sorted({*_slots(staging, "review"), *_slots(staging, "signed")}):
        if name in _NOBODY_SIGNS or environment not in ("_", about.environment):
            continue
        where = "" if environment == "_" else environment
        try:
            gate = gates.Gate(about.engagement, name, where or None)
            yield _state(staging, gate, keyring, signers)
        except (UserMistake, ValueError, KeyError, TypeError) as error:
            yield Gate(name, where, "unreadable", str(error))


def _slots(staging: Staging, folder: str) -> Iterator[tuple[str, str]]:
    for name in staging.names(folder):
        parts = name.removeprefix(f"{folder}/").removesuffix(".json").split("/")
        if name.endswith(".json") and len(parts) >= _SLOT_PARTS:
            yield parts[0], parts[1]


def _state(
    staging: Staging, gate: gates.Gate, keyring: Keyring | None, signers: Sequence[str]
) -> Gate:
    where = gate.environment or ""
    if keyring is None:
        return Gate(gate.name, where, "not_checked", "there are no keys to check it with")
    state = signoff.state(staging, keyring, gate, signers)
    record = state.record
    if record is None:
        return Gate(gate.name, where, state.status, state.reason)
    return Gate(
        gate.name,
        where,
        state.status,
        state.reason,
        record.signer,
        record.recorded_by,
        record.time,
        (record.document or {}).get("name", ""),
    )
