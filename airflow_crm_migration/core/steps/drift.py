"""Stops a load whose destination is no longer what was prepared for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.core.fields import FieldSpec, ObjectSpec
    from airflow_crm_migration.core.mapping import FieldRule, Line
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Destination

    Schema = Mapping[str, ObjectSpec]

_FIX = (
    "run again from prepare_destination, which makes what may be made, "
    "or have a mapping signed that does without it"
)


def check_schema(
    destination: Destination, mapping: PairMapping, phase: str, planned: Schema
) -> None:
    """
    Ask the destination whether it still has all that a phase writes.

    :param mapping: as signed
    :param planned: the objects as they were prepared
    :raises UserMistake: naming each field and option that is gone or is something else now
    """
    now = destination.describe()
    findings = [
        finding
        for line in mapping.lines_of(phase)
        for name in sorted(_fields(line))
        for finding in _findings(phase, planned[phase].fields.get(name), now)
    ]
    findings += [
        finding
        for line in mapping.lines_of(phase)
        for rule in line.fields
        for finding in _lost_options(phase, rule, planned, now)
    ]
    if findings:
        raise UserMistake(list(dict.fromkeys(findings)))


def _fields(line: Line) -> set[str]:
    names = {rule.to for rule in line.fields} | {rule.to for rule in line.links}
    names |= {rule.to for rule in line.owners}
    names |= {rule.unusable_to for rule in line.fields if rule.unusable_to}
    return names | ({line.source_id_field} if line.source_id_field else set())


def _findings(phase: str, wanted: FieldSpec | None, now: Schema) -> Iterator[str]:
    if wanted is None:
        return
    if wanted.join is not None:
        if wanted.join.object not in now:
            yield f"{wanted.join.object}: the destination no longer has this object; {_FIX}"
        return
    place = f"{phase}.{wanted.name}"
    field = now[phase].fields.get(wanted.name) if phase in now else None
    if field is None:
        yield f"{place}: the destination no longer has this field; {_FIX}"
    elif field.type is not wanted.type:
        was, became = wanted.type.value, field.type.value
        yield f"{place}: prepared as {was}, it is {became} in the destination now; {_FIX}"


def _lost_options(phase: str, rule: FieldRule, planned: Schema, now: Schema) -> Iterator[str]:
    wanted = planned[phase].fields.get(rule.to)
    field = now[phase].fields.get(rule.to) if phase in now else None
    if wanted is None or field is None:
        return
    if wanted.type not in (FieldType.SELECT, FieldType.MULTI_SELECT):
        return
    standing = {option.value for option in field.options}
    needed = {*(rule.map or {}).values(), rule.value, rule.fallback}
    needed |= {o.value for o in rule.options} if isinstance(rule.options, tuple) else set()
    for option in wanted.options:
        if option.value in needed and option.value not in standing:
            yield (
                f"{phase}.{rule.to} = {option.value!r} ({option.label}): the destination no "
                f"longer has this option; {_FIX}"
            )
