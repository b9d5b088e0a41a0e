"""A run goes by one signature per gate, from the first task that needs it to the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.opened import keep_opened, signed_in_run
from airflow_crm_migration.core.signoff import revoke, sign
from airflow_crm_migration.core.staging import Staging
from tests.support.report import NOW, RING, RUN

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.signoff import SignOff

GATE = Gate("acme", "mapping", "production")
WHO: Any = {"signer": "Ann <ann@acme.example>", "recorded_by": "op@host", "now": NOW}


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def signed(staging: Staging, decisions: Any) -> SignOff:
    return sign(staging, RING, propose(staging, GATE, decisions, {}, NOW), **WHO)


def test_what_is_signed_after_a_run_began_is_not_for_that_run(staging: Staging) -> None:
    first = signed(staging, {"a": 1})
    assert signed_in_run(staging, RING, RUN, GATE).digest == first.digest
    second = signed(staging, {"a": 2})
    with pytest.raises(UserMistake) as raised:
        signed_in_run(staging, RING, RUN, GATE)
    [line] = raised.value.findings
    assert f"mapping (production): this run began by what is signed as {first.digest}" in line
    assert f"Ann <ann@acme.example> signed {second.digest}" in line
    assert "start a new run, or clear this one from the task sign_mapping on" in line
    assert signed_in_run(staging, RING, "another-run", GATE).digest == second.digest


def test_the_same_decisions_signed_again_are_the_same(staging: Staging) -> None:
    first = signed(staging, {"a": 1})
    signed_in_run(staging, RING, RUN, GATE)
    revoke(staging, RING, GATE, reason="too early", **WHO)
    with pytest.raises(UserMistake, match="revoked by Ann"):
        signed_in_run(staging, RING, RUN, GATE)
    again = signed(staging, {"a": 1})
    assert (again.number, again.digest) == (3, first.digest)
    assert signed_in_run(staging, RING, RUN, GATE) == again


def test_what_was_loaded_by_a_revoked_signature_can_be_looked_at_and_taken_back(
    staging: Staging,
) -> None:
    first = signed(staging, {"a": 1})
    revoke(staging, RING, GATE, reason="too early", **WHO)
    assert signed_in_run(staging, RING, RUN, GATE, revoked=True) == first
    with pytest.raises(UserMistake, match="revoked by Ann"):
        signed_in_run(staging, RING, RUN, GATE)


def test_a_gate_that_opened_for_something_else_binds_the_run(staging: Staging) -> None:
    signed(staging, {"a": 1})
    keep_opened(staging, RUN, GATE, "another")
    with pytest.raises(UserMistake, match="as another, but"):
        signed_in_run(staging, RING, RUN, GATE)
