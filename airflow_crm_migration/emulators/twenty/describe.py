"""Objects and fields as the metadata API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Field, Object, Schema

_ALWAYS = ("defaultValue", "options")


def describe_field(field: Field, workspace_id: str, *, written: bool = False) -> dict[str, Any]:
    """Show a field.

    :param field: the field
    :param workspace_id: of the workspace
    :param written: whether this is the reply of a write, which shows some nulls
    :return: JSON value; what is null is left out
    """
    shown = {
        "id": field.id,
        "universalIdentifier": field.universal_id,
        "applicationId": field.application_id,
        "type": field.type,
        "name": field.name,
        "label": field.label,
        "defaultValue": field.default,
        "description": field.description or None,
        "icon": field.icon or None,
        "isActive": True,
        "isSystem": field.system,
        "isUIEditable": field.editable,
        "isUIReadOnly": not field.editable,
        "isNullable": field.nullable,
        "isUnique": field.unique,
        "options": field.options,
        "settings": field.settings,
        "workspaceId": workspace_id,
        "objectMetadataId": field.object_id,
        "isLabelSyncedWithName": field.synced,
        "createdAt": field.created_at,
        "updatedAt": field.updated_at,
    }
    kept = _ALWAYS if written else ()
    return {k: v for k, v in shown.items() if v is not None or k in kept}


def describe_object(owner: Object, workspace_id: str) -> dict[str, Any]:
    """Show an object with its fields.

    :param owner: the object
    :param workspace_id: of the workspace
    :return: JSON value
    """
    identifier, image = owner.fields.get(owner.identifier), owner.fields.get(owner.image)
    shown = {
        "id": owner.id,
        "universalIdentifier": owner.universal_id,
        "applicationId": owner.application_id,
        "nameSingular": owner.name,
        "namePlural": owner.plural,
        "labelSingular": owner.label,
        "labelPlural": owner.label_plural,
        "description": owner.description,
        "icon": owner.icon,
        "isRemote": False,
        "isActive": True,
        "isSystem": owner.system,
        "isUIEditable": True,
        "isUICreatable": owner.creatable,
        "isUIReadOnly": False,
        "isSearchable": owner.searchable,
        "isLabelSyncedWithName": owner.synced,
        "workspaceId": workspace_id,
        "createdAt": owner.created_at,
        "updatedAt": owner.updated_at,
        "fields": [describe_field(f, workspace_id) for f in owner.fields.values()],
    }
    optional = {
        "shortcut": owner.shortcut,
        "duplicateCriteria": owner.criteria,
        "labelIdentifierFieldMetadataId": identifier and identifier.id,
        "imageIdentifierFieldMetadataId": image and image.id,
    }
    return {**shown, **{k: v for k, v in optional.items() if v is not None}}


def describe_relation(schema: Schema, owner: Object, field: Field) -> dict[str, Any] | None:
    """Show where a relation leads; only GraphQL does.

    :param schema: of the workspace
    :param owner: object of the field
    :param field: any field
    :return: JSON value, None when it is no relation
    """
    if not field.target:
        return None
    target = schema.objects[field.target]
    inverse = target.fields[field.inverse]
    return {
        "type": (field.settings or {})["relationType"],
        "sourceObjectMetadata": _named(owner),
        "sourceFieldMetadata": {"id": field.id, "name": field.name},
        "targetObjectMetadata": _named(target),
        "targetFieldMetadata": {"id": inverse.id, "name": inverse.name},
    }


def _named(owner: Object) -> dict[str, str]:
    return {"id": owner.id, "nameSingular": owner.name, "namePlural": owner.plural}
