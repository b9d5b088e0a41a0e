"""The freeze step: which records that were read declare a change after the freeze."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.extract_read import extract_manifest
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.core.freeze import FREEZE, PARAMETER
from airflow_crm_migration.core.staging import PartWriter, read_manifest
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.run import Run

AFTER = "after_freeze"


def count_after_freeze(run: Run, mapping: PairMapping) -> dict[str, int | None]:
    """
    Count the records that changed after the declared instant, and list them in the run's folder.

    They arrive like all others, for they were read; the signature of the cutover names them.

    :return: object -> number, None for one whose records tell no time; empty without a freeze
    """
    freeze = run.read_if_there(FREEZE, None)
    if freeze is None:
        return {}
    frozen_at, now = datetime.fromisoformat(freeze[PARAMETER]), datetime.now(UTC)
    writer = PartWriter(run.staging, run.name(AFTER))
    counts: dict[str, int | None] = {}
    for name in mapping.source_objects:
        fields = _times(run, mapping, name)
        counts[name] = 0 if fields else None
        for record in run.records(name) if fields else ():
            changed = _changed(record, fields, now)
            if changed is not None and changed > frozen_at:
                counts[name] = (counts[name] or 0) + 1
                row = {"object": name, "id": str(record["id"]), "changed": time_text(changed)}
                writer.add(row)
    writer.finish(counts=counts)
    return counts


def read_after_freeze(run: Run) -> dict[str, int | None] | None:
    """Return what :func:`count_after_freeze` counted, None when nothing was counted."""
    manifest = read_manifest(run.staging, run.name(AFTER))
    return None if manifest is None else dict(manifest["counts"])


def _times(run: Run, mapping: PairMapping, name: str) -> list[str]:
    """Return the fields that say when a record changed; where none does, when it was made."""
    kinds: dict[str, Any] = extract_manifest(run.staging, run.folder, name)["fields"]
    rules = [rule for line in mapping.lines if line.source == name for rule in line.fields]
    changed = {field for rule in rules if rule.incidental for field in rule.own_sources}
    made = {field for rule in rules if rule.only_new for field in rule.own_sources}
    for fields in (changed, made):
        found = sorted(field for field in fields if kinds.get(field) == FieldType.DATETIME)
        if found:
            return found
    return []


def _changed(record: Values, fields: Sequence[str], now: datetime) -> datetime | None:
    """Return the latest time of a record; one that lies ahead is an appointment, not a change."""
    told: Iterable[datetime] = (
        datetime.fromisoformat(text) for field in fields for text in texts(record.get(field))
    )
    return max((time for time in told if time <= now), default=None)
