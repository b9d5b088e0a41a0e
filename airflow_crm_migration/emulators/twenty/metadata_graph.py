"""The GraphQL API at ``/metadata``: schema, files, members to be. It is not rate limited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty import metadata
from airflow_crm_migration.emulators.twenty.custom_objects import (
    create_object,
    delete_object,
    find_object,
)
from airflow_crm_migration.emulators.twenty.dates import iso
from airflow_crm_migration.emulators.twenty.describe import (
    describe_field,
    describe_object,
    describe_relation,
)
from airflow_crm_migration.emulators.twenty.errors import ApiError
from airflow_crm_migration.emulators.twenty.gql import Selection, pick, read_request, unknown_field
from airflow_crm_migration.emulators.twenty.metadata_errors import MetadataError, must_be_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.twenty.files import File
    from airflow_crm_migration.emulators.twenty.schema import Field, Object
    from airflow_crm_migration.emulators.twenty.workspace import Caller, Workspace

_FIELD_NULLS = ("description", "icon", "options", "settings", "defaultValue")
_OBJECT_NULLS = (
    "shortcut",
    "duplicateCriteria",
    "labelIdentifierFieldMetadataId",
    "imageIdentifierFieldMetadataId",
)


class MetadataGraph:
    """Answers GraphQL requests on everything but records.

    :param workspace: where
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._roots: dict[str, Callable[[dict[str, Any], Caller], Any]] = {
            "currentWorkspace": self._current_workspace,
            "findWorkspaceInvitations": lambda _, __: list(workspace.invitations.values()),
            "sendInvitations": self._send_invitations,
            "webhooks": lambda _, __: workspace.webhooks,
            "objects": lambda _, __: _connection([self._object(o) for o in self._objects()]),
            "fields": lambda _, __: _connection(
                [self._field(o, f) for o in self._objects() for f in o.fields.values()]
            ),
            "createOneObject": self._create_object,
            "deleteOneObject": lambda given, _: self._object(
                delete_object(workspace, _input(given)["id"])
            ),
            "createOneField": self._create_field,
            "updateOneField": self._update_field,
            "deleteOneField": self._delete_field,
            "createFileUpload": self._create_upload,
            "completeFileUpload": self._complete_upload,
        }

    def answer(self, body: Any, caller: Caller) -> tuple[dict[str, Any], str]:
        """Answer a request; the HTTP status is 200 whatever happens.

        :param body: of the request
        :param caller: who sent it
        :return: body of the reply, and what was asked for the journal
        """
        asked = ""
        try:
            roots = read_request(body)
            asked = ",".join(root.name for root in roots)
            return {"data": {root.key: self._resolve(root, caller) for root in roots}}, asked
        except ApiError as e:
            return {"errors": [e.graphql()], "data": None}, asked
        except MetadataError as e:
            return {"errors": [_metadata_error(e)], "data": None}, asked

    def uploaded(self, name: str, content: bytes, body: Any, caller: Caller) -> dict[str, Any]:
        """Answer ``uploadFilesFieldFile``, which brings the bytes along in a multipart body.

        :param name: of the file
        :param content: of the file
        :param body: the GraphQL request
        :param caller: who sent it
        :return: body of the reply
        """
        try:
            root = read_request(body)[0]
            if root.name != "uploadFilesFieldFile":
                raise unknown_field(root.name, "Mutation")
            folder = self._file_field(root.arguments).universal_id
            file = self._workspace.files.take(name, content, folder)
            return {"data": {root.key: pick(self._shown(file, caller), root.inner, "File")}}
        except ApiError as e:
            return {"errors": [e.graphql()], "data": None}

    def _resolve(self, root: Selection, caller: Caller) -> Any:
        if root.name not in self._roots:
            raise unknown_field(root.name, "Query")
        return pick(self._roots[root.name](root.arguments, caller), root.inner, root.name)

    def _objects(self) -> list[Object]:
        return list(self._workspace.schema.objects.values())

    def _object(self, owner: Object) -> dict[str, Any]:
        fields = [self._field(owner, f) for f in owner.fields.values()]
        shown = describe_object(owner, self._workspace.id)
        nulls = dict.fromkeys(_OBJECT_NULLS)
        return {**nulls, **shown, "fields": _connection(fields), "fieldsList": fields}

    def _field(self, owner: Object, field: Field) -> dict[str, Any]:
        nulls = dict.fromkeys(_FIELD_NULLS)
        relation = None
        if owner.name in self._workspace.schema.objects and field.name in owner.fields:
            relation = describe_relation(self._workspace.schema, owner, field)
        return {**nulls, **describe_field(field, self._workspace.id), "relation": relation}

    def _current_workspace(self, _: dict[str, Any], __: Caller) -> dict[str, Any]:
        w = self._workspace
        return {
            "id": w.id,
            "displayName": "Emulated",
            "activationStatus": "ACTIVE",
            "inviteHash": w.id.replace("-", ""),
            "workspaceMembersCount": len(w.table("workspaceMember").rows),
        }

    def _send_invitations(self, _: dict[str, Any], __: Caller) -> Any:
        # Only a person may invite; an API key is refused and nobody is mailed.
        raise ApiError("Forbidden resource", 403)

    def _create_object(self, given: dict[str, Any], _: Caller) -> dict[str, Any]:
        sent = must_be_object(_input(given).get("object"))
        return self._object(create_object(self._workspace, sent))

    def _create_field(self, given: dict[str, Any], _: Caller) -> dict[str, Any]:
        sent = must_be_object(_input(given).get("field"))
        return self._with_owner(metadata.create_field(self._workspace, sent))

    def _update_field(self, given: dict[str, Any], _: Caller) -> dict[str, Any]:
        sent = must_be_object(_input(given).get("update"))
        return self._with_owner(
            metadata.update_field(self._workspace, str(_input(given).get("id")), sent)
        )

    def _delete_field(self, given: dict[str, Any], _: Caller) -> dict[str, Any]:
        return self._with_owner(
            metadata.delete_field(self._workspace, str(_input(given).get("id")))
        )

    def _with_owner(self, field: Field) -> dict[str, Any]:
        return self._field(find_object(self._workspace, field.object_id), field)

    def _create_upload(self, given: dict[str, Any], caller: Caller) -> dict[str, Any]:
        name, size = str(given.get("filename")), float(given.get("size") or 0)
        folder = self._file_field(given).universal_id
        file = self._workspace.files.declare(name, size, folder)
        return {
            "fileId": file.id,
            "uploadUrl": f"{caller.base_url}/file-upload/{file.id}?token={file.upload_token}",
            "contentType": file.upload_mime,
            "expiresAt": iso(file.upload_until),
        }

    def _complete_upload(self, given: dict[str, Any], caller: Caller) -> dict[str, Any]:
        return self._shown(self._workspace.files.finish(str(given.get("fileId"))), caller)

    def _shown(self, file: File, caller: Caller) -> dict[str, Any]:
        return {
            "id": file.id,
            "path": f"files-field/{file.folder}/{file.id}{file.extension}",
            "size": file.size,
            "url": self._workspace.files.url(file, caller.base_url),
            "createdAt": file.created_at,
        }

    def _file_field(self, given: dict[str, Any]) -> Field:
        wanted = given.get("fieldMetadataUniversalIdentifier") or given.get("fieldMetadataId")
        found = self._workspace.schema.field_by_id(str(wanted))
        if found is None or found[1].type != "FILES":
            raise ApiError(f"Files field {wanted} not found")
        return found[1]


def _input(given: dict[str, Any]) -> dict[str, Any]:
    return must_be_object(given.get("input"))


def _connection(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    info = {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": nodes[0]["id"] if nodes else None,
        "endCursor": nodes[-1]["id"] if nodes else None,
    }
    edges = [{"node": node, "cursor": node["id"]} for node in nodes]
    return {"edges": edges, "pageInfo": info, "totalCount": len(nodes)}


def _metadata_error(error: MetadataError) -> dict[str, Any]:
    code = "METADATA_VALIDATION_FAILED" if "errors" in error.body else "BAD_USER_INPUT"
    kept = {k: v for k, v in error.body.items() if k in ("errors", "summary")}
    return {"message": str(error.body["message"]), "extensions": {"code": code, **kept}}
