"""The objects that Twenty 2.21 makes in every workspace, read from a table."""

from __future__ import annotations

import uuid
from importlib.resources import files
from typing import Any

from airflow_crm_migration.emulators.twenty.schema import (
    MANY_TO_ONE,
    ONE_TO_MANY,
    Field,
    Object,
    Schema,
)

SYSTEM_FIELDS = """
id | UUID | Id | system readonly required default=uuid
createdAt | DATE_TIME | Creation date | system readonly required default=now
updatedAt | DATE_TIME | Last update | system readonly required default=now
deletedAt | DATE_TIME | Deleted at | system readonly
createdBy | ACTOR | Created by | system readonly required
updatedBy | ACTOR | Updated by | system readonly required
position | POSITION | Position | system required default=0
searchVector | TS_VECTOR | Search vector | system
"""
_ACTOR = {"name": "'System'", "source": "'MANUAL'", "workspaceMemberId": None}
_APPLICATION = uuid.UUID("20202020-64aa-4b6f-b003-9c74b97cee20")

# Ids that are the same in every workspace, known from the server; the rest are derived.
_UNIVERSAL = {
    "note": "20202020-0b00-45cd-b6f6-6cd806fc6804",
    "company": "20202020-b374-4779-a561-80086cb2e17f",
    "timelineActivity": "20202020-6736-4337-b5c4-8b39fae325a5",
    "workspaceMember": "20202020-3319-4234-a34c-82d5c0e881a6",
    "task": "20202020-1ba1-48ba-bc83-ef7e5990ed10",
    "taskTarget": "20202020-5a9a-44e8-95df-771cd06d0fb1",
    "noteTarget": "20202020-fff0-4b44-be82-bda313884400",
    "person": "20202020-e674-48e5-a542-72570eee7213",
    "opportunity": "20202020-9549-49dd-b2b2-883999db8938",
    "attachment": "20202020-bd3d-4c60-8dca-571c71d4447a",
    "attachment.file": "20202020-15db-460e-8166-c7b5d87ad4be",
    "opportunity.stage": "20202020-6f76-477d-8551-28cd65b2b4b9",
}


class Maker:
    """Makes objects and fields with ids that belong to one workspace.

    :param workspace_id: of the workspace
    :param now: ISO time at which everything was made
    """

    def __init__(self, workspace_id: str, now: str) -> None:
        self._namespace = uuid.UUID(workspace_id)
        self._now = now

    def schema(self) -> Schema:
        """Make the standard objects.

        :return: a schema as sign-up leaves it
        """
        schema = Schema()
        current: Object | None = None
        for line in _table().splitlines():
            if line.startswith("["):
                current = self.object(line)
                schema.add(current)
                for system in SYSTEM_FIELDS.strip().splitlines():
                    current.add(self.field(current, system))
            elif current and line and not line.startswith("#"):
                current.add(self.field(current, line))
        return schema

    def object(self, line: str, custom: bool = False) -> Object:
        """Make an object without fields.

        :param line: its heading in the table
        :param custom: whether the workspace made it
        :return: the object
        """
        names, rest = line[1:].split("] ", 1)
        name, plural = names.split()
        label, labels, given = (x.strip() for x in rest.split(" | ", 2))
        flags = _flags(given)
        criteria = flags.get("criteria", "")
        return Object(
            id=self._id(name),
            universal_id=self._universal(name),
            name=name,
            plural=plural,
            label=label,
            label_plural=labels,
            created_at=self._now,
            updated_at=self._now,
            description=label,
            icon=flags.get("icon", ""),
            shortcut=flags.get("shortcut"),
            system="system" in flags,
            creatable="system" not in flags,
            searchable="searchable" in flags,
            custom=custom,
            identifier=flags.get("identifier", "name"),
            image=flags.get("image", ""),
            criteria=[c.split("+") for c in criteria.split(",")] if criteria else None,
            application_id=self._application(custom),
        )

    def field(self, owner: Object, line: str, custom: bool = False) -> Field:
        """Make a field.

        :param owner: its object
        :param line: its line in the table
        :param custom: whether the workspace made it
        :return: the field, not yet added
        """
        cells = [c.strip() for c in line.split("|")] + [""] * 2
        name, kind, label, given, options = cells[:5]
        flags = _flags(given)
        key = f"{owner.name}.{name}"
        target, inverse, settings = _relation(name, given)
        settings = settings or _settings(flags)
        return Field(
            id=self._id(key),
            universal_id=self._universal(key),
            object_id=owner.id,
            name=name,
            type=kind,
            label=label,
            created_at=self._now,
            updated_at=self._now,
            description=label,
            icon="IconList",
            system="system" in flags,
            editable="readonly" not in flags,
            nullable="required" not in flags,
            unique="unique" in flags,
            default=_ACTOR if kind == "ACTOR" else _default(kind, flags.get("default")),
            options=[self._option(key, n, o) for n, o in enumerate(options.split(","))]
            if options
            else None,
            settings=settings,
            target=target,
            inverse=inverse,
            application_id=self._application(custom),
        )

    def _id(self, key: str) -> str:
        return str(uuid.uuid5(self._namespace, key))

    def _universal(self, key: str) -> str:
        return _UNIVERSAL.get(key) or str(uuid.uuid5(_APPLICATION, key))

    def _application(self, custom: bool) -> str:
        return str(self._namespace if custom else _APPLICATION)

    def _option(self, key: str, position: int, text: str) -> dict[str, Any]:
        value, label, color = text.split(":")
        made = {"id": self._universal(f"{key}.{value}"), "color": color, "label": label}
        return {**made, "value": value, "position": position}


def _table() -> str:
    return files(__package__).joinpath("objects.txt").read_text(encoding="utf-8")


def _flags(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in text.split())
    return {key: value for key, _, value in pairs}


def _default(kind: str, text: str | None) -> Any:
    if text is None:
        return None
    if kind in ("NUMBER", "POSITION"):
        return int(text)
    if kind == "BOOLEAN":
        return text == "true"
    return f"'{text}'" if kind in ("SELECT", "TEXT") else text


def _settings(flags: dict[str, str]) -> dict[str, Any] | None:
    if "max" in flags:
        return {"maxNumberOfValues": int(flags["max"])}
    return {"dataType": "int"} if "int" in flags else None


def _relation(name: str, flags: str) -> tuple[str, str, dict[str, Any] | None]:
    word = next((w for w in flags.split() if w[0] in "<>"), "")
    if not word:
        return "", "", None
    other, _, on_delete = word[1:].partition(":")
    target, inverse = other.split(".")
    return target, inverse, relation_settings(f"{name}Id" if word[0] == ">" else "", on_delete)


def relation_settings(join: str, on_delete: str = "SET_NULL") -> dict[str, Any]:
    """Make the settings of one side of a relation.

    :param join: column of the side that has it, empty for the many side
    :param on_delete: ``SET_NULL`` or ``CASCADE``
    :return: settings as the metadata shows them
    """
    if not join:
        return {"relationType": ONE_TO_MANY}
    return {"onDelete": on_delete, "relationType": MANY_TO_ONE, "joinColumnName": join}
