"""Changes of the schema: fields, options, relations."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.metadata_errors import (
    bad_request,
    missing,
    not_allowed,
    refused,
    require,
)
from airflow_crm_migration.emulators.twenty.naming import (
    Invalid,
    camel,
    check_name,
    check_options,
    check_synced,
    not_available,
    rating_options,
    unquoted,
)
from airflow_crm_migration.emulators.twenty.schema import MANY_TO_ONE, ONE_TO_MANY, Field, Object
from airflow_crm_migration.emulators.twenty.standard import relation_settings

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

CREATABLE = (
    "TEXT", "NUMBER", "BOOLEAN", "DATE", "DATE_TIME", "CURRENCY", "LINKS", "EMAILS", "PHONES",
    "ADDRESS", "FULL_NAME", "RATING", "RAW_JSON", "ARRAY", "RICH_TEXT", "UUID", "ACTOR", "FILES",
    "SELECT", "MULTI_SELECT", "RELATION",
)  # fmt: skip
_REFUSED = ("TS_VECTOR", "POSITION", "NUMERIC", "MORPH_RELATION")
_ENUMS = ("SELECT", "MULTI_SELECT")


def create_field(workspace: Workspace, sent: dict[str, Any]) -> Field:
    """Create a field, for a relation with its other end.

    :param workspace: where
    :param sent: what the client sent
    :return: the field
    :raises MetadataError: when it is refused
    """
    require(sent, ("label", "name", "type", "objectMetadataId"))
    if sent["type"] not in (*CREATABLE, *_REFUSED):
        raise bad_request([f"type must be one of the following values: {', '.join(CREATABLE)}"])
    owner = workspace.schema.by_id(sent["objectMetadataId"])
    if owner is None:
        raise refused([Invalid("Object metadata not found", sent["objectMetadataId"])], sent)
    try:
        made = _field(workspace, owner, sent)
        other = _relate(workspace, made, sent) if made.type == "RELATION" else None
    except Invalid as e:
        raise refused([e], sent) from e
    owner.add(made)
    if other:
        workspace.schema.objects[made.target].add(other)
    workspace.table(owner.name).version += 1
    return made


def update_field(workspace: Workspace, field_id: str, sent: dict[str, Any]) -> Field:
    """Change a field.

    :param workspace: where
    :param field_id: its id
    :param sent: what changes
    :return: the field as the reply shows it: a standard field still with its old label
    :raises MetadataError: when it is refused
    """
    owner, field = _found(workspace, field_id)
    standard = field.application_id != workspace.id
    if "name" in sent and sent["name"] != field.name:
        _rename(workspace, owner, field, sent["name"], standard=standard)
    before = dataclasses.replace(field)
    try:
        if "options" in sent and field.type in _ENUMS:
            _set_options(workspace, owner, field, sent)
        elif "defaultValue" in sent:
            field.default = sent["defaultValue"]
    except Invalid as e:
        raise refused([e], {**sent, "name": field.name}, "update", "updating") from e
    for key in ("label", "description", "icon"):
        setattr(field, key, sent.get(key, getattr(field, key)))
    field.settings = {**(field.settings or {}), **(sent.get("settings") or {})} or None
    field.unique = sent.get("isUnique", field.unique)
    field.updated_at = workspace.now()
    owner.changed()
    return dataclasses.replace(field, label=before.label) if standard else field


def delete_field(workspace: Workspace, field_id: str) -> Field:
    """Delete a custom field with its values, for a relation with its other end.

    :param workspace: where
    :param field_id: its id
    :return: the field that was
    :raises MetadataError: when it is a standard one
    """
    owner, field = _found(workspace, field_id)
    if field.application_id != workspace.id:
        raise not_allowed("Standard fields cannot be deleted")
    drop_field(workspace, owner, field)
    if field.target:
        target = workspace.schema.objects[field.target]
        drop_field(workspace, target, target.fields[field.inverse])
    return field


def _found(workspace: Workspace, field_id: str) -> tuple[Object, Field]:
    found = workspace.schema.field_by_id(field_id)
    if found is None:
        raise missing("Field")
    return found


def _taken(owner: Object) -> set[str]:
    return {*owner.fields, *owner.joins}


def _field(workspace: Workspace, owner: Object, sent: dict[str, Any]) -> Field:
    name, kind = str(sent["name"]), sent["type"]
    if kind == "NUMERIC":
        raise Invalid("Use NUMBER instead of NUMERIC", kind)
    if kind in _REFUSED:
        raise Invalid(f"Field type {kind} cannot be created", kind)
    check_name(name, _taken(owner))
    if sent.get("isLabelSyncedWithName"):
        check_synced(name, sent["label"])
    made = own_field(workspace, owner, f"{name} | {kind} | {name} |")
    options = None
    if kind in _ENUMS:
        options = check_options(sent.get("options"), set())
    elif kind == "RATING":
        options = rating_options()
    default = sent.get("defaultValue")
    if default is not None and kind in (*_ENUMS, "TEXT"):
        _check_default(default, options)
    return dataclasses.replace(
        made,
        label=sent["label"],
        description=sent.get("description", ""),
        icon=sent.get("icon", ""),
        nullable=sent.get("isNullable", True),
        unique=bool(sent.get("isUnique")),
        synced=bool(sent.get("isLabelSyncedWithName")),
        default=default,
        options=options,
        settings=sent.get("settings"),
    )


def _check_default(default: Any, options: list[dict[str, Any]] | None) -> None:
    plain = unquoted(default)
    values = {o["value"] for o in options} if options is not None else None
    given = plain if isinstance(plain, list) else [plain]
    if values is not None and not values.issuperset(given):
        raise Invalid(f'Default value "{plain}" must be one of the option values', plain)


def _relate(workspace: Workspace, made: Field, sent: dict[str, Any]) -> Field:
    payload = sent.get("relationCreationPayload") or {}
    kind = payload.get("type")
    if kind not in (MANY_TO_ONE, ONE_TO_MANY):
        raise bad_request([f"relation type must be {MANY_TO_ONE} or {ONE_TO_MANY}"])
    target = workspace.schema.by_id(str(payload.get("targetObjectMetadataId")))
    label = payload.get("targetFieldLabel")
    if target is None or not label:
        raise Invalid("Relation needs targetObjectMetadataId and targetFieldLabel", payload)
    inverse = camel(label)
    check_name(inverse, _taken(target))
    owner = workspace.schema.by_id(made.object_id)
    holder, column = (owner, f"{made.name}Id") if kind == MANY_TO_ONE else (target, f"{inverse}Id")
    if holder and column in _taken(holder):
        raise not_available(column)
    made.target, made.inverse = target.name, inverse
    made.settings = relation_settings(column if kind == MANY_TO_ONE else "")
    other = own_field(workspace, target, f"{inverse} | RELATION | {inverse} |")
    other.label, other.icon = label, payload.get("targetFieldIcon", "")
    other.target, other.inverse = owner.name if owner else "", made.name
    other.settings = relation_settings(column if kind == ONE_TO_MANY else "")
    return other


def own_field(workspace: Workspace, owner: Object, line: str) -> Field:
    """Make a field that the workspace owns, with ids of its own.

    :param workspace: where
    :param owner: its object
    :param line: as in the table of the standard objects
    :return: the field, not yet added
    """
    made = workspace.maker.field(owner, line, custom=True)
    now = workspace.now()
    return dataclasses.replace(
        made,
        id=str(uuid.uuid4()),
        universal_id=str(uuid.uuid4()),
        created_at=now,
        updated_at=now,
    )


def _rename(
    workspace: Workspace, owner: Object, field: Field, name: str, *, standard: bool
) -> None:
    if standard:
        raise not_allowed("The name of a standard field cannot be changed")
    try:
        check_name(name, _taken(owner))
    except Invalid as e:
        raise refused([e], {"name": name}, "update", "updating") from e
    table = workspace.table(owner.name)
    for row in list(table.rows.values()):
        if field.name in row:
            row[name] = row.pop(field.name)
    table.forget(field.name)
    owner.remove(field.name)
    field.name = name
    owner.add(field)


def _set_options(workspace: Workspace, owner: Object, field: Field, sent: dict[str, Any]) -> None:
    """Replace the options. One without its id is another option, whatever its value."""
    old = {o["id"]: o["value"] for o in field.options or []}
    made = check_options(sent["options"], set(old))
    default = sent.get("defaultValue", field.default)
    if default is not None:
        _check_default(default, made)
    new = {o["id"]: o["value"] for o in made}
    moved = {value: new.get(option_id) for option_id, value in old.items()}
    field.options, field.default = made, default
    table = workspace.table(owner.name)
    for row in list(table.rows.values()):
        value = row.get(field.name)
        if isinstance(value, list):
            kept = [moved[v] for v in value if moved.get(v)]
            if kept != value:
                table.put({**row, field.name: kept})
        elif value is not None and moved.get(value) != value:
            table.put({**row, field.name: moved.get(value) or field.plain_default})


def drop_field(workspace: Workspace, owner: Object, field: Field) -> None:
    """Remove a field with its values.

    :param workspace: where
    :param owner: its object
    :param field: the field
    """
    workspace.table(owner.name).forget(field.join or field.name)
    owner.remove(field.name)
