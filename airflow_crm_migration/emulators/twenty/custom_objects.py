"""Custom objects."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.metadata import drop_field, own_field
from airflow_crm_migration.emulators.twenty.metadata_errors import (
    missing,
    not_allowed,
    refused,
    require,
)
from airflow_crm_migration.emulators.twenty.naming import Invalid, check_name, not_available
from airflow_crm_migration.emulators.twenty.standard import SYSTEM_FIELDS
from airflow_crm_migration.emulators.twenty.store import Table

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Object
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

# A custom object can have these, so that notes, tasks, files and the timeline point at it.
_TARGETING = {
    "attachment": "attachments",
    "noteTarget": "noteTargets",
    "taskTarget": "taskTargets",
    "timelineActivity": "timelineActivities",
}


def create_object(workspace: Workspace, sent: dict[str, Any]) -> Object:
    """Create a custom object, with the relations that let notes, tasks and files target it.

    :param workspace: where
    :param sent: what the client sent
    :return: the object
    :raises MetadataError: when it is refused
    """
    keys = ("nameSingular", "namePlural", "labelSingular", "labelPlural")
    require(sent, keys)
    name, plural, label, labels = (str(sent[key]) for key in keys)
    try:
        _check_object(workspace, name, plural)
    except Invalid as e:
        body = {**sent, "name": name}
        raise refused([e], body, "create", "creating", "object") from e
    line = f"[{name} {plural}] {name} | {plural} | identifier=name searchable"
    made = workspace.maker.object(line, custom=True)
    now = workspace.now()
    made = dataclasses.replace(
        made,
        id=str(uuid.uuid4()),
        universal_id=str(uuid.uuid4()),
        created_at=now,
        updated_at=now,
        label=label,
        label_plural=labels,
        icon=sent.get("icon", ""),
        description=sent.get("description", ""),
    )
    for field_line in [*SYSTEM_FIELDS.strip().splitlines(), "name | TEXT | Name |"]:
        made.add(own_field(workspace, made, field_line))
    capital = name[0].upper() + name[1:]
    for other, plural_name in _TARGETING.items():
        target = f"target{capital}"
        line = f"{plural_name} | RELATION | {plural_name} | <{other}.{target}"
        made.add(own_field(workspace, made, line))
        end = workspace.schema.objects[other]
        flags = f"readonly >{name}.{plural_name}:CASCADE"
        end.add(own_field(workspace, end, f"{target} | MORPH_RELATION | Target | {flags}"))
    workspace.schema.add(made)
    workspace.tables[name] = Table(made)
    return made


def delete_object(workspace: Workspace, object_id: str) -> Object:
    """Delete a custom object with its records and all relations to it.

    :param workspace: where
    :param object_id: its id
    :return: the object that was
    :raises MetadataError: when there is none or it is a standard one
    """
    owner = find_object(workspace, object_id)
    if not owner.custom:
        raise not_allowed("Standard objects cannot be deleted")
    for field in list(owner.fields.values()):
        if field.target and field.target != owner.name:
            target = workspace.schema.objects[field.target]
            drop_field(workspace, target, target.fields[field.inverse])
    workspace.schema.remove(owner.name)
    del workspace.tables[owner.name]
    return owner


def update_object(workspace: Workspace, object_id: str, sent: dict[str, Any]) -> Object:
    """Change the labels of an object.

    :param workspace: where
    :param object_id: its id
    :param sent: what changes
    :return: the object
    :raises MetadataError: when there is none
    """
    owner = find_object(workspace, object_id)
    owner.label = sent.get("labelSingular", owner.label)
    owner.label_plural = sent.get("labelPlural", owner.label_plural)
    owner.description = sent.get("description", owner.description)
    owner.icon = sent.get("icon", owner.icon)
    owner.updated_at = workspace.now()
    return owner


def find_object(workspace: Workspace, object_id: str) -> Object:
    """Find an object.

    :param workspace: where
    :param object_id: its id
    :return: the object
    :raises MetadataError: when there is none
    """
    found = workspace.schema.by_id(object_id)
    if found is None:
        raise missing("Object")
    return found


def _check_object(workspace: Workspace, name: str, plural: str) -> None:
    for text in (name, plural):
        check_name(text, set())
    if name == plural:
        raise Invalid("The singular and plural names cannot be the same for an object", name)
    names = {n for o in workspace.schema.objects.values() for n in (o.name, o.plural)}
    if names & {name, plural}:
        # No message says that the object exists, only that its side effects collide.
        raise not_available(f"target{name[0].upper()}{name[1:]}")
