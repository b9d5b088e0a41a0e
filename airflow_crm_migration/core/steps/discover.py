"""The discover step: what there is to move, and by which way, laid before the customer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.protocols import Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run

PROBE = "probe.json"


def propose_scope(
    run: Run,
    mapping: PairMapping,
    *,
    choices: Mapping[str, Any],
    rows: Mapping[str, int],
    custom: Mapping[str, Sequence[str]],
) -> str:
    """
    Lay the scope before the customer: what moves, by which way, and what each row loses.

    :param rows: source object -> records in its CSV file
    :param custom: source object -> columns that its declared fields do not name
    :return: digest of the decisions
    """
    probe = {row["object"]: row for row in run.read(PROBE)}
    objects = {
        name: {"route": probe[name]["route"], "becomes": sorted(_becomes(mapping, name))}
        for name in mapping.source_objects
    }
    decisions = {
        "objects": objects,
        "choices": mapping.chosen(dict(choices)),
        "promises": [row.model_dump(mode="json") for row in mapping.rows],
    }
    evidence = {
        "counts": {
            name: {"api": probe[name]["count"], "csv": rows.get(name)}
            for name in mapping.source_objects
        },
        "reasons": {name: probe[name]["reason"] for name in mapping.source_objects},
        "custom_columns": {name: list(columns) for name, columns in custom.items() if columns},
    }
    gate = Gate(run.engagement, "scope", run.environment)
    return propose(run.staging, gate, decisions, evidence, datetime.now(UTC)).digest


def csv_only(objects: Sequence[str], reason: str) -> list[dict[str, Any]]:
    """Return the probe's result where there is no connection to ask."""
    return [
        {"object": name, "route": Route.CSV, "reason": reason, "count": None} for name in objects
    ]


def _becomes(mapping: PairMapping, name: str) -> set[str]:
    lines = {line.destination for line in mapping.lines if line.source == name}
    folds = {f"{i.object}.{i.field}" for f in mapping.folds if f.source == name for i in f.into}
    return lines | folds
