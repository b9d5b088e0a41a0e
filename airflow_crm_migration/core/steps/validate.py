"""The validate step: what stands in the destination beside what the ledger says; no write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.staging import PartWriter
from airflow_crm_migration.core.standing import Standing, validate_phase
from airflow_crm_migration.core.steps.reconcile import NotReconciled
from airflow_crm_migration.core.steps.tenant import check_tenant
from airflow_crm_migration.core.validated import PhaseValidation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run, Say

_KEPT = TypeAdapter(PhaseValidation)


def validate_step(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    phases: Sequence[str],
    *,
    sample: int | None = None,
    contents: bool = False,
    say: Say,
) -> list[str]:
    """
    Validate phases, and keep per phase the figures in ``<run>/validate/<phase>.json``.

    Every difference is a row in the parts beside it: ids and field names, never a value.

    :param mapping: as signed
    :param sample: records per object to read back, None for all
    :param contents: download every file and compare its bytes
    :return: the result in words, a line per phase
    :raises NotReconciled: what this very run wrote is not there
    :raises UserMistake: the connection leads to another tenant than the one written to
    """
    check_tenant(run, destination.tenant())
    lines = []
    lost = []
    with Ledger(run.staging, LedgerPlace.of(run.environment)) as ledger:
        at = Standing(
            destination=destination,
            snapshot=ledger.snapshot,
            mapping=mapping,
            schema=destination.describe(),
            mark=run.mark,
            run=run.folder,
            sample=sample,
            contents=contents,
        )
        for phase in phases:
            result = _validate(run, at, phase)
            lines.append(str(result))
            say(lines[-1])
            if result.lost_now:
                lost.append(f"{phase}: {len(result.lost_now)} records that this run wrote")
    if lost:
        raise NotReconciled(f"gone from the destination: {'; '.join(lost)}")
    return lines


def _validate(run: Run, at: Standing, phase: str) -> PhaseValidation:
    writer = PartWriter(run.staging, run.name(f"validate/{phase}"))
    at.tell = lambda found: writer.add(found.as_json())
    result = validate_phase(at, phase)
    writer.finish()
    run.write(f"validate/{phase}.json", result.as_json())
    return result


def read_validations(run: Run, phases: Sequence[str]) -> dict[str, PhaseValidation]:
    """Return phase -> what its validation found, of the phases that were validated."""
    found = {phase: run.read_if_there(f"validate/{phase}.json", None) for phase in phases}
    return {phase: _KEPT.validate_python(kept) for phase, kept in found.items() if kept is not None}
