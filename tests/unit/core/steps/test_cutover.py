"""What a customer signs at the cutover, and that nothing of the proof may be missing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose, read_proposal
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.signoff import sign, state
from airflow_crm_migration.core.staging import PartWriter, Staging
from airflow_crm_migration.core.steps.cutover import propose_cutover
from airflow_crm_migration.core.validated import PhaseValidation
from tests.support.report import NOW, RING

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.gates import Proposal

PHASES = ["company", "person"]
GATE = Gate("acme", "cutover", "production")
MAPPING = Gate("acme", "mapping", "production")
WHO: Any = {"signer": "Ann <ann@acme.example>", "recorded_by": "op@host", "now": NOW}
FROZEN = "2026-03-01T17:00:00.000Z"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(Staging(tmp_path), "r7", "acme", "production")
    run.write("freeze.json", {"frozen_at": FROZEN, "quiet": ["contact"], "attested": ["deal"]})
    writer = PartWriter(run.staging, run.name("after_freeze"))
    writer.finish(counts={"contact": 2, "deal": None})
    validated(run, "company")
    validated(run, "person")
    sign(run.staging, RING, propose(run.staging, MAPPING, {"mapping": "m"}, {}, NOW), **WHO)
    return run


def validated(run: Run, phase: str, **more: Any) -> None:
    result = PhaseValidation(
        phase,
        expected=9,
        counted=8,
        standing=Counter(created=9, linked=1),
        outcomes=Counter(created=8, linked=1, conflict=1, rejected=3, held=2, merged=5),
        checked={phase: Counter(same=6, changed=1, relinked=1, known_conflict=1, gone=1)},
        extra=["x"],
    )
    for name, value in more.items():
        setattr(result, name, value)
    run.write(f"validate/{phase}.json", result.as_json())


def proposed(run: Run) -> Proposal:
    return propose_cutover(run, PHASES, keyring=RING)


def test_the_customer_signs_freeze_counts_validation_and_mapping(run: Run) -> None:
    decisions = proposed(run).decisions
    assert decisions["frozen_at"] == FROZEN
    assert decisions["attested"] == ["deal"]
    assert decisions["after_freeze"] == {"contact": 2, "deal": None}
    counts = {
        "standing": 10, "created": 9, "rejected": 3, "held": 2, "conflicts": 1, "kept": 2,
        "differing": 4,
    }  # fmt: skip
    assert decisions["phases"] == {"company": counts, "person": counts}
    assert decisions["totals"] == {name: 2 * number for name, number in counts.items()}
    mapping = read_proposal(run.staging, MAPPING)
    assert mapping is not None
    assert decisions["mapping"] == mapping.digest


def test_the_report_is_there_to_be_looked_at(run: Run) -> None:
    evidence = proposed(run).evidence
    assert run.staging.exists(evidence["report"])
    assert [run.staging.exists(name) for name in evidence["validation"]] == [True, True]


def test_the_same_result_is_the_same_digest_and_another_is_not(run: Run) -> None:
    first = proposed(run)
    assert proposed(run).digest == first.digest
    validated(run, "person", extra=["y"])
    assert proposed(run).digest != first.digest


def test_it_is_signed_like_any_gate(run: Run) -> None:
    assert state(run.staging, RING, GATE).status == "nothing_proposed"
    sign(run.staging, RING, proposed(run), **WHO)
    assert state(run.staging, RING, GATE).signed
    validated(run, "person", extra=[])
    proposed(run)
    assert state(run.staging, RING, GATE).status == "changed"


@pytest.mark.parametrize("missing", ["freeze.json", "after_freeze/manifest.json"])
def test_without_a_freeze_nothing_is_proposed(run: Run, missing: str) -> None:
    run.staging.delete(run.name(missing))
    with pytest.raises(UserMistake, match="did not freeze the source"):
        proposed(run)
    assert read_proposal(run.staging, GATE) is None


def test_a_sample_is_no_proof(run: Run) -> None:
    validated(run, "person", sample=50)
    with pytest.raises(UserMistake, match="not all records of person were read back"):
        proposed(run)
    run.staging.delete(run.name("validate/company.json"))
    with pytest.raises(UserMistake, match="not all records of company, person"):
        proposed(run)


def test_a_mapping_that_the_wrong_one_signed_is_no_ground(run: Run) -> None:
    with pytest.raises(UserMistake, match="not among the engagement's signers"):
        propose_cutover(run, PHASES, keyring=RING, signers=["bob@acme.example"])
