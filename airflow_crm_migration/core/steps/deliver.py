"""The deliver step: the report of a run, and after a rehearsal what the customer signs of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.gates import Gate, propose, read_proposal
from airflow_crm_migration.core.report.write import write_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.run import Run


def deliver_step(
    run: Run,
    phases: Sequence[str],
    mode: str,
    *,
    keyring: Keyring | None = None,
    signers: Sequence[str] = (),
) -> str:
    """
    Write the report, and propose the result of a full run in the sandbox as the rehearsal.

    :param phases: those that were to be loaded
    :param keyring: checks the sign-offs that the report tells of
    :param signers: who may sign, empty for anyone
    :return: name of the report in staging
    """
    report = write_report(run.staging, run.folder, keyring=keyring, signers=signers)
    rehearsal = mode == "full" and run.environment == "sandbox" and not run.dry_run
    results = {phase: run.read_if_there(f"reconcile/{phase}.json", None) for phase in phases}
    if rehearsal and all(result and result["reconciled"] for result in results.values()):
        _propose_rehearsal(run, results, report)
    return report


def _propose_rehearsal(run: Run, results: dict[str, Any], report: str) -> None:
    """Propose that this mapping was rehearsed; what came of it is the evidence."""
    mapping = read_proposal(run.staging, Gate(run.engagement, "mapping", run.environment))
    decisions = {"rehearsed_mapping": mapping.digest if mapping else None}
    evidence = {"run": run.folder, "report": report, "results": results}
    gate = Gate(run.engagement, "rehearsal", "production")
    propose(run.staging, gate, decisions, evidence, datetime.now(UTC))
