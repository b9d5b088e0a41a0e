"""The reconcile step: the destination's counts beside the ledger's, for one phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.forecast import foretell
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.reconcile import PhaseReconciliation, line_balances, reconcile_phase
from airflow_crm_migration.core.staging import read_manifest
from airflow_crm_migration.core.watermarks import advance_watermarks

if TYPE_CHECKING:
    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run, Say


class NotReconciled(Exception):
    """A phase does not add up: nothing may be loaded on top of it."""


def reconcile_step(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    phase: str,
    say: Say = lambda line: None,
) -> dict[str, Any]:
    """
    Reconcile a phase and keep the result in ``<run>/reconcile/<phase>.json``.

    The last phase of a source object moves its watermark.

    :raises NotReconciled: saying in words what does not add up
    """
    read = (read_manifest(run.staging, run.name(f"transform/{phase}")) or {})["read"]
    loaded = read_manifest(run.staging, run.name(f"load/{phase}")) or {}
    with Ledger(run.staging, run.ledger) as ledger:
        if isinstance(destination, DryDestination):
            destination.assume(_foretold(ledger.snapshot, phase, run.folder))
        result = reconcile_phase(
            destination, ledger.snapshot, mapping, phase, run=run.folder, prefix=run.mark, say=say
        )
    if isinstance(destination, DryDestination):
        foretell(run, destination.foretold(phase, "reconcile"), destination.budget)
    result.lines = line_balances(mapping, read, loaded["outcomes"])
    result.joins_rejected = loaded["joins"].get(Outcome.REJECTED, 0)
    run.write(f"reconcile/{phase}.json", result.as_json())
    if not result.reconciled:
        raise NotReconciled(_words(result))
    advance_watermarks(run, mapping)
    return {"expected": result.expected, "counted": result.counted, "missing": len(result.missing)}


def _foretold(snapshot: Snapshot, phase: str, run: str) -> dict[str, list[str]]:
    """Return the records that the load of a dry run would have made, by object."""
    found: dict[str, list[str]] = {}
    for principal in (True, False):
        for entry in snapshot.entries(phase, principal=principal):
            origin = entry.origin
            if origin and (origin["outcome"], origin["run"]) == (Outcome.CREATED, run):
                name = entry.key.part.partition(":")[0] or phase
                found.setdefault(name, []).append(origin["id"])
    return found


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
