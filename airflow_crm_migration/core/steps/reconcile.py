"""The reconcile step: the destination's counts beside the ledger's, for one phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.reconcile import PhaseReconciliation, line_balances, reconcile_phase
from airflow_crm_migration.core.staging import read_manifest
from airflow_crm_migration.core.watermarks import advance_watermarks

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run


class NotReconciled(Exception):
    """A phase does not add up: nothing may be loaded on top of it."""


def reconcile_step(
    run: Run, destination: Destination, mapping: PairMapping, phase: str
) -> dict[str, Any]:
    """
    Reconcile a phase and keep the result in ``<run>/reconcile/<phase>.json``.

    The last phase of a source object moves its watermark.

    :raises NotReconciled: saying in words what does not add up
    """
    read = (read_manifest(run.staging, run.name(f"transform/{phase}")) or {})["read"]
    loaded = read_manifest(run.staging, run.name(f"load/{phase}")) or {}
    if run.dry_run:
        result = PhaseReconciliation(phase, 0, 0)
    else:
        with Ledger(run.staging, run.ledger) as ledger:
            result = reconcile_phase(
                destination, ledger.snapshot, mapping, phase, run=run.folder, prefix=run.mark
            )
    result.lines = line_balances(mapping, read, loaded["outcomes"])
    result.joins_rejected = loaded["joins"].get(Outcome.REJECTED, 0)
    run.write(f"reconcile/{phase}.json", result.as_json())
    if not result.reconciled:
        raise NotReconciled(_words(result))
    advance_watermarks(run, mapping)
    return {"expected": result.expected, "counted": result.counted, "missing": len(result.missing)}


def _words(result: PhaseReconciliation) -> str:
    lines = [
        f"{line.line}: {line.read} read, {line.told} have an outcome"
        for line in result.lines
        if not line.balanced
    ]
    if result.missing_now:
        lines.append(f"{len(result.missing_now)} records that this run wrote are not there")
    if result.joins_missing:
        lines.append(f"{len(result.joins_missing)} links that this run wrote are not there")
    return f"{result.phase} does not reconcile: " + "; ".join(lines)
