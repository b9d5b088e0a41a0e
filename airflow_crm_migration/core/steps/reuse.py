"""Takes over what an earlier run read, so that the source is not read again.

Everything is copied where it lies: a run must not lose its extract when another one is purged.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.extract_read import extract_folder
from airflow_crm_migration.core.freeze import FREEZE, PARAMETER
from airflow_crm_migration.core.inbox import copies_index, read_copied, write_copied
from airflow_crm_migration.core.secure_files import files_folder
from airflow_crm_migration.core.staging import discard_manifest, read_manifest
from airflow_crm_migration.core.steps.discover import PROBE
from airflow_crm_migration.core.watermarks import overtaken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run


def take_over_probe(run: Run, mapping: PairMapping, of: str) -> dict[str, str]:
    """
    Check that a run's extract can be taken over, and take over by which ways it was read.

    :param of: folder of the earlier run
    :return: source object -> route
    :raises UserMistake: when the extract is not complete, or older than what was loaded since
    """
    if findings := [*_incomplete(run, mapping, of)] or [*_older(run, mapping, of)]:
        raise UserMistake(findings)
    kept = run.staging.read_json(f"{of}/{PROBE}")
    run.write(PROBE, kept)
    return {row["object"]: str(row["route"]) for row in kept}


def take_over_inbox(run: Run, of: str) -> dict[str, Any]:
    """Copy the CSV files of an earlier run; what is there already stays."""
    if not run.staging.exists(copies_index(run.folder)):
        copied = read_copied(run.staging, of)
        for copy in copied.values():
            name = f"{run.folder}{copy['name'].removeprefix(of)}"
            run.staging.copy(copy["name"], name)
            copy["name"] = name
        write_copied(run.staging, run.folder, copied)
    return read_copied(run.staging, run.folder)


def take_over_extract(run: Run, of: str, object_name: str) -> dict[str, Any]:
    """
    Copy what an earlier run read of an object, and which binary belongs to which record.

    :return: the manifest, which names the run that read it
    :raises UserMistake: it was read before the source was frozen
    """
    source, target = (extract_folder(folder, object_name) for folder in (of, run.folder))
    _check_frozen(run, of, object_name)
    discard_manifest(run.staging, target)
    for part in ("raw", "rejected", "files"):
        _copy_parts(run, f"{source}/{part}", f"{target}/{part}", {})
    return _copy_parts(run, source, target, {"extract_of": of})


def _check_frozen(run: Run, of: str, object_name: str) -> None:
    """Check that a cutover takes over nothing that lacks what was done until the freeze."""
    freeze = run.read_if_there(FREEZE, None)
    manifest = read_manifest(run.staging, extract_folder(of, object_name))
    if freeze is None or manifest is None:
        return
    csv, frozen_at = manifest["csv"], freeze[PARAMETER]
    times = [manifest["window"]["start"], *([csv["modified"]] if csv else [])]
    read = min(map(datetime.fromisoformat, times))
    if read < datetime.fromisoformat(frozen_at):
        raise UserMistake(
            f"extract_of: {object_name} of run {of} is from {time_text(read)}, before the source "
            f"was frozen at {frozen_at}: begin a cutover without extract_of"
        )


def _copy_parts(run: Run, source: str, target: str, more: dict[str, Any]) -> dict[str, Any]:
    manifest = read_manifest(run.staging, source)
    if manifest is None:
        return {}
    discard_manifest(run.staging, target)
    for part in manifest["parts"]:
        run.staging.copy(f"{source}/{part['name']}", f"{target}/{part['name']}")
    run.staging.write_json(f"{target}/manifest.json", manifest | more, exclusive=True)
    return manifest | more


def _incomplete(run: Run, mapping: PairMapping, of: str) -> Iterator[str]:
    fix = "name a run that read the whole source, or leave it empty to read the source now"
    if of == run.folder or not run.staging.exists(f"{of}/{PROBE}"):
        yield f"extract_of: {of!r} is no earlier run of this engagement: {fix}"
        return
    lacking = [
        name
        for name in mapping.source_objects
        if read_manifest(run.staging, extract_folder(of, name)) is None
        or (name in mapping.files and read_manifest(run.staging, files_folder(of, name)) is None)
    ]
    if lacking:
        yield f"extract_of: run {of} did not read {', '.join(lacking)} to the end: {fix}"


def _older(run: Run, mapping: PairMapping, of: str) -> Iterator[str]:
    for name, loaded in overtaken(run, mapping.source_objects, of):
        yield (
            f"extract_of: run {of} read {name} before run {loaded.run}, which "
            f"{run.environment} was loaded from, so older values would replace newer ones: "
            f"take the extract of run {loaded.run} or of a later one"
        )
