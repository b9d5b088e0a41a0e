"""Refusals of the metadata API, which have bodies of their own."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.naming import Invalid


class MetadataError(Exception):
    """A refusal of the metadata API, whose body is its own.

    :param status: HTTP status
    :param body: JSON value
    """

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body["message"]))
        self.status = status
        self.body = body


def refused(
    findings: list[Invalid],
    sent: dict[str, Any],
    kind: str = "create",
    doing: str = "creating",
    what: str = "field",
) -> MetadataError:
    """Refuse with findings.

    :param findings: what is wrong
    :param sent: what the client sent
    :param kind: ``create`` or ``update``
    :param doing: the same as a participle
    :param what: ``field`` or ``object``
    :return: the error to raise
    """
    name = f"{what}Metadata"
    about = {"universalIdentifier": str(uuid.uuid4()), "name": sent.get("name")}
    entry = {
        "status": "fail",
        "errors": [f.finding for f in findings],
        "flatEntityMinimalInformation": about,
        "metadataName": name,
        "type": kind,
    }
    total = len(findings)
    return MetadataError(
        400,
        {
            "statusCode": 400,
            "error": "METADATA_VALIDATION_ERROR",
            "message": f"Multiple validation errors occurred while {doing} {what}s",
            "errors": {name: [entry]},
            "summary": {"totalErrors": total, name: total},
            "userFriendlyMessage": "Many validation errors",
        },
    )


def bad_request(messages: list[str]) -> MetadataError:
    """Refuse a body whose shape is wrong.

    :param messages: what is wrong
    :return: the error to raise
    """
    return MetadataError(400, {"message": messages, "error": "Bad Request", "statusCode": 400})


def not_allowed(message: str) -> MetadataError:
    """Refuse a change of what Twenty itself made.

    :param message: what the server says
    :return: the error to raise
    """
    body = {"statusCode": 403, "error": "FIELD_MUTATION_NOT_ALLOWED", "message": message}
    return MetadataError(403, body)


def require(sent: dict[str, Any], names: tuple[str, ...]) -> None:
    """Check that a body has what it must have.

    :param sent: what the client sent
    :param names: of the keys
    :raises MetadataError: when one is missing or empty
    """
    absent = [f"{name} should not be empty" for name in names if not sent.get(name)]
    if absent:
        raise bad_request(absent)


def must_be_object(sent: Any) -> dict[str, Any]:
    """Check that a body is a JSON object.

    :param sent: what the client sent
    :return: the same
    :raises MetadataError: when it is something else
    """
    if not isinstance(sent, dict):
        raise bad_request(["body should be an object"])
    return sent


def missing(what: str) -> MetadataError:
    """Refuse because there is no such object or field.

    :param what: ``Object`` or ``Field``
    :return: the error to raise
    """
    body = {"statusCode": 404, "error": "NotFoundException", "message": f"{what} not found"}
    return MetadataError(404, body)
