"""The rollback steps: forecast everything and have it signed, undo phase by phase, check."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.progress import ProgressLog
from airflow_crm_migration.core.rollback.cost import Cost
from airflow_crm_migration.core.rollback.forecast import PLANNED, forecast_phase, read_planned
from airflow_crm_migration.core.rollback.held import Held
from airflow_crm_migration.core.rollback.links import Links
from airflow_crm_migration.core.rollback.own_children import OwnChildren
from airflow_crm_migration.core.rollback.plan import GATE, Fate
from airflow_crm_migration.core.rollback.review import write_review
from airflow_crm_migration.core.rollback.undo import Undo
from airflow_crm_migration.core.rollback.undone import (
    FORECAST,
    check_undone,
    mark_fields,
    write_undone,
)
from airflow_crm_migration.core.staging import PartWriter, read_manifest, read_parts
from airflow_crm_migration.core.steps.rollback_desk import Desk
from airflow_crm_migration.core.steps.schema import made_changes
from airflow_crm_migration.core.watermarks import forget_watermarks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination, Usage
    from airflow_crm_migration.core.rollback.forecast import PhaseForecast
    from airflow_crm_migration.core.run import Run, Say

RESULT = "rollback/result.json"
_HELD = "rollback/held"
_FORECAST_HELD = "_"


class NotRolledBack(Exception):
    """The destination is not as a rollback should have left it."""


# -- forecast ------------------------------------------------------------------------------


def forecast_rollback(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    phases: Sequence[str],
    say: Say,
) -> dict[str, Any]:
    """
    Look at everything that the ledger knows, and lay before the customer what would become of it.

    A dry run lays nothing before anybody.

    :param mapping: as signed last
    :param phases: every object that the pair can load, parents first
    :return: object -> what becomes of its records -> number
    :raises UserMistake: records stand in the destination under another object
    """
    begun = destination.usage
    with Desk(run, destination, mapping).open("forecast of the rollback") as desk:
        desk.check_phases(phases)
        for phase in phases:
            desk.settle(phase, say)
        found = _forecast_phases(desk, phases, say)
        facts = _facts(desk, found, begun)
    run.write(FORECAST, facts)
    if not run.dry_run:
        gate = Gate(run.engagement, GATE, run.environment)
        propose(run.staging, gate, facts["decisions"], facts["evidence"], datetime.now(UTC))
    objects: dict[str, Any] = facts["decisions"]["objects"]
    return objects


def _forecast_phases(desk: Desk, phases: Sequence[str], say: Say) -> list[PhaseForecast]:
    held = Held()
    found = []
    with OwnChildren() as own:
        for phase in phases:
            for principal in (True, False):
                own.add(desk.snapshot.entries(phase, principal=principal), desk.schema, phase)
        looker = desk.looker(held, own)
        for phase in reversed(phases):
            progress = ProgressLog(f"forecast {phase}", 0, say)
            looker.judged |= desk.judged_with(phase)
            found.append(forecast_phase(desk.run, looker, phase, progress))
            progress.finish()
            if not desk.run.dry_run:
                write_review(desk.run, phase)
    _keep_held(desk.run, _FORECAST_HELD, held)
    return found


def _facts(desk: Desk, found: Sequence[PhaseForecast], begun: Usage) -> dict[str, Any]:
    run = desk.run
    asked = desk.destination.usage.requests - begun.requests
    cost = Cost(desk.destination)
    for phase in found:
        cost.add_made("open", begun, desk.opened)
        marks = len(mark_fields(desk.mapping, phase.phase))
        cost.add_phase(phase.phase, phase.fates, phase.links, marks=marks)
    manifests = [read_manifest(run.staging, run.name(f"{PLANNED}/{p.phase}")) for p in found]
    files = desk.destination.capabilities.attachment
    return {
        "decisions": {
            "ledger": desk.position(),
            "order": [phase.phase for phase in found],
            "plan": digest([manifest["parts"] for manifest in manifests if manifest]),
            "objects": {phase.phase: _counts(phase) for phase in found},
        },
        "evidence": {
            "run": run.folder,
            "requests": cost.kinds,
            "seconds": cost.seconds(begun),
            "requests of the forecast": asked,
            "kept because": {p.phase: dict(p.reasons) for p in found if p.reasons},
            "samples": {p.phase: p.sample for p in found if p.sample},
            "residue": {
                "traces": {p.phase: p.traces for p in found if p.traces},
                "uploads": [row["id"] for row in desk.snapshot.unattached_uploads()],
                "histories": sum(
                    p.fates[fate] for p in found for fate in (Fate.RESTORE, Fate.TRASH)
                ),
                "binaries": sum(p.fates[Fate.DELETE] for p in found if p.phase == files),
            },
            "schema": made_changes(run),
        },
    }


def _counts(phase: PhaseForecast) -> dict[str, int]:
    counts = {str(fate): phase.fates[fate] for fate in Fate}
    return {**counts, "partly restored": phase.partly, "links": phase.links.total()}


# -- undoing -------------------------------------------------------------------------------


def undo_phase(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    phase: str,
    *,
    signed: Any,
    say: Say,
) -> dict[str, int]:
    """
    Undo a phase as it was forecast and signed; after a crash it goes on where it was.

    A dry run of a rollback is its forecast: it undoes nothing.

    :param mapping: as signed last
    :param signed: the signed decisions
    :return: what became of records -> number
    :raises UserMistake: something else was signed, or the ledger moved on since
    """
    if run.dry_run:
        say(f"undo {phase}: a dry run ends with the forecast, nothing is undone")
        return {}
    forecast = _checked_forecast(run, signed)
    with Desk(run, destination, mapping).open(f"undo {phase}") as desk, OwnChildren() as own:
        desk.check_unmoved(forecast["decisions"]["ledger"]["epoch"])
        forget_watermarks(run, datetime.now(UTC))
        desk.settle(phase, say)
        own.add(desk.snapshot.entries(phase, principal=False), desk.schema, phase)
        held = _known_held(run, phase)
        looker = desk.looker(held, own)
        looker.judged |= {name for p in _undone_before(run, phase) for name in desk.judged_with(p)}
        looker.restoring |= {
            one.id for one in read_planned(run, phase) if one.fate in (Fate.RESTORE, Fate.TRASH)
        }
        context = desk.context(phase)
        total = sum(forecast["decisions"]["objects"][phase][a] for a in _LOOKED_AT)
        progress = ProgressLog(f"undo {phase}", total, say)
        undo = Undo(context, looker, lambda: read_planned(run, phase), progress)
        undo.run()
        links = Links(context)
        links.run()
        progress.finish()
        _keep_held(run, phase, held)
        counts = write_undone(
            run, desk.snapshot, phase, read_planned(run, phase), undo.kept, links=links.kept
        )
        desk.lease.check()
        desk.ledger.compact()
    return counts


_LOOKED_AT = (Fate.DELETE, Fate.RESTORE, Fate.TRASH, Fate.GONE)


def _checked_forecast(run: Run, signed: Any) -> dict[str, Any]:
    forecast: dict[str, Any] | None = run.read_if_there(FORECAST, None)
    if forecast is None:
        raise UserMistake(f"{run.folder} has no forecast of a rollback: run that task first")
    if forecast["decisions"] != signed:
        raise UserMistake(
            f"{GATE} ({run.environment}): what was signed is not what this run forecast: look at "
            f"review/{GATE}/{run.environment}.json and have it signed"
        )
    return forecast


def _undone_before(run: Run, phase: str) -> Iterator[str]:
    """Walk the phases that were forecast before one, which are undone before it, and itself."""
    for name in run.read(FORECAST)["decisions"]["order"]:
        yield name
        if name == phase:
            return


def _keep_held(run: Run, name: str, held: Held) -> None:
    writer = PartWriter(run.staging, run.name(f"{_HELD}/{name}"))
    for row in held.new:
        writer.add(row)
    writer.finish()


def _known_held(run: Run, phase: str) -> Held:
    """Return what must stay by the forecast and by the phases that were undone before one."""
    held = Held()
    for name in (_FORECAST_HELD, *_undone_before(run, phase)):
        folder = run.name(f"{_HELD}/{name}")
        if name != phase and read_manifest(run.staging, folder) is not None:
            for row in read_parts(run.staging, folder):
                held.take(row)
    return held


# -- result --------------------------------------------------------------------------------


def rollback_result(
    run: Run, destination: Destination, mapping: PairMapping, phases: Sequence[str]
) -> dict[str, Any]:
    """
    Ask the destination whether it is as the ledger says, and keep the answer.

    :param phases: those that were undone
    :return: object -> what became of its records -> number
    :raises NotRolledBack: saying in words what is not as it should be
    """
    if run.dry_run:
        return {}
    with Ledger(run.staging, run.ledger) as ledger:
        found = [check_undone(run, destination, ledger.snapshot, mapping, p) for p in phases]
    run.write(RESULT, {result.phase: result.as_json() for result in found})
    wrong = [line for result in found if not result.complete for line in _words(asdict(result))]
    if wrong:
        raise NotRolledBack("the rollback is not complete: " + "; ".join(wrong))
    return {result.phase: result.undone for result in found}


def _words(result: dict[str, Any]) -> Iterator[str]:
    phase = result["phase"]
    if result["undone"] is None:
        yield f"{phase} was not undone"
    for what, words in (
        ("still_there", "were deleted and are there"),
        ("not_in_trash", "were put back into the trash and are not there"),
        ("unknown_marks", "bear our mark and are not among those kept"),
    ):
        if result[what]:
            yield f"{phase}: {len(result[what])} records {words}"
