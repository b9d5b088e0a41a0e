"""What loads left behind, and how it differs from what undisturbed ones leave behind."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.ledger.objects import unpack
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import read_manifest, read_parts
from airflow_crm_migration.core.steps.schema import read_schema
from tests.support.faulty.prepared import LOADS

if TYPE_CHECKING:
    from airflow_crm_migration.core.staging import Staging
    from tests.support.faulty.prepared import Prepared

Table = dict[Any, dict[str, Any]]

PLACE = LedgerPlace.of("sandbox")
TOLD = ("outcome", "reason", "detail", "into", "id", "sent", "stored")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@dataclass(frozen=True)
class Ending:
    """
    What loads left behind.

    :param records: (object, name of the record) -> record
    :param ledger: key -> how a record came to stand there and what became of it last
    :param images: name of a record -> its values before we first wrote to it
    :param told: (run, line) -> records read, and records that a load told the outcome of
    :param intents: that nothing closed
    :param loose_files: ids of the binaries that are attached to nothing
    :param residue: ids of the uploads that the last load lists as such; empty where it knows none
    :param notifications: how often somebody would have been bothered
    :param unclean: failures of ours that tell a person nothing
    """

    records: Table
    ledger: Table
    images: Table
    told: dict[tuple[str, str], tuple[int, int]]
    intents: list[Any]
    loose_files: set[str]
    residue: list[str]
    notifications: int
    unclean: list[str]

    def complaints(self, undisturbed: Ending) -> list[str]:
        """Return in words what is not as after loads that nothing happened to."""
        told = [f"a failure that is none of ours to have: {text}" for text in self.unclean]
        told += differences("record", undisturbed.records, self.records)
        told += differences("ledger", undisturbed.ledger, self.ledger)
        told += differences("image", undisturbed.images, self.images)
        if self.told.keys() != undisturbed.told.keys():
            told.append(f"loads told of {sorted(self.told)}")
        told += [f"{key}: {r} read, {t} told" for key, (r, t) in self.told.items() if r != t]
        told += [f"open intent: {row}" for row in self.intents]
        told += [f"{self.notifications} notifications"] if self.notifications else []
        named = set(self.residue) - {""}
        if named - self.loose_files:
            told.append(f"residue that is none: {named - self.loose_files}")
        if len(self.unlisted) > self.residue.count("") + len(undisturbed.unlisted):
            told.append(f"loose files that nobody lists: {self.unlisted}")
        return told

    @property
    def unlisted(self) -> set[str]:
        """Loose files that are not residue by name; a rollback leaves what it detached."""
        return self.loose_files - set(self.residue)


def look(
    prepared: Prepared,
    staging: Staging,
    dump: dict[str, Any],
    notifications: int,
    unclean: list[str],
) -> Ending:
    """Look at both ends."""
    content = prepared.pair.content(dump, prepared.begun)
    runs = [run for run in LOADS if read_manifest(staging, f"{run}/load/{prepared.phases[0]}")]
    with Ledger(staging, PLACE) as ledger:
        snapshot = ledger.snapshot
        intents = [row for phase in prepared.phases for row in snapshot.open_intents(phase)]
        residue = [row["id"] for row in snapshot.unattached_uploads()]
        table = _table(prepared, staging, ledger, content.names)
    return Ending(
        records=_renamed(content.records, content.names),
        ledger=table,
        images=_renamed(_images(staging, prepared.begun), content.names),
        told={
            (run, line): numbers
            for run in runs
            for phase in prepared.phases
            for line, numbers in _told(staging, run, phase).items()
        },
        intents=intents,
        loose_files=content.loose_files,
        residue=residue,
        notifications=notifications,
        unclean=unclean,
    )


def _table(prepared: Prepared, staging: Staging, ledger: Ledger, names: Any) -> Table:
    """Return what the ledger says, owners left out: their ids, and hashes of these, are made up."""
    schema = read_schema(Run(staging, LOADS[0], prepared.engagement, "sandbox"))
    fields = [f for spec in schema.values() for f in spec.fields.values()]
    owners = {f.name for f in fields if f.type is FieldType.USER}
    found: Table = {}
    for phase, principal in itertools.product(prepared.phases, (True, False)):
        for entry in ledger.snapshot.entries(phase, principal=principal):
            last = {name: entry.last.get(name) for name in TOLD}
            for name in ("sent", "stored"):
                last[name] = {n: h for n, h in (last[name] or {}).items() if n not in owners}
            last["id"] = names.get(last["id"], last["id"])
            origin = entry.origin["outcome"] if entry.origin else None
            found[tuple(entry.key)] = {"origin": origin, **last}
    return found


def _images(staging: Staging, begun: str) -> Table:
    images: Table = {}
    for name in staging.names(f"{PLACE.folder}/images"):
        for row in unpack(staging.read_bytes(name)) or []:
            images.setdefault(row["id"], _without_now(row["values"], begun))
    return images


def _without_now(values: dict[str, Any], begun: str) -> dict[str, Any]:
    """Replace instants that are the server's own."""
    return {
        name: "now" if isinstance(v, str) and _INSTANT.fullmatch(v) and v >= begun else v
        for name, v in values.items()
    }


def _renamed(table: Any, names: Any) -> Table:
    """Replace ids by names that are the same in every server."""
    keys = list(table)
    text = json.dumps([table[key] for key in keys])
    for record_id, name in names.items():
        text = text.replace(json.dumps(record_id), json.dumps(name))
    rows = json.loads(text)
    return dict(zip(keys, rows, strict=True))


def _told(staging: Staging, run: str, phase: str) -> dict[str, tuple[int, int]]:
    """Return line -> records that a run read and those whose outcome its load told."""
    outcomes = (read_manifest(staging, f"{run}/load/{phase}") or {"outcomes": {}})["outcomes"]
    read: dict[str, int] = {}
    for draft in read_parts(staging, f"{run}/transform/{phase}"):
        read[draft["key"][0]] = read.get(draft["key"][0], 0) + 1
    return {
        line: (number, sum(sum(r.values()) for r in outcomes.get(line, {}).values()))
        for line, number in read.items()
    }


def differences(what: str, wanted: Table, found: Table) -> list[str]:
    """Return in words how two tables differ."""
    told = []
    for key in sorted(wanted.keys() | found.keys()):
        before, after = wanted.get(key) or {}, found.get(key) or {}
        names = [n for n in before.keys() | after.keys() if before.get(n) != after.get(n)]
        told += [f"{what} {key} {n}: {after.get(n)!r} instead of {before.get(n)!r}" for n in names]
    return told
