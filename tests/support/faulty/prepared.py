"""Runs that wait to be done: a load, one with changes, newcomers and some of both bad, a rollback.

They are made of one real transform, so that each pair's own mapping, records and links are loaded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.gates import Gate
from airflow_crm_migration.core.staging import PartWriter, Staging, read_parts
from airflow_crm_migration.core.steps import mapping as mapping_step
from airflow_crm_migration.core.steps.schema import read_schema

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Member
    from airflow_crm_migration.core.run import Run
    from tests.support.faulty.pairs import Pair
    from tests.support.migration import Migration

Draft = dict[str, Any]

LOADS = ("run-1", "run-2")
"""The first meets an empty ledger and what was there before, the second its own records."""

ROLLBACK = "run-3"
RUNS = (*LOADS, ROLLBACK)
BAD = "a text that the destination refuses for reasons of its own"
CHANGED = "as it was changed"
FOUND = "as it was found"
_TEXTS = (FieldType.TEXT, FieldType.LONG_TEXT)
_SHARES = {
    "bad": (2, 48),
    "prior": (3, 10),
    "changed": (0, 6),
    "new": (5, 8),
    "bad change": (6, 48),
}
"""What happens to the draft at (first, and then every so many) of those that are loaded."""


@dataclass(frozen=True)
class Prior:
    """A record that the destination holds before the first run."""

    object: str
    values: dict[str, Any]
    trashed: bool


@dataclass(frozen=True)
class Job:
    """
    What a run does, which processes go on with until it is done.

    :param run: its folder in staging
    :param steps: what is done, and of which phases, in order; each is a task of a DAG
    """

    run: str
    steps: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Prepared:
    """
    An engagement with everything but its loads.

    :param folder: staging
    :param signed: decisions about the mapping
    :param members: of the destination that the runs were prepared with
    :param begun: an instant before which no server of these tests ran
    """

    pair: Pair
    folder: Path
    engagement: str
    signed: dict[str, Any]
    phases: list[str]
    members: list[Member]
    prior: list[Prior]
    begun: str

    @property
    def jobs(self) -> list[Job]:
        """What is done, one job after the other; at last everything is rolled back."""
        loads = [(step, [phase]) for phase in self.phases for step in ("load", "reconcile")]
        undone = [("undo", [phase]) for phase in reversed(self.phases)]
        back = [("forecast", self.phases), ("sign", []), *undone, ("check undone", self.phases)]
        return [*(Job(run, loads) for run in LOADS), Job(ROLLBACK, back)]

    @property
    def mapping(self) -> PairMapping:
        """The mapping as signed."""
        return mapping_step.load(self.signed)


def prepare(pair: Pair, folder: Path) -> Prepared:
    """Read, decide and transform a small customer, and make runs of it."""
    begun = time_text(datetime.now(UTC))
    with pair.migration(folder) as migration:
        run = migration.new_run()
        migration.read_source(run)
        migration.decide(run)
        phases = migration.phases(run)
        for phase in phases:
            migration.transform(run, phase)
        signed = _signed(migration, run)
        prior = _divide(run, mapping_step.load(signed), phases)
        members = [m for m in migration.hook().members() if m.id]
        return Prepared(
            pair, folder, migration.engagement, signed, phases, members, prior, begun
        )  # fmt: skip


def _signed(migration: Migration, run: Run) -> dict[str, Any]:
    """Return the signed decisions; records that are there already are written to, either way."""
    signed: dict[str, Any] = migration.signed(Gate(run.engagement, "mapping", run.environment))
    rules = [line["existing"] for line in signed["mapping"]["lines"] if "existing" in line]
    for number, rule in enumerate(rules):
        rule["policy"] = ("update", "fill")[number % 2]
    return signed


def _divide(run: Run, mapping: PairMapping, phases: list[str]) -> list[Prior]:
    """Write the drafts of both runs and return what is to be there before the first."""
    schema = read_schema(run)
    prior: list[Prior] = []
    for name in run.staging.names(run.folder):
        if "/transform/" not in name:
            for other in RUNS[1:]:
                there = name.replace(RUNS[0], other, 1)
                run.staging.write_bytes(there, run.staging.read_bytes(name))
    for phase in phases:
        drafts = list(read_parts(run.staging, run.name(f"transform/{phase}")))
        story = _Story(mapping, schema[phase], drafts)
        prior += story.prior()
        for folder, told in zip(LOADS, (story.first(), story.second()), strict=True):
            _write(run.staging, f"{folder}/transform/{phase}", phase, told)
    return prior


def _write(staging: Staging, folder: str, phase: str, drafts: list[Draft]) -> None:
    writer = PartWriter(staging, folder)
    for draft in drafts:
        writer.add(draft)
    writer.finish(read=Counter(draft["key"][0] for draft in drafts), phase=phase)


class _Story:
    """What happens to the drafts of a phase."""

    def __init__(self, mapping: PairMapping, spec: ObjectSpec, drafts: list[Draft]) -> None:
        self._mapping = mapping
        self._spec = spec
        self._drafts = drafts
        loaded = [n for n, draft in enumerate(drafts) if "outcome" not in draft]
        self._is = {what: set(loaded[at::step]) for what, (at, step) in _SHARES.items()}

    def first(self) -> list[Draft]:
        return [
            self._with_text(draft, BAD) if n in self._is["bad"] else draft
            for n, draft in enumerate(self._drafts)
            if n not in self._is["new"]
        ]

    def second(self) -> list[Draft]:
        return [self._later(n, draft) for n, draft in enumerate(self._drafts)]

    def prior(self) -> list[Prior]:
        met = [d for n, d in enumerate(self._drafts) if n in self._is["prior"] - self._is["new"]]
        made = [p for draft in met if (p := self._found(draft))]
        return [Prior(self._spec.name, values, n % 2 == 1) for n, values in enumerate(made)]

    def _later(self, n: int, draft: Draft) -> Draft:
        if n in self._is["bad"] | self._is["bad change"]:
            return self._with_text(draft, BAD)
        return self._with_text(draft, CHANGED) if n in self._is["changed"] else draft

    def _found(self, draft: Draft) -> dict[str, Any] | None:
        rule = self._line(draft).existing
        if rule is None or not draft["values"].get(rule.by):
            return None
        field = self._text_field(draft)
        return {rule.by: draft["values"][rule.by]} | ({field: FOUND} if field else {})

    def _with_text(self, draft: Draft, text: str) -> Draft:
        field = None if "file" in draft else self._text_field(draft)
        return {**draft, "values": {**draft["values"], field: text}} if field else draft

    def _text_field(self, draft: Draft) -> str | None:
        line = self._line(draft)
        kept = {line.source_id_field, line.existing and line.existing.by}
        kept |= {rule.to for rule in line.fields if rule.only_new or rule.incidental}
        names = [n for n in sorted(draft["values"]) if self._spec.fields[n].type in _TEXTS]
        return next((n for n in names if n not in kept), None)

    def _line(self, draft: Draft) -> Line:
        line = self._mapping.find_line(draft["key"][0])
        assert line is not None
        return line
