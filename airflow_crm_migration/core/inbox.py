"""The CSV files that a customer drops: which are there, whether they can be used, copied in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.csv_check import check_csv
from airflow_crm_migration.core.csv_export import CsvFile
from airflow_crm_migration.core.staging import Staging, copy_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from airflow_crm_migration.core.csv_format import CsvFormat
    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.watermarks import Watermark

FORMAT = 1
"""Of the list of copies."""

FOLDER = "inbox"
MAX_BYTES = 64 << 30
"""A CSV file beyond any CRM's size; whoever needs more splits it."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Expected:
    """
    A CSV file that an engagement needs.

    :param id_needed: whether only an id column can identify its records
    :param optional: whether the object can do without, because the API gives it too
    """

    spec: ObjectSpec
    id_needed: bool = True
    optional: bool = False


@dataclass(frozen=True)
class InboxState:
    """
    What lies in the inbox.

    :param findings: what is missing or wrong, one line each
    :param digests: object -> SHA-256 of its file; the same on two looks means that nobody is
        writing any more
    :param rows: object -> records in its file
    :param unchanged: files that were exported again and hold what was loaded before
    """

    findings: tuple[str, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether every file is there and usable."""
        return not self.findings


def inbox_state(
    staging: Staging,
    expected: Sequence[Expected],
    form: CsvFormat,
    loaded: Mapping[str, Watermark] | None = None,
    frozen_at: datetime | None = None,
) -> InboxState:
    """
    Look into the inbox.

    :param expected: files that should be there
    :param form: how the customer's files are written
    :param loaded: object -> what the environment was last loaded with, where that will not do again
    :param frozen_at: the freeze of a cutover: a file that was dropped before lacks what was done
        until then
    """
    findings = list(_strange_objects(form, expected))
    digests: dict[str, str] = {}
    rows: dict[str, int] = {}
    unchanged: list[str] = []
    for want in expected:
        name = f"{FOLDER}/{want.spec.csv_name}"
        if not staging.exists(name):
            if not want.optional:
                findings.append(
                    f"{name}: is missing: export {want.spec.label} as CSV and drop it there"
                )
            continue
        digests[want.spec.name] = found = _digest(staging, name)
        dropped = staging.modified(name)
        before = (loaded or {}).get(want.spec.name)
        if before and before.csv and before.csv.sha256 == found:
            if time_text(dropped) <= time_text(before.csv.modified):
                findings.append(_not_new(name, want, before))
                continue
            unchanged.append(name)
        elif before and (run := before.loaded_by(found)):
            findings.append(_older(name, want, run, before))
            continue
        if frozen_at is not None and dropped < frozen_at:
            findings.append(_before_freeze(name, want, dropped, frozen_at))
        checked = check_csv(csv_file(staging, name), want.spec, form, id_needed=want.id_needed)
        rows[want.spec.name] = checked.rows
        findings.extend(checked.findings)
    return InboxState(tuple(findings), digests, rows, tuple(unchanged))


def csv_file(staging: Staging, name: str) -> CsvFile:
    """Return a CSV file of staging."""
    return CsvFile(name.rpartition("/")[2], partial(staging.open, name))


def copy_inbox(staging: Staging, run: str, specs: Sequence[ObjectSpec]) -> dict[str, Any]:
    """
    Copy the CSV files of a run in, so that nobody can change them under it; done once per run.

    :param specs: objects whose files are wanted; one without a file is left out
    :return: object -> ``{"name", "size", "sha256", "modified"}`` of its copy; the last is when the
        customer dropped the file
    """
    if staging.exists(copies_index(run)):
        return read_copied(staging, run)
    copied: dict[str, Any] = {}
    for spec in specs:
        source = f"{FOLDER}/{spec.csv_name}"
        if spec.csv_name and staging.exists(source):
            copied[spec.name] = _copy(staging, source, f"{run}/extract/inbox/{spec.csv_name}")
    write_copied(staging, run, copied)
    return copied


def write_copied(staging: Staging, run: str, copied: Mapping[str, Any]) -> None:
    """List the copies of a run, which is done last of all."""
    index = {"format": FORMAT, "files": copied}
    staging.write_json(copies_index(run), index, exclusive=True)


def read_copied(staging: Staging, run: str) -> dict[str, Any]:
    """Return what :func:`copy_inbox` copied for a run."""
    copied: dict[str, Any] = staging.read_json(copies_index(run))["files"]
    return copied


def _not_new(name: str, want: Expected, before: Watermark) -> str:
    dropped = time_text(before.csv.modified) if before.csv else ""
    return (
        f"{name}: is not new: it lies there since {dropped} and was loaded by run {before.run}: "
        f"{_export_again(want)}"
    )


def _older(name: str, want: Expected, run: str, before: Watermark) -> str:
    return (
        f"{name}: is an old file: run {run} loaded it, and run {before.run} a newer one since: "
        f"{_export_again(want)}; if {want.spec.label} is again what it was then, run mode full"
    )


def _before_freeze(name: str, want: Expected, dropped: datetime, frozen_at: datetime) -> str:
    return (
        f"{name}: was dropped at {time_text(dropped)}, before the source was frozen at "
        f"{time_text(frozen_at)}, so it may lack the last changes: {_export_again(want)}"
    )


def _export_again(want: Expected) -> str:
    or_else = ", or take it out of the inbox" if want.optional else ""
    return f"export {want.spec.label} again and drop it there, even if nothing changed{or_else}"


def copies_index(run: str) -> str:
    """Return where a run lists its copies."""
    return f"{run}/extract/inbox.json"


def _copy(staging: Staging, source: str, target: str) -> dict[str, Any]:
    modified = time_text(staging.modified(source))
    with staging.open(source) as reading, staging.writing(target) as writing:
        size, sha256 = copy_stream(reading, writing, MAX_BYTES)
    return {"name": target, "size": size, "sha256": sha256, "modified": modified}


def _digest(staging: Staging, name: str) -> str:
    seen = hashlib.sha256()
    with staging.open(name) as stream:
        while chunk := stream.read(_CHUNK):
            seen.update(chunk)
    return seen.hexdigest()


def _strange_objects(form: CsvFormat, expected: Sequence[Expected]) -> Iterator[str]:
    """Tell settings for objects that no file carries; they would never take effect."""
    known = [want.spec.name for want in expected]
    settings = {
        "csv.aliases": form.aliases,
        "csv.formats": {place.partition(".")[0] for place in form.formats},
        "csv.custom_fields": {custom.object for custom in form.custom_fields},
    }
    for setting, names in settings.items():
        for name in sorted(set(names) - set(known)):
            yield f"{setting}: {name!r} is no object read from CSV; they are: {', '.join(known)}"
