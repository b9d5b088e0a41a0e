"""Collects what a run left in staging. Whatever is missing did not happen, and is told as that."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core import gates
from airflow_crm_migration.core.dedupe.model import Cluster
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.forecast import FILE, Forecast
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.protocols import Finding
from airflow_crm_migration.core.reconcile import LineBalance, PhaseReconciliation
from airflow_crm_migration.core.report.inputs import (
    Access,
    AfterFreeze,
    Conflict,
    ExtractManifest,
    GoneRecord,
    Issue,
    LoadManifest,
    MappingDecisions,
    MappingProposal,
    OwnersReview,
    TransformManifest,
    UnreadCell,
    UnreadRecord,
)
from airflow_crm_migration.core.report.model import (
    BadCell,
    Change,
    Chosen,
    Decided,
    Differing,
    Disputed,
    ExportPath,
    Facts,
    Freeze,
    Gone,
    Late,
    LeftOut,
    NotArrived,
    Owner,
    Phase,
    Records,
    RunFacts,
)
from airflow_crm_migration.core.report.reader import RunReader
from airflow_crm_migration.core.report.rolled_back import kept_by, rollback_of
from airflow_crm_migration.core.report.signed import gates_of
from airflow_crm_migration.core.report.words import value_words
from airflow_crm_migration.core.validated import PhaseValidation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.core.staging import Staging

_NOT_ARRIVED = (Outcome.REJECTED, Outcome.CONFLICT, Outcome.HELD)


@contextmanager
def collected(
    staging: Staging,
    run: str,
    *,
    keyring: Keyring | None = None,
    signers: Sequence[str] = (),
) -> Iterator[Facts]:
    """
    Open the facts of a run, however far it came; nothing that is missing or torn raises.

    The ledger stays open as long as the block, because records are walked when they are needed.

    :param run: the run's folder in staging
    :param keyring: checks the sign-offs; without one they are told as not checked
    :param signers: who may sign, by mail address or name; empty for anyone
    """
    reader = RunReader(staging, run)
    about = replace(reader.json("run.json", RunFacts) or RunFacts(), folder=run)
    if not about.environment:
        yield _Collector(reader, about, None).facts(keyring, signers)
        return
    dry = LedgerPlace.dry_run(about.environment, run)
    with Ledger(staging, dry if about.dry_run else LedgerPlace.of(about.environment)) as ledger:
        yield _Collector(reader, about, ledger.snapshot).facts(keyring, signers)


class _Collector:
    def __init__(self, reader: RunReader, about: RunFacts, snapshot: Snapshot | None) -> None:
        self.reader = reader
        self.about = about
        self.snapshot = snapshot

    def facts(self, keyring: Keyring | None, signers: Sequence[str]) -> Facts:
        run = self.about
        access = self.reader.json("probe.json", tuple[Access, ...]) or ()
        proposal = self._proposal
        mapping = proposal.mapping if proposal else None
        exports = tuple(self._exports(access, mapping))
        phases = tuple(self._phase(name) for name in self._phases(mapping))
        objects = [export.object for export in exports]
        rollback = rollback_of(self.reader)
        return Facts(
            run=run,
            preflight=self.reader.json(f"preflight/{run.environment}.json", tuple[Finding, ...])
            or (),
            exports=exports,
            bad_cells=Records.counted(
                partial(self._bad_cells, objects), lambda row: (row.object, row.problem)
            ),
            gone=Records.counted(partial(self._gone, objects), lambda row: (row.object, row.line)),
            clusters=self.reader.json("dedupe/clusters.json", dict[str, list[Cluster]]),
            decided=self.reader.json("dedupe/decided.json", dict[str, Decided]),
            owners=self._owners(),
            mapping=mapping,
            choices=tuple(self._choices(mapping)),
            spellings=proposal.changes if proposal else (),
            schema=self.reader.json("schema/changes.json", tuple[Change, ...]),
            validations=tuple(self._validations()),
            differing=Records.counted(self._differing, lambda row: row.group),
            freeze=self._freeze(),
            late=Records.counted(
                partial(self.reader.rows, "after_freeze", Late), lambda row: (row.object,)
            ),
            phases=phases,
            rollback=rollback,
            kept=Records.counted(partial(kept_by, self.reader, rollback), lambda row: row.group),
            not_arrived=Records.counted(self._not_arrived, lambda row: row.group),
            left_out=Records.counted(
                partial(self._left_out, [phase.name for phase in phases]), lambda row: row.group
            ),
            disputed=Records.counted(
                partial(self._disputed, [phase.name for phase in phases]), lambda row: row.group
            ),
            files=self.reader.json("files.json", dict[str, int]),
            gates=tuple(gates_of(self.reader.staging, run, keyring, signers)),
            forecast=self.reader.json(FILE, Forecast),
            unreadable=tuple(self.reader.unreadable),
        )

    @cached_property
    def _proposal(self) -> MappingProposal | None:
        found: MappingProposal | None = self.reader.json("mapping/proposal.json", MappingProposal)
        return found

    # -- decisions -------------------------------------------------------------------------

    def _owners(self) -> tuple[Owner, ...] | None:
        """Return the owners as they were matched, else those found, with what is known of them."""
        matched: tuple[Owner, ...] | None = self.reader.json(
            "owners/matches.json", tuple[Owner, ...]
        )
        if matched is not None:
            return matched
        found: tuple[Owner, ...] | None = self.reader.json("owners/owners.json", tuple[Owner, ...])
        if found is None:
            return None
        review: OwnersReview | None = self.reader.typed(
            f"review/owners/{self.about.environment}.json", OwnersReview
        )
        waiting = {(one.name, one.email): one for one in (review.waiting_for if review else ())}
        return tuple(waiting.get((one.name, one.email), one) for one in found)

    def _choices(self, mapping: Mapping | None) -> Iterator[Chosen]:
        """Walk the choices of the pair as they lie before the customer."""
        if mapping is None:
            return
        try:
            gate = gates.Gate(self.about.engagement, "mapping", self.about.environment or None)
            proposal = gates.read_proposal(self.reader.staging, gate)
            given = MappingDecisions.model_validate(
                proposal.decisions if proposal else {"choices": {}}
            )
        except (UserMistake, ValueError):
            self.reader.unreadable[f"review/mapping/{self.about.environment}.json"] = None
            return
        for name, value in given.choices.items():
            choice = mapping.choices.get(name)
            if choice is not None:
                yield Chosen(choice.question, value, tuple(str(one) for one in choice.values))

    # -- source ----------------------------------------------------------------------------

    def _exports(self, access: Sequence[Access], mapping: Mapping | None) -> Iterator[ExportPath]:
        probed = {one.object: one for one in access}
        wanted = mapping.source_objects if mapping else ()
        for name in dict.fromkeys([*probed, *wanted, *self.reader.finished("extract")]):
            found: ExtractManifest | None = self.reader.json(
                f"extract/{name}/manifest.json", ExtractManifest
            )
            known = probed.get(name, Access(object=name, route=found.route if found else ""))
            path = ExportPath(name, known.route, known.reason, known.count)
            yield replace(path, **_read(found)) if found else path

    def _bad_cells(self, objects: Sequence[str]) -> Iterator[BadCell]:
        for name in objects:
            for row in self.reader.rows(f"extract/{name}/rejected", UnreadRecord):
                for cell in row.cells or (UnreadCell(problem=row.reason, value=row.named),):
                    yield BadCell(
                        name, row.id, row.file, row.row, cell.field, cell.problem, cell.value
                    )

    def _gone(self, objects: Sequence[str]) -> Iterator[Gone]:
        for name in objects:
            for row in self.reader.rows(f"gone/{name}", GoneRecord):
                yield Gone(name, row.id, row.line, row.destination_id)

    # -- phases ----------------------------------------------------------------------------

    def _phases(self, mapping: Mapping | None) -> list[str]:
        """Return every destination object that was planned or touched, in load order."""
        counted = [n.removesuffix(".json") for n in self.reader.names("reconcile")]
        touched = [*self.reader.finished("transform"), *self.reader.finished("load"), *counted]
        return list(dict.fromkeys([*(mapping.phases if mapping else ()), *touched]))

    def _phase(self, name: str) -> Phase:
        loaded: LoadManifest | None = self.reader.json(f"load/{name}/manifest.json", LoadManifest)
        made: TransformManifest | None = self.reader.json(
            f"transform/{name}/manifest.json", TransformManifest
        )
        counted: PhaseReconciliation | None = self.reader.json(
            f"reconcile/{name}.json", PhaseReconciliation
        )
        outcomes = loaded.outcomes if loaded else {}
        read = made.read if made else {}
        lines = [
            LineBalance(line, self._source(line), number, outcomes.get(line, {}))
            for line, number in read.items()
        ]
        return Phase(
            name,
            tuple(counted.lines if counted and counted.lines else lines),
            loaded is not None,
            None if self.about.dry_run else counted,
            loaded.joins if loaded else {},
            len(loaded.residue) if loaded else 0,
        )

    def _source(self, line: str) -> str:
        mapping = self._proposal.mapping if self._proposal else None
        sources = {one.id: one.source for one in mapping.lines} if mapping else {}
        sources |= {one.id: one.source for one in mapping.folds} if mapping else {}
        return sources.get(line, line)

    # -- validation ------------------------------------------------------------------------

    def _validations(self) -> Iterator[PhaseValidation]:
        for name in self.reader.names("validate"):
            if "/" not in name:
                found = self.reader.json(f"validate/{name}", PhaseValidation)
                if found is not None:
                    yield found

    def _differing(self) -> Iterator[Differing]:
        for name in self.reader.finished("validate"):
            yield from self.reader.rows(f"validate/{name}", Differing)

    def _freeze(self) -> Freeze | None:
        found: Freeze | None = self.reader.json("freeze.json", Freeze)
        if found is None:
            return None
        after: AfterFreeze | None = self.reader.json("after_freeze/manifest.json", AfterFreeze)
        return replace(found, after=after.counts if after else {})

    # -- records ---------------------------------------------------------------------------

    def _not_arrived(self) -> Iterator[NotArrived]:
        for entry in self._entries(principal=True):
            key, last = entry.key, entry.last
            yield NotArrived(
                key.line,
                key.source_object,
                key.source_id,
                str(entry.outcome),
                str(last.get("reason", "")),
                str(last.get("detail", "")),
                str(last.get("at", "")),
                str(last.get("run", "")),
            )

    def _entries(self, *, principal: bool) -> Iterator[Entry]:
        if self.snapshot is not None:
            for outcome in _NOT_ARRIVED:
                yield from self.snapshot.with_outcome(outcome, principal=principal)

    def _disputed(self, phases: Sequence[str]) -> Iterator[Disputed]:
        for name in phases:
            for one in self.reader.rows(f"load/{name}/conflicts", Conflict):
                line, source, source_id, _ = one.key
                yield Disputed(
                    line,
                    source,
                    source_id,
                    one.field,
                    one.reason,
                    before=value_words(one.before),
                    source=value_words(one.source),
                    destination=value_words(one.destination),
                    kept=one.kept,
                    id=one.id,
                )

    def _left_out(self, phases: Sequence[str]) -> Iterator[LeftOut]:
        for name in phases:
            for issue in self.reader.rows(f"load/{name}", Issue):
                line, source, source_id, _ = issue.key
                yield LeftOut(line, source, source_id, issue.field, issue.problem, issue.detail)
        yield from map(_refused_link, self._entries(principal=False))


def _read(found: ExtractManifest) -> dict[str, Any]:
    """Return how an object was read, as its manifest says."""
    return {
        "counts": found.counts,
        "absent": found.absent,
        **found.window.model_dump(),
        "same_as": found.csv.same_as if found.csv else "",
        "extract_of": found.extract_of,
        "by_content": found.identified.get("content", 0),
    }


def _refused_link(entry: Entry) -> LeftOut:
    key, last = entry.key, entry.last
    detail = last.get("detail") or key.part.partition(":")[2]
    joined = key.part.partition(":")[0]
    reason = str(last.get("reason", ""))
    return LeftOut(key.line, key.source_object, key.source_id, joined, reason, str(detail))
