"""The deliver step: the report of a run, and after a rehearsal what the customer signs of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.opened import signed_in_run
from airflow_crm_migration.core.rehearsal import MAPPING
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
    :raises UserMistake: the mapping of a rehearsal is no longer signed
    """
    report = write_report(run.staging, run.folder, keyring=keyring, signers=signers)
    rehearsal = mode == "full" and run.environment == "sandbox" and not run.dry_run
    results = {phase: run.read_if_there(f"reconcile/{phase}.json", None) for phase in phases}
    reconciled = all(result and result["reconciled"] for result in results.values())
    if keyring and rehearsal and reconciled:
        gate = Gate(run.engagement, "rehearsal", "production")
        mapping = Gate(run.engagement, "mapping", run.environment)
        loaded = signed_in_run(run.staging, keyring, run.folder, mapping, signers).digest
        evidence = {"run": run.folder, "report": report, "results": results}
        propose(run.staging, gate, {MAPPING: loaded}, evidence, datetime.now(UTC))
    return report
