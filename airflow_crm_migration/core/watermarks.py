"""Up to where an environment has followed the source: per object the start of an extract.

The start and not the end, because what changed while it was read may be in it or not. A watermark
moves only when every phase that the object feeds has reconciled; a run that failed leaves it where
it is, and so the next window is only wider.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import StagingBroken, UserMistake
from airflow_crm_migration.core.extract_read import extract_folder
from airflow_crm_migration.core.run import time_stamp
from airflow_crm_migration.core.selection import SELECTION
from airflow_crm_migration.core.staging import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.staging import Staging

FORMAT = 1
MOST_EARLIER = 400
"""Files that are remembered per object: more than a year of nightly ones."""
_LOADED = "loaded.json"
LARGEST_LOSS = 0.05
"""Share of the records that may be gone before somebody has to look."""


@dataclass(frozen=True)
class Consumed:
    """
    The CSV file that an extract was made of.

    :param sha256: of its bytes
    :param modified: when the customer dropped it
    """

    sha256: str
    modified: datetime


@dataclass(frozen=True)
class Earlier:
    """
    A CSV file that was loaded before the last one.

    :param run: whose extract was made of it
    """

    sha256: str
    run: str


@dataclass(frozen=True)
class Watermark:
    """
    How far an environment has followed one object of the source.

    :param tenant: of the source, blank where only files were read
    :param start: when the extract began
    :param run: whose extract it was
    :param records: how many it held
    :param csv: the file that it was made of, if any
    :param earlier: the files before that, the oldest first
    """

    tenant: str
    start: datetime
    run: str
    records: int
    csv: Consumed | None = None
    earlier: tuple[Earlier, ...] = ()

    @classmethod
    def of(cls, manifest: Mapping[str, Any], run: str) -> Watermark:
        """
        Return the watermark that an extract makes.

        :param manifest: of the extract
        """
        csv = manifest["csv"]
        return cls(
            tenant=manifest["tenant"],
            start=datetime.fromisoformat(manifest["window"]["start"]),
            run=run,
            records=manifest["counts"]["read"],
            csv=Consumed(csv["sha256"], datetime.fromisoformat(csv["modified"])) if csv else None,
        )

    def after(self, before: Watermark | None) -> Watermark:
        """Return this watermark, which remembers the files of the one before it."""
        if before is None:
            return self
        files = [*before.earlier]
        if before.csv is not None:
            files.append(Earlier(before.csv.sha256, before.run))
        now = self.csv and self.csv.sha256
        older = tuple(file for file in files if file.sha256 != now)
        return replace(self, earlier=older[-MOST_EARLIER:])

    def loaded_by(self, sha256: str) -> str | None:
        """Return the run that loaded a file before the last one, None when none is known."""
        runs = (file.run for file in reversed(self.earlier) if file.sha256 == sha256)
        return next(runs, None)

    def as_json(self) -> dict[str, Any]:
        """Return what is kept in staging."""
        csv = self.csv
        return {
            "format": FORMAT,
            "tenant": self.tenant,
            "start": time_text(self.start),
            "run": self.run,
            "records": self.records,
            "csv": csv and {"sha256": csv.sha256, "modified": time_text(csv.modified)},
            "earlier": [vars(file) for file in self.earlier],
        }


def read_watermark(staging: Staging, environment: str, object_name: str) -> Watermark | None:
    """
    Return the watermark of an object, None when no run of the environment was complete.

    :raises StagingBroken: when a later version of this package wrote it
    """
    name = _name(environment, object_name)
    try:
        kept = staging.read_json(name)
    except FileNotFoundError:
        return None
    if kept["format"] > FORMAT:
        raise StagingBroken(f"{name} has format {kept['format']}: upgrade airflow-crm-migration")
    csv = kept["csv"]
    return Watermark(
        kept["tenant"],
        datetime.fromisoformat(kept["start"]),
        kept["run"],
        kept["records"],
        Consumed(csv["sha256"], datetime.fromisoformat(csv["modified"])) if csv else None,
        tuple(Earlier(**file) for file in kept["earlier"]),
    )


def read_watermarks(
    staging: Staging, environment: str, names: Iterable[str]
) -> dict[str, Watermark]:
    """Return object -> watermark, without the objects that have none."""
    found = {name: read_watermark(staging, environment, name) for name in names}
    return {name: mark for name, mark in found.items() if mark is not None}


def advance_watermarks(run: Run, mapping: PairMapping) -> list[str]:
    """
    Move the watermarks of the objects whose phases have all reconciled in this run.

    A run of chosen records and one that wrote nothing move none.

    :param mapping: as signed
    :return: the objects whose watermarks moved
    """
    if run.dry_run or run.staging.exists(run.name(SELECTION)):
        return []
    moved = []
    for name, phases in fed_phases(mapping).items():
        manifest = read_manifest(run.staging, extract_folder(run.folder, name))
        if manifest is not None and all(_reconciled(run, phase) for phase in phases):
            mark = Watermark.of(manifest, run.folder)
            before = read_watermark(run.staging, run.environment, name)
            # an old run that is repaired now would turn the clock back
            if before is None or before.start <= mark.start:
                run.staging.write_json(_name(run.environment, name), mark.after(before).as_json())
                moved.append(name)
    return moved


def overtaken(run: Run, names: Iterable[str], folder: str) -> Iterator[tuple[str, Watermark]]:
    """
    Yield the objects of which the environment was loaded with a later extract than a run's.

    To load that run now would put older values over newer ones.

    :param folder: of the run whose extract is looked at
    :return: object and the environment's watermark
    """
    for name in names:
        manifest = read_manifest(run.staging, extract_folder(folder, name))
        loaded = read_watermark(run.staging, run.environment, name)
        if manifest and loaded and Watermark.of(manifest, folder).start < loaded.start:
            yield name, loaded


def check_not_overtaken(run: Run, mapping: PairMapping, phase: str) -> None:
    """
    Check that nobody loads an older run again after a newer one, or after a rollback.

    :raises UserMistake: naming the newer runs
    """
    undone = run.staging.read_json(name) if run.staging.exists(name := _undone(run)) else None
    if undone and run.folder < undone["at"] and run.staging.exists(run.name(_LOADED)):
        raise UserMistake(
            f"load {phase}: rollback {undone['run']} has undone since what {run.environment} was "
            "loaded with, so this older run would bring it back: start a new run instead of "
            "clearing this one"
        )
    names = sorted(name for name, phases in fed_phases(mapping).items() if phase in phases)
    later = [f"{name} by run {mark.run}" for name, mark in overtaken(run, names, run.folder)]
    if later:
        raise UserMistake(
            f"load {phase}: {run.environment} was loaded since with a later reading of "
            f"{', '.join(later)}, so older values would replace newer ones: start a new run "
            "instead of clearing this one"
        )


def note_load(run: Run) -> None:
    """Note that a run writes to the destination, before it does."""
    if not run.dry_run and not run.staging.exists(run.name(_LOADED)):
        run.write(_LOADED, {"environment": run.environment})


def forget_watermarks(run: Run, now: datetime) -> None:
    """
    Let the next delta read everything: what was loaded before is there no more.

    :param run: the rollback, which no run that began before it is loaded after
    """
    for name in run.staging.names(f"watermarks/{run.environment}"):
        run.staging.delete(name)
    undone = {"format": FORMAT, "run": run.folder, "at": time_stamp(now)}
    run.staging.write_json(_undone(run), undone)


def fed_phases(mapping: PairMapping) -> dict[str, set[str]]:
    """Return source object -> phases that its records become part of."""
    phases: dict[str, set[str]] = {}
    for line in mapping.lines:
        phases.setdefault(line.source, set()).add(line.destination)
    for fold in mapping.folds:
        for into in fold.into:
            phases.setdefault(fold.source, set()).update(phases.get(into.object, ()))
    return {name: found for name, found in phases.items() if found}


def check_not_shrunk(
    before: Watermark | None, manifest: Mapping[str, Any], place: str, environment: str
) -> None:
    """
    Check that a source does not suddenly hold far less, as half an export does.

    :param before: the environment's watermark, None for what it never saw
    :param manifest: of the new extract
    :param place: the file or the object, for the message
    :raises UserMistake: with both counts
    """
    now = manifest["counts"]["read"]
    if before is None or now >= before.records * (1 - LARGEST_LOSS):
        return
    raise UserMistake(
        f"{place}: holds {now} records, but {before.records} when {environment} was loaded from "
        f"run {before.run}: export it whole and start a new run; if the records were deleted on "
        "purpose, start one with accept_shrunk"
    )


def _reconciled(run: Run, phase: str) -> bool:
    result = run.read_if_there(f"reconcile/{phase}.json", None)
    return bool(result and result["reconciled"])


def _undone(run: Run) -> str:
    return f"rolled_back/{run.environment}.json"


def _name(environment: str, object_name: str) -> str:
    return f"watermarks/{environment}/{object_name}.json"
