"""The cutover step: lays before the customer what the cutover came to, to be signed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.drift import Drift
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.freeze import FREEZE, PARAMETER
from airflow_crm_migration.core.gates import Gate, Proposal, propose
from airflow_crm_migration.core.opened import signed_in_run
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.report.write import write_report
from airflow_crm_migration.core.steps.freeze import AFTER, read_after_freeze
from airflow_crm_migration.core.steps.validate import read_validations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.validated import PhaseValidation

GATE = "cutover"


def propose_cutover(
    run: Run, phases: Sequence[str], *, keyring: Keyring, signers: Sequence[str] = ()
) -> Proposal:
    """
    Propose the cutover of an environment.

    The report is written first, for it is what the signer looks at.

    :param phases: objects of the destination, in the order of loading
    :param signers: who may sign, empty for anyone
    :raises UserMistake: a part of the proof is missing: the freeze, a full validation of every
        phase, or the signature of the mapping
    """
    freeze = run.read_if_there(FREEZE, None)
    after = read_after_freeze(run)
    if freeze is None or after is None:
        raise UserMistake(
            f"cutover ({run.environment}): this run did not freeze the source: begin a run of "
            f"mode cutover with {PARAMETER}"
        )
    results = _full_validations(run, phases)
    counts = {phase: _counts(result) for phase, result in results.items()}
    totals: Counter[str] = Counter()
    for found in counts.values():
        totals.update(found)
    mapping = Gate(run.engagement, "mapping", run.environment)
    decisions = {
        PARAMETER: freeze[PARAMETER],
        "attested": freeze["attested"],
        "after_freeze": after,
        "phases": counts,
        "totals": totals,
        "validation": digest([result.as_json() for result in results.values()]),
        "mapping": signed_in_run(run.staging, keyring, run.folder, mapping, signers).digest,
    }
    evidence = {
        "run": run.folder,
        "report": write_report(run.staging, run.folder, keyring=keyring, signers=signers),
        "validation": [run.name(f"validate/{phase}.json") for phase in results],
        "after_freeze": run.name(AFTER),
        "quiet": freeze["quiet"],
    }
    gate = Gate(run.engagement, GATE, run.environment)
    return propose(run.staging, gate, decisions, evidence, datetime.now(UTC))


def _full_validations(run: Run, phases: Sequence[str]) -> dict[str, PhaseValidation]:
    results = read_validations(run, phases)
    lacking = [p for p in phases if p not in results or results[p].sample is not None]
    if lacking:
        raise UserMistake(
            f"cutover ({run.environment}): not all records of {', '.join(lacking)} were read back "
            "in this run: clear its task validate"
        )
    return results


def _counts(result: PhaseValidation) -> dict[str, int]:
    """
    Return the figures of a phase that a customer signs.

    ``standing`` are all source records that stand there, ``created`` those of them that we made,
    ``kept`` what people changed in the destination and keep, ``differing`` whatever is not as it
    was loaded.
    """
    checked = result.checked.get(result.phase, Counter())
    return {
        "standing": result.standing.total(),
        "created": result.standing[Outcome.CREATED],
        "rejected": result.outcomes[Outcome.REJECTED],
        "held": result.outcomes[Outcome.HELD],
        "conflicts": result.outcomes[Outcome.CONFLICT],
        "kept": checked[Drift.CHANGED] + checked[Drift.RELINKED],
        "differing": result.drifted,
    }
