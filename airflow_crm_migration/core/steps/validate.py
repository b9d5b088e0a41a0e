"""The validate step: what stands in the destination beside what the ledger says; no write."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.drift import Drift
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.staging import PartWriter
from airflow_crm_migration.core.standing import Standing, validate_phase
from airflow_crm_migration.core.steps.reconcile import NotReconciled
from airflow_crm_migration.core.steps.tenant import check_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run, Say


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
            lines.append(validation_words(result))
            say(lines[-1])
            if result["lost_now"]:
                lost.append(f"{phase}: {len(result['lost_now'])} records that this run wrote")
    if lost:
        raise NotReconciled(f"gone from the destination: {'; '.join(lost)}")
    return lines


def _validate(run: Run, at: Standing, phase: str) -> dict[str, Any]:
    writer = PartWriter(run.staging, run.name(f"validate/{phase}"))
    at.tell = lambda found: writer.add(found.as_json())
    result = validate_phase(at, phase).as_json()
    writer.finish()
    run.write(f"validate/{phase}.json", result)
    return result


def read_validations(run: Run, phases: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return phase -> what its validation found, of the phases that were validated."""
    found = {phase: run.read_if_there(f"validate/{phase}.json", None) for phase in phases}
    return {phase: result for phase, result in found.items() if result is not None}


def drifted(result: Mapping[str, Any]) -> int:
    """Return how many records and rows differ from what was loaded, kept conflicts aside."""
    counts = sum((Counter(found) for found in result["checked"].values()), Counter[str]())
    return sum(counts[kind] for kind in Drift if kind.is_news) + len(result["extra"])


_WORDS = {
    Drift.CHANGED: "changed since",
    Drift.RELINKED: "linked to something else since",
    Drift.FILE_CHANGED: "with another file",
    Drift.KNOWN_CONFLICT: "in a conflict that was told before",
    Drift.TRASHED: "in the trash",
    Drift.GONE: "gone",
}


def validation_words(result: Mapping[str, Any]) -> str:
    """Return in words what the validation of a phase found: counts, never a value."""
    told = [_read_back(name, found) for name, found in result["checked"].items()]
    if result["counted"] is not None:
        count = f"the destination counts {result['counted']} of {result['expected']}"
        told.insert(0, f"{count} that bear our mark")
    if result["extra"]:
        told.append(f"{len(result['extra'])} bear our mark and are not ours")
    return f"{result['phase']}: {'; '.join(told) or 'nothing stands there'}"


def _read_back(name: str, found: Mapping[str, int]) -> str:
    kinds = [f"{found[kind]} {words}" for kind, words in _WORDS.items() if found.get(kind)]
    same = f"{found.get('same', 0)} as loaded"
    return f"{sum(found.values())} {name} read back: {', '.join([same, *kinds])}"
