"""What people do at the gates of a run: sign, forge, change, provision."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.core.gates import Gate, Proposal, propose, read_proposal
from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.core.signoff import revoke, sign
from airflow_crm_migration.hooks.signing import signing_keyring

if TYPE_CHECKING:
    from airflow_crm_migration.core.staging import Staging
    from tests.support.dags import Engaged, Log, Script

SIGNER = "Tess Ter <tess@example.com>"
FORGER = Keyring({"test": b"another key under the known name"})


def signs(case: Engaged, gate: Gate) -> Script:
    """Return a script that signs a gate when a run waits there."""

    def script(log: Log) -> None:
        log.wait_for(rf"{re.escape(str(gate))}: waiting")
        sign_now(case.staging, gate)

    return script


def sign_now(staging: Staging, gate: Gate, proposal: Proposal | None = None) -> None:
    """Sign what is proposed now, or what was before."""
    sign_with(signing_keyring(), staging, gate, proposal)


def forge(staging: Staging, gate: Gate) -> None:
    """Record a sign-off with a key that is not ours."""
    sign_with(FORGER, staging, gate)


def sign_with(
    keyring: Keyring, staging: Staging, gate: Gate, proposal: Proposal | None = None
) -> None:
    """Record a sign-off."""
    shown = proposal or read_proposal(staging, gate)
    assert shown is not None
    now = datetime.now(UTC)
    sign(staging, keyring, shown, signer=SIGNER, recorded_by="tests", now=now)


def change(staging: Staging, gate: Gate) -> Proposal:
    """Change what is proposed, and return what was proposed before."""
    before = read_proposal(staging, gate)
    assert before is not None
    changed = {**before.decisions, "something": "else"}
    propose(staging, gate, changed, before.evidence, datetime.now(UTC))
    return before


def propose_again(staging: Staging, before: Proposal) -> None:
    """Propose what was proposed before."""
    propose(staging, before.gate, before.decisions, before.evidence, datetime.now(UTC))


def revoke_now(staging: Staging, gate: Gate) -> None:
    """Revoke the last sign-off."""
    revoke(
        staging,
        signing_keyring(),
        gate,
        signer=SIGNER,
        recorded_by="tests",
        reason="the stages changed",
        now=datetime.now(UTC),
    )
