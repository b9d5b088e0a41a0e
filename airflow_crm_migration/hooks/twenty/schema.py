"""Twenty's metadata as objects and fields that mappings speak of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldSpec, FieldType, Join, ObjectSpec, Option

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MEMBER = "workspaceMember"
#: Plurals of the standard objects, which nobody can change: counting needs no schema.
PLURALS: Mapping[str, str] = {
    "company": "companies",
    "person": "people",
    "opportunity": "opportunities",
    "task": "tasks",
    "note": "notes",
    "attachment": "attachments",
    MEMBER: "workspaceMembers",
}
#: Twenty's types -> ours. A UUID that is no relation refers to something we do not know.
TYPES: Mapping[str, FieldType] = {
    "TEXT": FieldType.TEXT,
    "RICH_TEXT": FieldType.LONG_TEXT,
    "NUMBER": FieldType.NUMBER,
    "POSITION": FieldType.NUMBER,
    "CURRENCY": FieldType.MONEY,
    "BOOLEAN": FieldType.BOOLEAN,
    "DATE": FieldType.DATE,
    "DATE_TIME": FieldType.DATETIME,
    "SELECT": FieldType.SELECT,
    "RATING": FieldType.SELECT,
    "MULTI_SELECT": FieldType.MULTI_SELECT,
    "EMAILS": FieldType.EMAILS,
    "PHONES": FieldType.PHONES,
    "LINKS": FieldType.LINKS,
    "ADDRESS": FieldType.ADDRESS,
    "FULL_NAME": FieldType.PERSON_NAME,
    "ACTOR": FieldType.ACTOR,
    "FILES": FieldType.FILE,
    "RAW_JSON": FieldType.JSON,
    "ARRAY": FieldType.JSON,
    "UUID": FieldType.REFERENCE,
}
RELATIONS = ("RELATION", "MORPH_RELATION")
_MORPH = re.compile(r"target([A-Z]\w*)")
# The server keeps these, or they would make a record be born in the trash.
_HIDDEN = frozenset({"id", "deletedAt", "updatedBy", "searchVector"})
# Relations of standard objects whose names do not tell what they point at.
_STANDARD = {
    "pointOfContact": "person",
    "owner": MEMBER,
    "assignee": MEMBER,
    "accountOwner": MEMBER,
}


@dataclass(frozen=True)
class TwentyObject:
    """
    An object of a workspace.

    :param id: of its metadata
    :param plural: its name in paths
    :param raw: its fields as the metadata API gives them, by column
    :param inactive: names of fields that exist but are switched off
    :param never_blank: columns that do not take a null
    """

    id: str
    name: str
    plural: str
    label: str
    spec: ObjectSpec
    raw: Mapping[str, Mapping[str, Any]]
    inactive: frozenset[str]
    never_blank: frozenset[str]


@dataclass(frozen=True)
class Schema:
    """
    All active objects of a workspace by singular name.

    :param workspace_id: of the workspace that they belong to
    """

    objects: Mapping[str, TwentyObject] = field(default_factory=dict)
    workspace_id: str = ""


def column(raw: Mapping[str, Any]) -> str:
    """
    Return the name under which a field is written; of a relation that is its join column.

    :param raw: a field of the metadata API
    """
    if raw["type"] not in RELATIONS:
        return str(raw["name"])
    return str((raw.get("settings") or {}).get("joinColumnName") or f"{raw['name']}Id")


def read_schema(
    objects: Iterable[Mapping[str, Any]], targets: Mapping[tuple[str, str], str]
) -> Schema:
    """
    Understand what the metadata API gave.

    :param objects: with their fields
    :param targets: (object, relation) -> object that it points at, as far as the server told
    """
    active = [o for o in objects if o.get("isActive", True)]
    reader = _Reader({o["nameSingular"] for o in active}, targets, _standard_application(active))
    found = {o["nameSingular"]: reader.object(o) for o in active}
    for target in list(found.values()):
        joined = _targets(target, found)
        if joined is not None:
            fields = {**target.spec.fields, joined.name: joined}
            found[target.name] = replace(target, spec=replace(target.spec, fields=fields))
    return Schema(found, str(next((o.get("workspaceId") for o in active), "") or ""))


@dataclass(frozen=True)
class _Reader:
    names: set[str]
    targets: Mapping[tuple[str, str], str]
    standard: str

    def object(self, raw: Mapping[str, Any]) -> TwentyObject:
        name = raw["nameSingular"]
        columns = {column(f): f for f in raw["fields"] if _written(f)}
        active = {c: f for c, f in columns.items() if f.get("isActive", True)}
        specs = {c: self.field(name, c, f) for c, f in active.items()}
        return TwentyObject(
            id=raw["id"],
            name=name,
            plural=raw["namePlural"],
            label=raw["labelSingular"],
            spec=ObjectSpec(name, raw["labelSingular"], specs),
            raw=active,
            inactive=frozenset(columns.keys() - active.keys()),
            never_blank=frozenset(c for c, f in active.items() if not f.get("isNullable", True)),
        )

    def field(self, object_name: str, column_name: str, raw: Mapping[str, Any]) -> FieldSpec:
        kind, references = self._type(object_name, raw)
        return FieldSpec(
            name=column_name,
            type=kind,
            label=raw.get("label") or column_name,
            options=options(raw),
            required=not raw.get("isNullable", True) and raw.get("defaultValue") is None,
            unique=bool(raw.get("isUnique")),
            custom=bool(raw.get("isCustom", raw.get("applicationId", "") != self.standard)),
            references=references,
        )

    def _type(self, object_name: str, raw: Mapping[str, Any]) -> tuple[FieldType, tuple[str, ...]]:
        if raw["type"] not in RELATIONS:
            return TYPES[raw["type"]], ()
        target = self._target(object_name, raw["name"])
        if target == MEMBER:
            return FieldType.USER, (MEMBER,)
        return FieldType.REFERENCE, (target,) if target else ()

    def _target(self, object_name: str, relation: str) -> str | None:
        told = self.targets.get((object_name, relation))
        morph = _MORPH.fullmatch(relation)
        by_name = morph[1][0].lower() + morph[1][1:] if morph else relation
        if told is None and by_name in self.names:
            return by_name
        return told or _STANDARD.get(relation)


def options(raw: Mapping[str, Any]) -> tuple[Option, ...]:
    """
    Return the options of a field in order.

    :param raw: a field of the metadata API
    """
    ordered = sorted(raw.get("options") or [], key=lambda o: o.get("position", 0))
    return tuple(Option(o["value"], o["label"]) for o in ordered)


def _written(raw: Mapping[str, Any]) -> bool:
    if raw["type"] in RELATIONS:
        return (raw.get("settings") or {}).get("relationType") != "ONE_TO_MANY"
    return raw["type"] in TYPES and raw["name"] not in _HIDDEN


def _standard_application(objects: Iterable[Mapping[str, Any]]) -> str:
    return next((o.get("applicationId", "") for o in objects if o["nameSingular"] == MEMBER), "")


def _targets(owner: TwentyObject, objects: Mapping[str, TwentyObject]) -> FieldSpec | None:
    """Make the many-to-many field of an object whose links are rows of <object>Target."""
    joining = objects.get(f"{owner.name}Target")
    if joining is None:
        return None
    own = f"{owner.name}Id"
    others = {
        s.references[0]: c for c, s in joining.spec.fields.items() if s.references and c != own
    }
    join = Join(joining.name, own, others)
    return FieldSpec(
        "targets", FieldType.REFERENCE, "Relations", references=tuple(others), join=join
    )
