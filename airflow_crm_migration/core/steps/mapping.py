"""The mapping step: proposes what the customer signs, and reads what was signed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.extract_read import extract_manifest
from airflow_crm_migration.core.fields import FieldSpec, FieldType, Option
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.left_behind import left_behind
from airflow_crm_migration.core.mapping import Mapping as PairMapping
from airflow_crm_migration.core.mapping import contradictions
from airflow_crm_migration.core.mapping_check import choice_mistakes
from airflow_crm_migration.core.mapping_values import STRICT, Scalar
from airflow_crm_migration.core.propose import Found, Proposer, count_values
from airflow_crm_migration.core.report.mapping_words import crowded_fields
from airflow_crm_migration.core.steps.source_records import source_records
from airflow_crm_migration.core.transform.step_check import step_mistakes
from airflow_crm_migration.core.validation import findings_of
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run

_PICKLISTS = (FieldType.SELECT, FieldType.MULTI_SELECT)


def propose_step(
    run: Run,
    destination: Destination,
    mapping: PairMapping,
    *,
    choices: Mapping[str, Any],
    value_maps: Mapping[str, Mapping[str, str]],
    owners: Mapping[str, str],
) -> str:
    """
    Resolve the pair's mapping against source and destination and lay it before the customer.

    :param owners: overrides of the engagement; they are part of what is signed
    :return: digest of the decisions
    """
    custom = {name: _custom_columns(run, name) for name in mapping.source_objects}
    absent = {
        name: columns
        for name in mapping.source_objects
        if (columns := extract_manifest(run.staging, run.folder, name)["absent"])
    }
    found: Found = {}
    with source_records(run, mapping, choices, whole=True) as records:
        for name in mapping.source_objects:
            found |= count_values(mapping, name, records.walk(name))
    proposer = Proposer(
        mapping,
        choices=choices,
        value_maps=value_maps,
        schema=destination.describe(),
        rules=destination,
    )
    proposal = proposer.propose(found, custom)
    decisions = {
        "mapping": dump(proposal.mapping),
        "choices": mapping.chosen(dict(choices)),
        "owners": dict(owners),
    }
    run.write(
        "mapping/proposal.json", {"mapping": decisions["mapping"], "changes": proposal.changes}
    )
    evidence = {
        "changes": proposal.changes,
        "crowded": crowded_fields(proposal.mapping),
        "absent": absent,
        "left_behind": _left_behind(run, proposal.mapping),
        "values": {
            f"{line}.{field}": dict(counts) for (line, field), counts in sorted(found.items())
        },
    }
    gate = Gate(run.engagement, "mapping", run.environment)
    return propose(run.staging, gate, decisions, evidence, datetime.now(UTC)).digest


def _left_behind(run: Run, mapping: PairMapping) -> dict[str, list[str]]:
    """Return source object -> its fields that are there and that no rule reads."""
    found: dict[str, list[str]] = {}
    for name in mapping.source_objects:
        manifest = extract_manifest(run.staging, run.folder, name)
        found[name] = left_behind(mapping, name, manifest["fields"].keys() - manifest["absent"])
    return {name: fields for name, fields in found.items() if fields}


def dump(mapping: PairMapping) -> dict[str, Any]:
    """Return a mapping as JSON, in which what is left to its default is left out."""
    return mapping.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def load(decisions: Mapping[str, Any]) -> PairMapping:
    """
    Return the mapping that signed decisions hold.

    :raises UserMistake: they are not what a mapping is made of
    """
    return _read(decisions, "signed mapping").mapping


def check_decisions(decisions: Mapping[str, Any], place: str) -> None:
    """
    Check decisions that people may have edited, before anybody signs them.

    :param place: where they lie, for the findings
    :raises UserMistake: with all mistakes at once
    """
    read = _read(decisions, place)
    mapping = read.mapping
    findings = [*contradictions(mapping), *step_mistakes(mapping)]
    findings += choice_mistakes(mapping, read.choices)
    for name in sorted(mapping.choices.keys() - read.choices.keys()):
        offered = ", ".join(str(value) for value in mapping.choices[name].values)
        findings.append(f"choices.{name}: is missing; choose one of: {offered}")
    findings += _stray_values(mapping)
    if findings:
        raise UserMistake([f"{place}: {finding}" for finding in findings])


def check_choices(decisions: Mapping[str, Any], chosen: Mapping[str, Scalar], place: str) -> None:
    """
    Check that nobody chose otherwise in a proposal, whose lines were made for what was chosen.

    :param chosen: what the engagement says and the defaults
    :param place: where the decisions lie, for the findings
    :raises UserMistake: with each choice that differs
    """
    proposed = decisions.get("choices", {})
    findings = [
        f"{place}: choices.{name} = {proposed[name]!r}: the engagement says {value!r}; set it "
        "there under choices and start a new run"
        for name, value in chosen.items()
        if name in proposed and proposed[name] != value
    ]
    if findings:
        raise UserMistake(findings)


def _stray_values(mapping: PairMapping) -> Iterator[str]:
    """Walk the values that a map leads to and that are no options of their field."""
    for line in mapping.lines:
        for rule in line.fields:
            if not isinstance(rule.options, tuple):
                continue
            there = {option.value for option in rule.options}
            for given, value in (rule.map or {}).items():
                if value not in there:
                    offered = ", ".join(sorted(there))
                    yield (
                        f"lines.{line.id}.{rule.to}.map.{given} = {value!r}: is no option of the "
                        f"field; choose one of: {offered}"
                    )


class _Decisions(BaseModel):
    """What is signed as the mapping."""

    model_config = STRICT

    mapping: PairMapping
    choices: dict[str, Scalar] = {}
    owners: dict[str, str] = {}


def _read(decisions: Mapping[str, Any], place: str) -> _Decisions:
    try:
        return _Decisions.model_validate(decisions)
    except ValidationError as error:
        raise UserMistake(findings_of(error, place)) from None


def _custom_columns(run: Run, name: str) -> list[FieldSpec]:
    """Return the undeclared columns of an object; of a picklist with every value that occurs."""
    columns = extract_manifest(run.staging, run.folder, name)["custom"]
    picklists: dict[str, set[str]] = {
        column["name"]: set() for column in columns if column["type"] in _PICKLISTS
    }
    if picklists:
        for record in run.records(name):
            for column, values in picklists.items():
                values.update(texts(record.get(column)))
    return [
        FieldSpec(
            column["name"],
            FieldType(column["type"]),
            column["label"] or column["name"],
            tuple(Option(value, value) for value in sorted(picklists.get(column["name"], ()))),
        )
        for column in columns
    ]
