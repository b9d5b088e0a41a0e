"""Collects what a rollback left in staging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.report.inputs import Given
from airflow_crm_migration.core.report.model import Change, Kept, Rollback, RolledBack
from airflow_crm_migration.core.rollback.plan import Planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.reader import RunReader


class Decisions(Given):
    """What was to be signed."""

    order: tuple[str, ...]
    objects: dict[str, dict[str, int]]


class Residue(Given):
    """What is not taken away."""

    traces: dict[str, int]
    histories: int
    uploads: list[Any]
    binaries: int


class Evidence(Given):
    """What was to be looked at."""

    residue: Residue
    made: Annotated[tuple[Change, ...], Field(alias="schema")]
    requests: dict[str, int]
    seconds: float


class Forecast(Given):
    """What ``rollback/forecast.json`` holds, as far as the report needs it."""

    decisions: Decisions
    evidence: Evidence


class PhaseDone(Given):
    """One phase of ``rollback/result.json``."""

    complete: bool


class UndoneManifest(Given):
    """The manifest of a phase that was undone."""

    counts: dict[str, int]


def rollback_of(reader: RunReader) -> Rollback | None:
    """Return what is known of a rollback, None when the run forecast none."""
    forecast: Forecast | None = reader.json("rollback/forecast.json", Forecast)
    if forecast is None:
        return None
    result: dict[str, PhaseDone] = reader.json("rollback/result.json", dict[str, PhaseDone]) or {}
    told = forecast.evidence
    return Rollback(
        phases=tuple(
            RolledBack(
                name,
                forecast.decisions.objects[name],
                _undone(reader, name),
                result[name].complete if name in result else None,
            )
            for name in forecast.decisions.order
        ),
        requests=sum(told.requests.values()),
        seconds=told.seconds,
        residue={
            "traces": sum(told.residue.traces.values()),
            "histories": told.residue.histories,
            "uploads": len(told.residue.uploads),
            "binaries": told.residue.binaries,
        },
        schema=told.made,
    )


def _undone(reader: RunReader, phase: str) -> dict[str, int] | None:
    found: UndoneManifest | None = reader.json(
        f"rollback/undone/{phase}/manifest.json", UndoneManifest
    )
    return found.counts if found else None


def kept_by(reader: RunReader, rollback: Rollback | None) -> Iterator[Kept]:
    """Walk what a rollback keeps in whole or in part: as it was undone, else as forecast."""
    for phase in rollback.phases if rollback else ():
        folder = "planned" if phase.undone is None else "undone"
        for row in reader.rows(f"rollback/{folder}/{phase.name}", dict[str, Any]):
            one = Planned.from_json(row)
            if one.stays:
                sources = ", ".join(f"{key.source_object} {key.source_id}" for key in one.keys)
                reason = one.reason or Reason.EDITED_SINCE
                yield Kept(phase.name, one.id, sources, reason, one.detail)
