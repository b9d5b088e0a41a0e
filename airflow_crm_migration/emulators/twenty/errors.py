"""Refusals in the words of Twenty 2.21, for REST and GraphQL."""

from __future__ import annotations

from typing import Any

_GRAPHQL_CODES = {
    401: "UNAUTHENTICATED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    500: "INTERNAL_SERVER_ERROR",
}


class ApiError(Exception):
    """A refusal.

    :param message: what the server says
    :param status: HTTP status over REST
    :param error: name of the error over REST
    :param code: code over REST, left out of the body when empty
    :param friendly: message for people, GraphQL only
    :param extensions: further GraphQL extensions
    """

    def __init__(
        self,
        message: str,
        status: int = 400,
        error: str = "BadRequestException",
        *,
        code: str = "",
        friendly: str = "An error occurred.",
        extensions: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.error = error
        self.code = code
        self.friendly = friendly
        self.extensions = extensions or {}

    def rest(self) -> dict[str, Any]:
        """Give the body of the REST reply.

        :return: JSON value
        """
        body = {"statusCode": self.status, "error": self.error, "messages": [self.message]}
        return {**body, "code": self.code} if self.code else body

    def graphql(self) -> dict[str, Any]:
        """Give the entry of a GraphQL reply's ``errors``.

        :return: JSON value
        """
        code = _GRAPHQL_CODES.get(self.status, "BAD_USER_INPUT")
        sub = {"subCode": self.code} if self.code else {}
        extensions = {"userFriendlyMessage": self.friendly, "code": code, **self.extensions, **sub}
        return {"message": self.message, "extensions": extensions}


def invalid(message: str, code: str) -> ApiError:
    """Refuse a value with a code of its own.

    :param message: what the server says
    :param code: for instance ``INVALID_URL``
    :return: the error to raise
    """
    return ApiError(message, error="Error", code=code)


def not_found() -> ApiError:
    """Refuse because there is no such record.

    :return: the error to raise
    """
    return ApiError("Record not found", 404, "NotFoundException")


def duplicate(object_name: str, label: str, record_id: str) -> ApiError:
    """Refuse because a key is taken; only GraphQL tells which and by whom.

    :param object_name: singular name of the object
    :param label: of the unique field
    :param record_id: of the record that has the key, empty when it is in the same call
    :return: the error to raise
    """
    extensions = {}
    if record_id:
        extensions = {
            "conflictingRecordId": record_id,
            "conflictingObjectNameSingular": object_name,
        }
    friendly = f"This {label} value is already in use. Please check your data and try again."
    return ApiError("A duplicate entry was detected", friendly=friendly, extensions=extensions)


def limit_reached(tokens: float, milliseconds: float) -> ApiError:
    """Refuse because the workspace asked too often.

    :param tokens: of the bucket that is empty
    :param milliseconds: of its window
    :return: the error to raise
    """
    message = f"Limit reached ({tokens:.0f} tokens per {milliseconds:.0f} ms)"
    return ApiError(message, 429, "HttpException", extensions={"subCode": "LIMIT_REACHED"})


def forbidden() -> ApiError:
    """Refuse because of a missing permission.

    :return: the error to raise
    """
    message = "Entity performing the request does not have permission"
    return ApiError(message, error="Error", code="PERMISSION_DENIED")


def inspect(value: Any) -> str:
    """Write a value as the server's messages do.

    :param value: a JSON value
    :return: text
    """
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, list):
        return f"[ {', '.join(inspect(v) for v in value)} ]" if value else "[]"
    if isinstance(value, dict):
        inside = ", ".join(f"{k}: {inspect(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if value else "{}"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
