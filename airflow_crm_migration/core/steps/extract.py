"""The extract step: a complete extract of one object, however much of it had to be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.extract import Extraction
from airflow_crm_migration.core.extract_window import Window
from airflow_crm_migration.core.inbox import FOLDER, read_copied
from airflow_crm_migration.core.protocols import Progress, Route
from airflow_crm_migration.core.steps.discover import PROBE
from airflow_crm_migration.core.steps.reuse import take_over_extract
from airflow_crm_migration.core.watermarks import check_not_shrunk, read_watermark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.csv_format import CsvFormat
    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Source
    from airflow_crm_migration.core.run import Run, Say
    from airflow_crm_migration.core.watermarks import Watermark


@dataclass(frozen=True)
class Reading:
    """
    How a run comes by the records of the source.

    :param changes_only: read only what changed since the environment's watermark, where the source
        can tell
    :param overlap: how much earlier than the watermark a window begins
    :param accept_shrunk: go on where the source holds far less than it did
    :param extract_of: folder of an earlier run whose extract is taken over, None to read
    """

    changes_only: bool = False
    overlap: timedelta = timedelta(minutes=10)
    accept_shrunk: bool = False
    extract_of: str | None = None


def extract_step(
    run: Run,
    spec: ObjectSpec,
    *,
    form: CsvFormat,
    source: Source | None,
    identity: Sequence[str],
    reading: Reading,
    say: Say,
) -> dict[str, Any]:
    """
    Read one object of the source.

    :param form: how the customer's CSV files are written
    :param source: None where there is no connection
    :param identity: fields that identify a record
    :return: the manifest
    :raises UserMistake: when a CSV file cannot be used, or when the object holds far less than the
        environment was loaded with
    """
    before = read_watermark(run.staging, run.environment, spec.name)
    if reading.extract_of:
        manifest = take_over_extract(run, reading.extract_of, spec.name)
    else:
        routes = {row["object"]: row["route"] for row in run.read(PROBE)}
        manifest = Extraction(
            run.staging,
            run.folder,
            spec,
            Route(routes[spec.name]),
            form,
            source,
            identity,
            _copied(run, before, spec.name),
            Progress(say),
            _window(before, source, reading, spec.name),
        ).extract()
    if not reading.accept_shrunk:
        place = f"{FOLDER}/{spec.csv_name}" if manifest["csv"] else spec.name
        check_not_shrunk(before, manifest, place, run.environment)
    return manifest


def _copied(run: Run, before: Watermark | None, object_name: str) -> dict[str, Any]:
    """Return the copies of CSV files; one that says what was loaded already names that run."""
    copied = read_copied(run.staging, run.folder)
    copy = copied.get(object_name)
    if copy and before and before.csv and before.csv.sha256 == copy["sha256"]:
        copied[object_name] = copy | {"same_as": before.run}
    return copied


def _window(
    before: Watermark | None, source: Source | None, reading: Reading, object_name: str
) -> Window | None:
    wanted = reading.changes_only and source is not None and object_name in source.reads_since
    if not wanted or before is None:
        return None
    return Window(before.run, before.start, reading.overlap, before.tenant)
