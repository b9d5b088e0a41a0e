"""The rollback steps: forecast everything and have it signed, undo phase by phase, check."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.ledger.objects import parse_name
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace, LedgerWriter, take_epoch
from airflow_crm_migration.core.load.context import LoadContext
from airflow_crm_migration.core.load.files import settle_attachments
from airflow_crm_migration.core.load.settle import settle_open_intents
from airflow_crm_migration.core.progress import ProgressLog
from airflow_crm_migration.core.rollback.cost import Pace
from airflow_crm_migration.core.rollback.forecast import PLANNED, forecast_phase, read_planned
from airflow_crm_migration.core.rollback.held import Held
from airflow_crm_migration.core.rollback.images import Images
from airflow_crm_migration.core.rollback.judge import Judge
from airflow_crm_migration.core.rollback.links import Links
from airflow_crm_migration.core.rollback.looker import Looker
from airflow_crm_migration.core.rollback.own_children import OwnChildren
from airflow_crm_migration.core.rollback.plan import Action
from airflow_crm_migration.core.rollback.review import write_review
from airflow_crm_migration.core.rollback.settle import settle_removals
from airflow_crm_migration.core.rollback.undo import Undo
from airflow_crm_migration.core.rollback.undone import FORECAST, check_undone, write_undone
from airflow_crm_migration.core.staging import PartWriter, read_manifest, read_parts
from airflow_crm_migration.core.steps.schema import made_changes
from airflow_crm_migration.core.steps.tenant import check_tenant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.ledger.snapshot import Snapshot
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.rollback.forecast import PhaseForecast
    from airflow_crm_migration.core.run import Run, Say

GATE = "rollback"
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
    pace = Pace(destination)
    with _Desk(run, destination, mapping).open("forecast of the rollback") as desk:
        desk.check_phases(phases)
        for phase in phases:
            desk.settle(phase, say)
        found = _forecast_phases(desk, phases, say)
        facts = _facts(desk, found, pace)
    run.write(FORECAST, facts)
    if not run.dry_run:
        gate = Gate(run.engagement, GATE, run.environment)
        propose(run.staging, gate, facts["decisions"], facts["evidence"], datetime.now(UTC))
    objects: dict[str, Any] = facts["decisions"]["objects"]
    return objects


def _forecast_phases(desk: _Desk, phases: Sequence[str], say: Say) -> list[PhaseForecast]:
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
            write_review(desk.run, phase)
    _keep_held(desk.run, _FORECAST_HELD, held)
    return found


def _facts(desk: _Desk, found: Sequence[PhaseForecast], pace: Pace) -> dict[str, Any]:
    run = desk.run
    requests: dict[str, int] = {}
    for phase in found:
        for kind, number in phase.requests.items():
            requests[kind] = requests.get(kind, 0) + number
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
            "requests": requests,
            "seconds": round(pace.seconds(sum(requests.values()))),
            "requests of the forecast": pace.requests,
            "kept because": {p.phase: dict(p.reasons) for p in found if p.reasons},
            "samples": {p.phase: p.sample for p in found if p.sample},
            "residue": {
                "traces": {p.phase: p.traces for p in found if p.traces},
                "uploads": [row["id"] for row in desk.snapshot.unattached_uploads()],
                "binaries": sum(p.actions[Action.DELETE] for p in found if p.phase == files),
            },
            "schema": made_changes(run),
        },
    }


def _counts(phase: PhaseForecast) -> dict[str, int]:
    counts = {str(action): phase.actions[action] for action in Action}
    return {**counts, "partly restored": phase.partly, "links": phase.links}


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
    with _Desk(run, destination, mapping).open(f"undo {phase}") as desk, OwnChildren() as own:
        desk.check_unmoved(forecast["decisions"]["ledger"]["epoch"])
        _forget_watermarks(run)
        desk.settle(phase, say)
        own.add(desk.snapshot.entries(phase, principal=False), desk.schema, phase)
        held = _known_held(run, phase)
        looker = desk.looker(held, own)
        looker.judged |= {name for p in _undone_before(run, phase) for name in desk.judged_with(p)}
        looker.restoring |= {
            one.id
            for one in read_planned(run, phase)
            if one.action in (Action.RESTORE, Action.TRASH)
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
        desk.ledger.compact()
    return counts


def _forget_watermarks(run: Run) -> None:
    """Let the next delta read everything: what it found loaded before is there no more."""
    for name in run.staging.names(f"watermarks/{run.environment}"):
        run.staging.delete(name)


_LOOKED_AT = (Action.DELETE, Action.RESTORE, Action.TRASH, Action.GONE)


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


# -- what the steps share ------------------------------------------------------------------


class _Desk:
    """The ledger under an epoch, and the destination as it is described now."""

    ledger: Ledger

    def __init__(self, run: Run, destination: Destination, mapping: PairMapping) -> None:
        self.run = run
        self.destination = destination
        self.mapping = mapping
        self._contexts: dict[str, LoadContext] = {}

    @contextmanager
    def open(self, what: str) -> Iterator[_Desk]:
        self._tenant = self.destination.tenant()
        check_tenant(self.run, self._tenant)
        self.schema = self.destination.describe()
        with Ledger(self.run.staging, self.run.ledger) as self.ledger:
            holder = f"{self.run.folder} {what}"
            self._epoch = take_epoch(self.run.staging, self.run.ledger, holder)
            yield self

    @property
    def snapshot(self) -> Snapshot:
        return self.ledger.snapshot

    def context(self, phase: str) -> LoadContext:
        """Return the context of a phase, always the same one: its writer numbers what it writes."""
        if phase not in self._contexts:
            self._contexts[phase] = self._made_context(phase)
        return self._contexts[phase]

    def _made_context(self, phase: str) -> LoadContext:
        writer = LedgerWriter(
            self.ledger, phase, epoch=self._epoch, tenant=self._tenant.id, run=self.run.folder
        )
        return LoadContext(
            destination=self.destination,
            writer=writer,
            mapping=self.mapping,
            schema=self.schema,
            phase=phase,
            tenant=self._tenant.id,
            engagement=self.run.engagement,
            owners={},
            expected=0,
            run=self.run.folder,
        )

    def looker(self, held: Held, own: OwnChildren) -> Looker:
        can, images = self.destination.capabilities, Images(self.run.staging)
        judge = Judge(self.schema, self.mapping, can, images)
        return Looker(self.destination, self.snapshot, self.schema, judge, held, own.of)

    def judged_with(self, phase: str) -> set[str]:
        """Return a phase with the objects whose rows link its records."""
        spec = self.schema.get(phase)
        joins = {field.join.object for field in spec.fields.values() if field.join} if spec else ()
        return {phase, *joins}

    def settle(self, phase: str, say: Say) -> None:
        """Close what an attempt that was cut off left open, whatever it was about."""
        context = self.context(phase)
        settled = settle_removals(context)
        if phase == self.destination.capabilities.attachment:
            settle_attachments(context)
        else:
            settled += settle_open_intents(context)
        if settled:
            say(f"{phase}: settled {settled} writes of an attempt that was cut off")

    def check_phases(self, phases: Sequence[str]) -> None:
        standing = self.snapshot.standing_phases()
        if others := [f"{standing[n]} of {n}" for n in sorted(standing.keys() - set(phases))]:
            raise UserMistake(
                f"{GATE} ({self.run.environment}): records stand in the destination that this "
                f"pair no longer loads: {', '.join(others)}; roll back with the pair and the "
                "release that loaded them"
            )

    def position(self) -> dict[str, int]:
        """Return how far the ledger is."""
        folder = LedgerPlace.of(self.run.environment).folder
        found = [n for n in self.snapshot.absorbed() if n.startswith(f"{folder}/")]
        epochs = [name.epoch for n in found if (name := parse_name(n))]
        return {"objects": len(found), "epoch": max(epochs, default=0)}

    def check_unmoved(self, epoch: int) -> None:
        others = self.snapshot.written_by_others(epoch, self.run.folder)
        if others:
            raise UserMistake(
                f"{GATE} ({self.run.environment}): other runs wrote {others} records since the "
                "forecast: begin the rollback anew and have its forecast signed"
            )
