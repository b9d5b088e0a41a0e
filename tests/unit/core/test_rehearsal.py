"""What a rehearsal binds production to: the mapping that was signed and loaded in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose, read_proposal
from airflow_crm_migration.core.rehearsal import check_rehearsed
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.signoff import revoke, sign
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.deliver import deliver_step
from tests.support.report import NOW, RING, RUN, MadeRun

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.signoff import SignOff

SANDBOX, PRODUCTION = (Gate("acme", "mapping", name) for name in ("sandbox", "production"))
REHEARSAL = Gate("acme", "rehearsal", "production")
WHO: Any = {"signer": "Ann <ann@acme.example>", "recorded_by": "op@host", "now": NOW}


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def signed(staging: Staging, gate: Gate, decisions: Any) -> SignOff:
    return sign(staging, RING, propose(staging, gate, decisions, {}, NOW), **WHO)


def delivered(staging: Staging, **run: Any) -> Any:
    """Deliver a full run that reconciled, and return what it proposes as the rehearsal."""
    MadeRun(staging).begin()
    staging.write_json(f"{RUN}/reconcile/person.json", {"phase": "person", "reconciled": True})
    at = Run(staging, RUN, "acme", run.pop("environment", "sandbox"), **run)
    deliver_step(at, ["person"], "full", keyring=RING)
    proposal = read_proposal(staging, REHEARSAL)
    return proposal and proposal.decisions


def test_the_rehearsal_names_the_mapping_that_was_signed_whatever_is_proposed_since(
    staging: Staging,
) -> None:
    record = signed(staging, SANDBOX, {"mapping": "a"})
    propose(staging, SANDBOX, {"mapping": "b"}, {}, NOW)
    assert delivered(staging) == {"rehearsed_mapping": record.digest}


@pytest.mark.parametrize("other", [{"environment": "production"}, {"dry_run": True}])
def test_only_what_was_written_to_the_sandbox_is_a_rehearsal(
    staging: Staging, other: dict[str, Any]
) -> None:
    signed(staging, SANDBOX, {"mapping": "a"})
    assert delivered(staging, **other) is None


def test_a_mapping_that_was_revoked_was_not_rehearsed(staging: Staging) -> None:
    signed(staging, SANDBOX, {"mapping": "a"})
    revoke(staging, RING, SANDBOX, reason="stages changed", **WHO)
    with pytest.raises(UserMistake, match=r"mapping \(sandbox\): revoked by Ann"):
        delivered(staging)
    assert read_proposal(staging, REHEARSAL) is None


def test_the_same_mapping_may_be_loaded_into_production(staging: Staging) -> None:
    signed(staging, SANDBOX, {"mapping": "a"})
    rehearsal = signed(staging, REHEARSAL, delivered(staging))
    signed(staging, PRODUCTION, {"mapping": "a"})
    check_rehearsed(staging, RING, rehearsal)


def test_another_mapping_is_refused_with_both_digests_and_the_fix(staging: Staging) -> None:
    was = signed(staging, SANDBOX, {"mapping": "a"})
    rehearsal = signed(staging, REHEARSAL, delivered(staging))
    now = signed(staging, PRODUCTION, {"mapping": "b"})
    with pytest.raises(UserMistake) as raised:
        check_rehearsed(staging, RING, rehearsal)
    [line] = raised.value.findings
    assert f"rehearsed is {was.digest}, the one signed for production is {now.digest}" in line
    assert "run full in the sandbox with this mapping first" in line


def test_a_mapping_that_nobody_signed_is_refused(staging: Staging) -> None:
    rehearsal = signed(staging, REHEARSAL, {"rehearsed_mapping": "x"})
    with pytest.raises(UserMistake, match=r"mapping \(production\): nobody has signed yet"):
        check_rehearsed(staging, RING, rehearsal)
