"""Collects what a run left in staging. Whatever is missing did not happen, and is told as that."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter

from airflow_crm_migration.core import gates, signoff
from airflow_crm_migration.core.dedupe.model import Cluster
from airflow_crm_migration.core.errors import StagingBroken, UserMistake
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.mapping import Mapping
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.reconcile import LineBalance, PhaseReconciliation
from airflow_crm_migration.core.report.model import (
    BadCell,
    Change,
    Chosen,
    Decided,
    ExportPath,
    Facts,
    Gate,
    LeftOut,
    NotArrived,
    Owner,
    Phase,
    Records,
    RunFacts,
    Spelling,
    Text,
)
from airflow_crm_migration.core.staging import Staging, read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot

_NOT_ARRIVED = (Outcome.REJECTED, Outcome.HELD, Outcome.CONFLICT)
_NOBODY_SIGNS = ("owners", "csv")
_SLOT_PARTS = 2


class _Given(BaseModel):
    """What a step wrote down, as far as the report needs it."""


class _Access(_Given):
    object: str
    route: Text = ""
    reason: Text = ""
    count: int | None = None


class _Extract(_Given):
    counts: dict[str, int]
    route: Text = ""


class _Loaded(_Given):
    outcomes: dict[str, dict[str, dict[str, int]]]
    joins: dict[str, int] = {}
    residue: list[Any] = []


class _Transformed(_Given):
    read: dict[str, int]


class _Proposal(_Given):
    mapping: Mapping
    changes: tuple[Spelling, ...] = ()


class _Cell(_Given):
    field: Text = ""
    problem: Text = ""
    value: Text = ""


class _Unread(_Given):
    id: Text
    file: Text = ""
    row: int = 0
    reason: Text = ""
    cells: tuple[_Cell, ...] = ()
    named: Text = ""


class _Waiting(_Given):
    waiting_for: tuple[Owner, ...]


class _Choices(_Given):
    choices: dict[str, Text]


class _Issue(_Given):
    key: tuple[Text, Text, Text, Text]
    field: Text = ""
    problem: Text = ""
    detail: Text = ""


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
    about = _about(staging, run)
    if about is None:
        found = _Collector(staging, RunFacts(run), None)
        yield found.facts(keyring, signers)
        return
    dry = LedgerPlace.dry_run(about.environment, run)
    with Ledger(staging, dry if about.dry_run else LedgerPlace.of(about.environment)) as ledger:
        yield _Collector(staging, about, ledger.snapshot).facts(keyring, signers)


def _about(staging: Staging, run: str) -> RunFacts | None:
    """Return what the run said of itself at its start, None when it did not come that far."""
    try:
        told = staging.read_json(f"{run}/run.json")
        about: RunFacts = TypeAdapter(RunFacts).validate_python({**told, "folder": run})
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return about


class _Collector:
    def __init__(self, staging: Staging, about: RunFacts, snapshot: Snapshot | None) -> None:
        self.staging = staging
        self.run = about.folder
        self.snapshot = snapshot
        self.unreadable: dict[str, None] = {}
        self.about = about

    def facts(self, keyring: Keyring | None, signers: Sequence[str]) -> Facts:
        run = self.about
        access = self._json("probe.json", tuple[_Access, ...]) or ()
        proposal = self._proposal
        mapping = proposal.mapping if proposal else None
        exports = tuple(self._exports(access, mapping))
        phases = tuple(self._phase(name) for name in self._phases(mapping))
        objects = [export.object for export in exports]
        return Facts(
            run=run,
            exports=exports,
            bad_cells=Records.counted(
                partial(self._bad_cells, objects), lambda row: (row.object, row.problem)
            ),
            clusters=self._json("dedupe/clusters.json", dict[str, list[Cluster]]),
            decided=self._json("dedupe/decided.json", dict[str, Decided]),
            owners=self._owners(),
            mapping=mapping,
            choices=tuple(self._choices(mapping)),
            spellings=proposal.changes if proposal else (),
            schema=self._json("schema/changes.json", tuple[Change, ...]),
            phases=phases,
            not_arrived=Records.counted(self._not_arrived, lambda row: row.group),
            left_out=Records.counted(
                partial(self._left_out, [phase.name for phase in phases]), lambda row: row.group
            ),
            files=self._json("files.json", dict[str, int]),
            gates=tuple(self._gates(keyring, signers)),
            unreadable=tuple(self.unreadable),
        )

    # -- reading ---------------------------------------------------------------------------

    def _json(self, name: str, kind: Any) -> Any:
        """Return an object of the run as a type, None when it is absent or not of that type."""
        return self._typed(f"{self.run}/{name}", kind)

    def _typed(self, place: str, kind: Any) -> Any:
        try:
            return TypeAdapter(kind).validate_python(self.staging.read_json(place))
        except FileNotFoundError:
            return None
        except ValueError:
            self.unreadable[place] = None
            return None

    def _rows(self, folder: str, kind: Any) -> Iterator[Any]:
        """Walk the rows of a folder's parts as far as they can be read."""
        adapter = TypeAdapter(kind)
        place = f"{self.run}/{folder}"
        if not self.staging.exists(f"{place}/manifest.json"):
            return
        try:
            for row in read_parts(self.staging, place):
                yield adapter.validate_python(row)
        except (StagingBroken, OSError, ValueError, KeyError, TypeError):
            self.unreadable[place] = None

    def _folders(self, step: str) -> list[str]:
        """Return the folders of a step that were finished."""
        start = f"{self.run}/{step}/"
        names = (name.removeprefix(start) for name in self.staging.names(start))
        parts = (name.split("/") for name in names)
        return [p[0] for p in parts if len(p) == _SLOT_PARTS and p[1] == "manifest.json"]

    @cached_property
    def _proposal(self) -> _Proposal | None:
        found: _Proposal | None = self._json("mapping/proposal.json", _Proposal)
        return found

    # -- decisions -------------------------------------------------------------------------

    def _owners(self) -> tuple[Owner, ...] | None:
        """Return the owners as they were matched, else those found, with what is known of them."""
        matched: tuple[Owner, ...] | None = self._json("owners/matches.json", tuple[Owner, ...])
        if matched is not None:
            return matched
        found: tuple[Owner, ...] | None = self._json("owners/owners.json", tuple[Owner, ...])
        if found is None:
            return None
        review: _Waiting | None = self._typed(
            f"review/owners/{self.about.environment}.json", _Waiting
        )
        waiting = {(one.name, one.email): one for one in (review.waiting_for if review else ())}
        return tuple(waiting.get((one.name, one.email), one) for one in found)

    def _choices(self, mapping: Mapping | None) -> Iterator[Chosen]:
        """Walk the choices of the pair as they lie before the customer."""
        if mapping is None:
            return
        try:
            gate = gates.Gate(self.about.engagement, "mapping", self.about.environment or None)
            proposal = gates.read_proposal(self.staging, gate)
            given = _Choices.model_validate(proposal.decisions if proposal else {"choices": {}})
        except (UserMistake, ValueError):
            self.unreadable[f"review/mapping/{self.about.environment}.json"] = None
            return
        for name, value in given.choices.items():
            choice = mapping.choices.get(name)
            if choice is not None:
                yield Chosen(choice.question, value, tuple(str(one) for one in choice.values))

    # -- source ----------------------------------------------------------------------------

    def _exports(self, access: Sequence[_Access], mapping: Mapping | None) -> Iterator[ExportPath]:
        probed = {one.object: one for one in access}
        wanted = mapping.source_objects if mapping else ()
        for name in dict.fromkeys([*probed, *wanted, *self._folders("extract")]):
            found: _Extract | None = self._json(f"extract/{name}/manifest.json", _Extract)
            known = probed.get(name, _Access(object=name, route=found.route if found else ""))
            yield ExportPath(
                name, known.route, known.reason, known.count, found.counts if found else None
            )

    def _bad_cells(self, objects: Sequence[str]) -> Iterator[BadCell]:
        for name in objects:
            for row in self._rows(f"extract/{name}/rejected", _Unread):
                for cell in row.cells or (_Cell(problem=row.reason, value=row.named),):
                    yield BadCell(
                        name, row.id, row.file, row.row, cell.field, cell.problem, cell.value
                    )

    # -- phases ----------------------------------------------------------------------------

    def _phases(self, mapping: Mapping | None) -> list[str]:
        """Return every destination object that was planned or touched, in load order."""
        start = f"{self.run}/reconcile/"
        asked = [n.removeprefix(start) for n in self.staging.names(start)]
        counted = [n.removesuffix(".json") for n in asked if n.endswith(".json") and "/" not in n]
        touched = [*self._folders("transform"), *self._folders("load"), *counted]
        return list(dict.fromkeys([*(mapping.phases if mapping else ()), *touched]))

    def _phase(self, name: str) -> Phase:
        loaded: _Loaded | None = self._json(f"load/{name}/manifest.json", _Loaded)
        made: _Transformed | None = self._json(f"transform/{name}/manifest.json", _Transformed)
        counted: PhaseReconciliation | None = self._json(
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

    # -- records ---------------------------------------------------------------------------

    def _not_arrived(self) -> Iterator[NotArrived]:
        for entry in self.snapshot.with_outcomes(_NOT_ARRIVED) if self.snapshot else ():
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

    def _left_out(self, phases: Sequence[str]) -> Iterator[LeftOut]:
        for name in phases:
            for issue in self._rows(f"load/{name}", _Issue):
                line, source, source_id, _ = issue.key
                yield LeftOut(line, source, source_id, issue.field, issue.problem, issue.detail)
        refused = (
            self.snapshot.with_outcomes(_NOT_ARRIVED, principal=False) if self.snapshot else ()
        )
        for entry in refused:
            yield _refused_link(entry)

    # -- gates -----------------------------------------------------------------------------

    def _gates(self, keyring: Keyring | None, signers: Sequence[str]) -> Iterator[Gate]:
        slots = {slot for folder in ("review", "signed") for slot in self._slots(folder)}
        for name, environment in sorted(slots):
            if name not in _NOBODY_SIGNS and environment in ("_", self.about.environment):
                yield self._gate(name, environment, keyring, signers)

    def _slots(self, folder: str) -> Iterator[tuple[str, str]]:
        for name in self.staging.names(folder):
            parts = name.removeprefix(f"{folder}/").removesuffix(".json").split("/")
            if name.endswith(".json") and len(parts) >= _SLOT_PARTS:
                yield parts[0], parts[1]

    def _gate(
        self,
        name: str,
        environment: str,
        keyring: Keyring | None,
        signers: Sequence[str],
    ) -> Gate:
        where = "" if environment == "_" else environment
        if keyring is None:
            return Gate(name, where, "not_checked", "there are no signing keys to check it with")
        try:
            gate = gates.Gate(self.about.engagement, name, where or None)
            state = signoff.state(self.staging, keyring, gate, signers)
        except (UserMistake, ValueError, KeyError, TypeError) as error:
            return Gate(name, where, "unreadable", str(error))
        record = state.record
        if record is None:
            return Gate(name, where, state.status, state.reason)
        document = (record.document or {}).get("name", "")
        return Gate(
            name,
            where,
            state.status,
            state.reason,
            record.signer,
            record.recorded_by,
            record.time,
            document,
        )


def _refused_link(entry: Entry) -> LeftOut:
    key, last = entry.key, entry.last
    detail = last.get("detail") or key.part.partition(":")[2]
    joined = key.part.partition(":")[0]
    reason = str(last.get("reason", ""))
    return LeftOut(key.line, key.source_object, key.source_id, joined, reason, str(detail))
