"""Drives the steps of a migration without a scheduler: cheap enough to run by the hundred."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.core.inbox import copy_inbox
from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.core.mapping import Mapping as PairMapping
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.core.owners import SourceOwner, match_owners
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.signoff import sign, signed_record
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps import mapping as mapping_step
from airflow_crm_migration.core.steps.discover import PROBE, csv_only
from airflow_crm_migration.core.steps.duplicates import decide_step, find_step
from airflow_crm_migration.core.steps.extract import Reading, extract_step
from airflow_crm_migration.core.steps.files import secure_step
from airflow_crm_migration.core.steps.gone import list_gone
from airflow_crm_migration.core.steps.load import load_step
from airflow_crm_migration.core.steps.owners import MATCHES, OWNERS, collect_owners, read_owners
from airflow_crm_migration.core.steps.reconcile import reconcile_step
from airflow_crm_migration.core.steps.reuse import take_over_inbox, take_over_probe
from airflow_crm_migration.core.steps.schema import prepare_destination
from airflow_crm_migration.core.steps.source_records import choose_sample, choose_unfinished
from airflow_crm_migration.core.steps.transform import transform_step
from airflow_crm_migration.hooks.registry import destination_hook, hook_class, source_hook
from airflow_crm_migration.hooks.safe_download import open_public

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEYRING = Keyring.parse("test:" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI=")
WHOLE = Reading()
CHANGES = Reading(changes_only=True)
SIGNER = "Tess Ter <tess@example.com>"


def connection(name: str, platform: str, url: str, key: str, **extra: Any) -> str:
    """Make an Airflow connection by environment variable and return its id."""
    value = {"conn_type": platform, "host": url, "password": key, "extra": extra}
    os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(value)
    return name


@dataclass
class Migration:
    """
    One engagement and its runs.

    :param folder: staging of the engagement, with the export in ``inbox/``
    :param destination: connection id
    :param source: connection id, None for CSV alone
    :param owners: overrides
    """

    folder: Path
    destination: str
    source: str | None = None
    choices: Mapping[str, Any] = field(default_factory=dict)
    value_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)
    form: CsvFormat = field(default_factory=CsvFormat)
    settings: Mapping[str, Any] = field(default_factory=lambda: {"default_region": "US"})
    environment: str = "sandbox"
    engagement: str = "acme"
    pair: PairMapping = field(default_factory=lambda: load_mapping("klipy_to_twenty"))
    runs: int = 0

    @property
    def staging(self) -> Staging:
        """The engagement's staging."""
        return Staging(self.folder)

    def new_run(self, *, dry_run: bool = False) -> Run:
        """Begin a run."""
        self.runs += 1
        return Run(self.staging, f"run-{self.runs}", self.engagement, self.environment, dry_run)

    def hook(self) -> Any:
        """Return a new hook of the destination."""
        return destination_hook(self.pair.destination, self.destination)

    def full(
        self, *, sample: int | None = None, dry_run: bool = False, reading: Reading = WHOLE
    ) -> Run:
        """Do a whole run and return it; every phase must reconcile."""
        run = self.new_run(dry_run=dry_run)
        self.read_source(run, reading)
        self.decide(run, sample)
        self.load_phases(run)
        return run

    def load_phases(self, run: Run) -> None:
        """Load every phase; each must reconcile."""
        for phase in self.phases(run):
            self.load_phase(run, phase)

    def delta(self, *, dry_run: bool = False, reading: Reading = CHANGES, **policies: Any) -> Run:
        """
        Do a whole run by what was signed before: what is not known yet is held or kept apart.

        :param policies: of the load
        """
        run = self.new_run(dry_run=dry_run)
        self.read_source(run, reading)
        self.decide_as_signed(run)
        for phase in self.phases(run):
            self.transform(run, phase, hold_unmapped=True)
            self.load(run, phase, hold_unknown_owners=True, **policies)
            self.reconcile(run, phase)
        return run

    def retry(self) -> Run:
        """Do a run of the rejected and held records alone."""
        run = self.new_run()
        self.read_source(run, CHANGES)
        self.decide(run, unfinished=True)
        for phase in self.phases(run):
            self.transform(run, phase)
            self.load(run, phase, resend=True)
            self.reconcile(run, phase)
        return run

    # -- the steps -------------------------------------------------------------------------

    def read_source(self, run: Run, reading: Reading = WHOLE) -> None:
        """Probe, extract, secure the files."""
        hook = source_hook(self.pair.source, self.source) if self.source else None
        names = self.pair.source_objects
        specs = {name: hook_class(self.pair.source).objects[name] for name in names}
        if reading.extract_of:
            take_over_probe(run, self.pair, reading.extract_of)
            take_over_inbox(run, reading.extract_of)
        else:
            found = [vars(a) for a in hook.probe()] if hook else csv_only(names, "no connection")
            run.write(PROBE, [row for row in found if row["object"] in names])
            copy_inbox(run.staging, run.folder, list(specs.values()))
        for name in self.pair.reading_order:
            extract_step(
                run,
                specs[name],
                form=self.form,
                source=hook,
                identity=self.pair.identities[name],
                reading=reading,
                say=lambda line: None,
            )
        secure_step(
            run,
            self.pair,
            open_url=hook.open_file if hook else open_public,
            max_bytes=self.hook().capabilities.max_file_bytes,
            taken_over=bool(reading.extract_of),
            say=lambda line: None,
        )
        list_gone(run, self.pair)

    def decide(self, run: Run, sample: int | None = None, *, unfinished: bool = False) -> None:
        """Duplicates, owners, mapping: proposed, signed, applied."""
        find_step(run, self.pair)
        decide_step(run, self.pair, self.signed(Gate(run.engagement, "duplicates")))
        if sample is not None:
            choose_sample(run, self.pair, sample, choices=self.choices)
        self.match_owners(run)
        if unfinished:
            choose_unfinished(run, self.pair, choices=self.choices)
        hook = self.hook()
        mapping_step.propose_step(
            run,
            hook,
            self.pair,
            choices=self.choices,
            value_maps=self.value_maps,
            owners=self.owners,
        )
        prepare_destination(run, hook, self.mapping(run))

    def decide_as_signed(self, run: Run) -> None:
        """Duplicates, owners, mapping: as they were signed before."""
        find_step(run, self.pair)
        gate = Gate(run.engagement, "duplicates")
        decide_step(run, self.pair, signed_record(self.staging, KEYRING, gate).decisions)
        self.match_owners(run)
        prepare_destination(run, self.hook(), self.mapping(run))

    def match_owners(self, run: Run) -> None:
        """Say which member each owner is."""
        collect_owners(run, self.pair)
        matches = match_owners(
            [SourceOwner(**row) for row in run.read(OWNERS)], self.hook().members(), self.owners
        )
        run.write(
            MATCHES,
            [{**vars(m.owner), "status": m.status, "member_id": m.member_id} for m in matches],
        )

    def mapping(self, run: Run) -> PairMapping:
        """Return the mapping, signed."""
        return mapping_step.load(self.signed(Gate(run.engagement, "mapping", run.environment)))

    def signed(self, gate: Gate) -> Any:
        """Sign what is proposed and return the signed decisions."""
        proposal = read_proposal(self.staging, gate)
        assert proposal is not None
        sign(
            self.staging, KEYRING, proposal,
            signer=SIGNER, recorded_by="tests", now=datetime.now(UTC),
        )  # fmt: skip
        return signed_record(self.staging, KEYRING, gate).decisions

    def phases(self, run: Run) -> list[str]:
        """Return the phases that the signed mapping has."""
        mapping = self.mapping(run)
        return [phase for phase in self.pair.phases if mapping.lines_of(phase)]

    def load_phase(self, run: Run, phase: str) -> dict[str, Any]:
        """Transform, load and reconcile a phase."""
        self.transform(run, phase)
        facts = self.load(run, phase)
        self.reconcile(run, phase)
        return facts

    def reconcile(self, run: Run, phase: str) -> dict[str, Any]:
        """Reconcile a phase, which must add up."""
        return reconcile_step(run, self.destination_of(run), self.mapping(run), phase)

    def destination_of(self, run: Run) -> Any:
        """Return what a run writes to: the hook, or in a dry run what writes nothing."""
        hook = self.hook()
        return DryDestination(hook) if run.dry_run else hook

    def transform(self, run: Run, phase: str, **how: Any) -> None:
        """Write the drafts of a phase."""
        hook = self.hook()
        transform_step(
            run,
            self.mapping(run),
            phase,
            rules=hook,
            choices=self.pair.chosen(dict(self.choices)),
            settings=self.settings,
            say=lambda line: None,
            **how,
        )

    def load(self, run: Run, phase: str, **how: Any) -> dict[str, Any]:
        """Load the drafts of a phase."""
        return load_step(
            run,
            self.destination_of(run),
            self.mapping(run),
            phase,
            owners=read_owners(run),
            say=lambda line: None,
            **how,
        )
