"""Makes the fields and options that a mapping needs; takes away only what nothing uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import CrmError, UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec, Option
from airflow_crm_migration.core.protocols import SchemaChange
from airflow_crm_migration.hooks.twenty.schema import MEMBER, Schema, TwentyObject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from airflow_crm_migration.hooks.twenty.metadata import Metadata

_NATIVE: Mapping[FieldType, str] = {
    FieldType.TEXT: "TEXT",
    FieldType.LONG_TEXT: "RICH_TEXT",
    FieldType.NUMBER: "NUMBER",
    FieldType.MONEY: "CURRENCY",
    FieldType.BOOLEAN: "BOOLEAN",
    FieldType.DATE: "DATE",
    FieldType.DATETIME: "DATE_TIME",
    FieldType.SELECT: "SELECT",
    FieldType.MULTI_SELECT: "MULTI_SELECT",
    FieldType.EMAILS: "EMAILS",
    FieldType.PHONES: "PHONES",
    FieldType.LINKS: "LINKS",
    FieldType.ADDRESS: "ADDRESS",
    FieldType.PERSON_NAME: "FULL_NAME",
    FieldType.ACTOR: "ACTOR",
    FieldType.FILE: "FILES",
    FieldType.JSON: "RAW_JSON",
    FieldType.REFERENCE: "RELATION",
    FieldType.USER: "RELATION",
}
_CHOICES = ("SELECT", "MULTI_SELECT")
_COLORS = ("green", "turquoise", "sky", "blue", "purple", "pink", "red", "orange", "yellow", "gray")


@dataclass(frozen=True)
class Step:
    """
    One change that is due.

    :param missing: options to append, of a field that exists
    """

    target: TwentyObject
    field: FieldSpec
    missing: tuple[Option, ...] = ()

    @property
    def change(self) -> SchemaChange:
        """The change as it is reported."""
        if self.missing:
            action, detail = "add_options", ", ".join(o.value for o in self.missing)
        else:
            action = "create_relation" if _relates(self.field) else "create_field"
            detail = self.field.type.value
        return SchemaChange(self.target.name, self.field.name, action, detail)


def plan(schema: Schema, wanted: Iterable[ObjectSpec]) -> list[Step]:
    """
    Find what is missing.

    :param schema: as it is now
    :param wanted: objects with just the fields that are needed
    :raises UserMistake: where something else is in the way; all findings at once
    """
    steps: list[Step] = []
    findings: list[str] = []
    for spec in wanted:
        target = schema.objects.get(spec.name)
        if target is None:
            findings.append(f"Twenty has no object {spec.name}: create it or change the mapping")
            continue
        for field in spec.fields.values():
            finding = _obstacle(schema, target, field)
            findings += [finding] if finding else []
            steps += [] if finding else _steps(target, field)
    if findings:
        raise UserMistake(findings)
    return steps


class SchemaChanger:
    """
    Applies a plan.

    :param metadata: of the workspace
    """

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def apply(self, schema: Schema, steps: Sequence[Step]) -> None:
        """
        Make the changes.

        :param schema: that the steps were planned with
        :param steps: what to do
        """
        for step in steps:
            if step.missing:
                self._add_options(step)
            else:
                self._metadata.create_field(_body(schema, step))

    def remove_options(
        self, target: TwentyObject, name: str, unused: Collection[str], default: str
    ) -> None:
        """
        Take options away that no record has.

        :param unused: their values
        :param default: becomes the default where that goes
        """
        field = self._field(target, name)
        kept = [option for option in field["options"] if option["value"] not in unused]
        goes = str(field.get("defaultValue") or "").strip("'") in unused
        self._replace(target, name, kept, kept, default=default if goes else None)

    def _add_options(self, step: Step) -> None:
        existing = self._field(step.target, step.field.name)["options"]
        known = {o["value"] for o in existing}
        new = _options([o for o in step.missing if o.value not in known], len(existing))
        if new:
            ordered = _in_order(step.field.options, existing, new)
            self._replace(step.target, step.field.name, existing, ordered)

    def _field(self, target: TwentyObject, name: str) -> dict[str, Any]:
        field = self._metadata.field(str(target.raw[name]["id"]))
        if not all(o.get("id") for o in field["options"]):
            place = f"{target.name}.{name}"
            raise CrmError(f"{place}: Twenty did not give the ids of its options; nothing changed")
        return field

    def _replace(
        self,
        target: TwentyObject,
        name: str,
        kept: Sequence[dict[str, Any]],
        options: list[dict[str, Any]],
        default: str | None = None,
    ) -> None:
        """Write all options back and look whether those that stay are still the same ones."""
        field_id = str(target.raw[name]["id"])
        self._metadata.change_options(field_id, options, default)
        now = {(o.get("id"), o["value"]) for o in self._metadata.field(field_id)["options"]}
        lost = [o["value"] for o in kept if (o["id"], o["value"]) not in now]
        if lost:
            raise CrmError(f"{target.name}.{name}: Twenty replaced the options {', '.join(lost)}")


def _obstacle(schema: Schema, target: TwentyObject, field: FieldSpec) -> str | None:
    place = f"{target.name}.{field.name}"
    if field.name in target.inactive:
        return f"{place} is deactivated in Twenty: activate it there or rename it in the mapping"
    existing = target.spec.fields.get(field.name)
    if existing is None:
        return _impossible(schema, place, field)
    if existing.type is not field.type:
        return (
            f"{place} exists in Twenty as {existing.type.value}, the mapping wants "
            f"{field.type.value}: rename one of them"
        )
    lacking = {o.value for o in field.options} - {o.value for o in existing.options}
    if lacking and target.raw[field.name]["type"] not in _CHOICES:
        return f"{place} takes no further options: map {', '.join(sorted(lacking))} to its own"
    return None


def _impossible(schema: Schema, place: str, field: FieldSpec) -> str | None:
    if not _relates(field):
        return None
    if not field.name.endswith("Id"):
        return f"{place}: the name of a relation ends with Id: call it {field.name}Id"
    if _referred(field) not in schema.objects:
        return f"{place}: Twenty has no object {_referred(field)} to refer to"
    return None


def _steps(target: TwentyObject, field: FieldSpec) -> Iterator[Step]:
    existing = target.spec.fields.get(field.name)
    if existing is None:
        yield Step(target, field)
        return
    known = {o.value for o in existing.options}
    missing = tuple(o for o in field.options if o.value not in known)
    if missing:
        yield Step(target, field, missing)


def _body(schema: Schema, step: Step) -> dict[str, Any]:
    target, field = step.target, step.field
    body: dict[str, Any] = {
        "objectMetadataId": target.id,
        "type": _NATIVE[field.type],
        "name": field.name,
        "label": field.label or field.name,
    }
    if _relates(field):
        name = field.name.removesuffix("Id")
        relation = {
            "type": "MANY_TO_ONE",
            "targetObjectMetadataId": schema.objects[_referred(field)].id,
            "targetFieldLabel": _words(target.name, name),
            "targetFieldIcon": "IconList",
        }
        return {**body, "name": name, "relationCreationPayload": relation}
    if field.unique:
        body["isUnique"] = True
    if body["type"] in _CHOICES:
        body["options"] = _options(field.options, 0)
    if field.type is FieldType.FILE:
        body["settings"] = {"maxNumberOfValues": 10}
    return body


def _relates(field: FieldSpec) -> bool:
    return field.type in (FieldType.REFERENCE, FieldType.USER)


def _referred(field: FieldSpec) -> str:
    return MEMBER if field.type is FieldType.USER else "".join(field.references[:1])


def _words(*names: str) -> str:
    # Twenty makes the name of the other end of this label: only letters that it keeps.
    words = [w.lower() for name in names for w in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)]
    return " ".join(words).capitalize()


def _in_order(
    wanted: Sequence[Option], existing: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """
    Put new options where the mapping's order wants them; existing ones keep theirs.

    :param existing: options as Twenty shows them
    :param new: options to be added
    """
    order = [option.value for option in wanted]
    placed = sorted(existing, key=lambda option: int(option.get("position", 0)))
    for option in new:
        rank = order.index(option["value"])
        values = [o["value"] for o in placed]
        before = [values.index(v) for v in order[:rank] if v in values]
        after = [values.index(v) for v in order[rank + 1 :] if v in values]
        at = before[-1] + 1 if before else min(after, default=len(placed))
        placed.insert(at, option)
    return [{**option, "position": at} for at, option in enumerate(placed)]


def _options(wanted: Sequence[Option], first: int) -> list[dict[str, Any]]:
    return [
        {"value": o.value, "label": o.label, "color": _COLORS[at % len(_COLORS)], "position": at}
        for at, o in enumerate(wanted, first)
    ]
