"""Keeps descriptions of a destination's objects in staging."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import ObjectSpec
from airflow_crm_migration.core.lease import hold_lease
from airflow_crm_migration.core.ledger.writer import LedgerPlace
from airflow_crm_migration.core.load.plan import written_fields
from airflow_crm_migration.core.propose import planned_schema, wanted_schema
from airflow_crm_migration.core.steps.targets import check_targets
from airflow_crm_migration.core.steps.tenant import check_tenant, hold_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination, SchemaChange
    from airflow_crm_migration.core.run import Run

_SCHEMA = TypeAdapter(dict[str, ObjectSpec])
_FILE = "schema/planned.json"
RETIRED, IN_USE = "retire_options", "keep_options"


def write_schema(run: Run, schema: Mapping[str, ObjectSpec]) -> None:
    """Keep the objects with all fields that the signed mapping writes."""
    run.write(_FILE, _SCHEMA.dump_python(dict(schema), mode="json"))


def read_schema(run: Run) -> dict[str, ObjectSpec]:
    """Return the objects with all fields that the signed mapping writes."""
    return _SCHEMA.validate_python(run.read(_FILE))


def prepare_destination(run: Run, destination: Destination, mapping: PairMapping) -> dict[str, Any]:
    """
    Make the fields and options that the signed mapping needs, and retire those that it names.

    A dry run only lists the changes.

    :return: counts by kind of change
    :raises UserMistake: records stand in the destination by a line that the mapping lost, or the
        connection leads to another tenant than the one written to before
    """
    check_targets(run, mapping)
    wanted = wanted_schema(mapping)
    # Options are read, added to and written back whole: a second writer's would be lost.
    with hold_lease(run, destination, "prepare the destination") as lease:
        check_tenant(run, destination.tenant())
        changes = destination.ensure_schema(wanted, dry_run=True)
        retire = partial(_retire, run, destination, mapping, wanted)
        changes += retire(dry_run=True)
        if changes and not run.dry_run:
            hold_tenant(run, destination)
            noted = [change for change in changes if change.action != IN_USE]
            _note(run, noted, lease.epoch)
            destination.ensure_schema(wanted, dry_run=False)
            retire(dry_run=False)
        schema = planned_schema(destination.describe(), wanted)
        _check_fields(mapping, schema)
        write_schema(run, schema)
    run.write("schema/changes.json", [vars(change) for change in changes])
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.action] = counts.get(change.action, 0) + 1
    return counts


def _check_fields(mapping: PairMapping, schema: Mapping[str, ObjectSpec]) -> None:
    """Check that the destination has every field that a mapping, edited perhaps, writes."""
    findings = [
        f"lines.{line.id}.{name}: {line.destination} has no such field; "
        "mend the mapping and sign it, or add create to the field"
        for line in mapping.lines
        for name in sorted(written_fields(line))
        if name not in schema[line.destination].fields
    ]
    if findings:
        raise UserMistake(findings)


def _retire(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    wanted: Sequence[ObjectSpec],
    *,
    dry_run: bool,
) -> list[SchemaChange]:
    """Retire each option once: what people make again later is theirs."""
    before = _retired(run)
    fields = {(spec.name, name): field for spec in wanted for name, field in spec.fields.items()}
    changes: list[SchemaChange] = []
    for line in mapping.lines:
        for rule in line.fields:
            field = fields.get((line.destination, rule.to))
            if rule.retire is None or field is None:
                continue
            spared = {option.value for option in field.options}
            spared |= before.get((line.destination, rule.to), set())
            changes += destination.retire_options(
                line.destination,
                rule.to,
                [value for value in rule.retire.options if value not in spared],
                default=field.options[0].value,
                dry_run=dry_run,
            )
    return changes


def _retired(run: Run) -> dict[tuple[str, str], set[str]]:
    """Return object and field -> options that other runs of this environment retired."""
    found: dict[tuple[str, str], set[str]] = {}
    for name in run.staging.names(_notes_folder(run)):
        rows = [] if name == _notes_name(run) else run.staging.read_json(name)
        for row in rows:
            if row["action"] == RETIRED:
                found.setdefault((row["object"], row["field"]), set()).update(
                    row["detail"].split(", ")
                )
    return found


def _notes_folder(run: Run) -> str:
    return f"{LedgerPlace.of(run.environment).folder}/schema"


def _notes_name(run: Run) -> str:
    return f"{_notes_folder(run)}/{run.folder}.json"


def _note(run: Run, changes: Sequence[SchemaChange], epoch: int) -> None:
    """Note ahead what is about to be made: a rollback lists it, whatever run made it."""
    name = _notes_name(run)
    before = run.staging.read_json(name) if run.staging.exists(name) else []
    rows = [{**vars(change), "epoch": epoch} for change in changes]
    run.staging.write_json(name, before + rows)


def _notes(run: Run) -> list[dict[str, Any]]:
    names = run.staging.names(_notes_folder(run))
    return [row for name in names for row in run.staging.read_json(name)]


def made_changes(run: Run) -> list[dict[str, Any]]:
    """Return the fields and options that runs of this environment made, each once."""
    rows = [{n: value for n, value in row.items() if n != "epoch"} for row in _notes(run)]
    return [row for number, row in enumerate(rows) if row not in rows[:number]]


def made_fields(run: Run, phase: str) -> dict[str, int]:
    """Return the fields of an object that we made -> the epoch in which that was done last."""
    made: dict[str, int] = {}
    for row in _notes(run):
        if row["object"] == phase and row["action"] in ("create_field", "create_relation"):
            made[row["field"]] = max(row["epoch"], made.get(row["field"], 0))
    return made
