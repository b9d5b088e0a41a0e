"""Uploads and downloads: declared, sent to an address with a token, completed.

Facts observed on Twenty 2.21.
"""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import CrmError, Refused, Unauthorised, Unsettled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_crm_migration.core.protocols import Stored
    from airflow_crm_migration.hooks.twenty.api import TwentyApi

# The field attachment.file has this identifier in every workspace.
_FILE_FIELD = "20202020-15db-460e-8166-c7b5d87ad4be"
_BEGIN = """
mutation($name: String!, $size: Float!, $field: String) {
  createFileUpload(
    filename: $name, size: $size, fileFolder: FilesField, fieldMetadataUniversalIdentifier: $field
  ) { fileId uploadUrl contentType }
}
"""
_COMPLETE = "mutation($id: String!) { completeFileUpload(fileId: $id) { id size } }"
# Addresses that are remembered: more than a batch has records.
_REMEMBERED = 1000
_PIECE = 1 << 16
_CATEGORIES = {
    "application/pdf": "TEXT_DOCUMENT",
    "application/msword": "TEXT_DOCUMENT",
    "application/rtf": "TEXT_DOCUMENT",
    "application/vnd.oasis.opendocument.text": "TEXT_DOCUMENT",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "TEXT_DOCUMENT",
    "application/vnd.ms-excel": "SPREADSHEET",
    "application/vnd.oasis.opendocument.spreadsheet": "SPREADSHEET",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "SPREADSHEET",
    "text/csv": "SPREADSHEET",
    "application/vnd.ms-powerpoint": "PRESENTATION",
    "application/vnd.oasis.opendocument.presentation": "PRESENTATION",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PRESENTATION",
    "application/zip": "ARCHIVE",
    "application/gzip": "ARCHIVE",
    "application/x-tar": "ARCHIVE",
    "application/x-7z-compressed": "ARCHIVE",
    "application/vnd.rar": "ARCHIVE",
}
_BY_KIND = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO", "text": "TEXT_DOCUMENT"}


def category(name: str) -> str:
    """
    Return an attachment's category, which Twenty does not derive itself.

    :param name: of the file
    """
    mime, packed = mimetypes.guess_type(name)
    if packed:
        return "ARCHIVE"
    kind = (mime or "").partition("/")[0]
    return _CATEGORIES.get(mime or "") or _BY_KIND.get(kind, "OTHER")


def upload(
    api: TwentyApi, name: str, size: int, content: IO[bytes], abandoned: Callable[[str], None]
) -> str:
    """
    Upload a binary.

    Where the end of an upload is unknown it is begun anew: one that nothing is attached to is
    waste, not a duplicate.

    :param name: of the file; Twenty wants an extension, and .bin stands in for a missing one
    :param size: bytes, above 0
    :param content: seekable, from its beginning
    :param abandoned: told the id of each upload that was begun and is not returned
    :return: the file id that an attachment takes, once
    """
    full = name if PurePath(name).suffix else f"{name}.bin"

    def attempt() -> str:
        content.seek(0)
        file_id, url, mime = _declare(api, full, size, abandoned)
        try:
            _send(api, file_id, url, mime, _Exactly(content, size))
        except CrmError:
            abandoned(file_id)
            raise
        return file_id

    return api.patiently("upload", attempt, repeatable=True)


def _declare(
    api: TwentyApi, name: str, size: int, abandoned: Callable[[str], None]
) -> tuple[str, str, str]:
    variables = {"name": name, "size": size, "field": _FILE_FIELD}
    try:
        reply = api.graphql(
            "/metadata", _BEGIN, variables, name="createFileUpload", repeatable=False
        )
    except Unsettled:
        abandoned("")
        raise
    begun = reply["createFileUpload"]
    return str(begun["fileId"]), begun["uploadUrl"], begun["contentType"]


def _send(api: TwentyApi, file_id: str, url: str, mime: str, content: _Exactly) -> None:
    # Another content type and Twenty reads no bytes.
    api.transfer("PUT", url, data=content, headers={"Content-Type": mime}).close()
    done = api.graphql(
        "/metadata", _COMPLETE, {"id": file_id}, name="completeFileUpload", repeatable=False
    )["completeFileUpload"]
    if done["size"] != len(content):
        raise CrmError(f"Twenty stored {done['size']} of {len(content)} bytes")


class Downloads:
    """
    Opens attachments by the address that Twenty shows with a record, good for a day.

    An address seen in the reply to a write or a read is used once instead of reading the record
    again: that would cost a limited call for every file.

    :param api: of the workspace
    """

    def __init__(self, api: TwentyApi) -> None:
        self._api = api
        self._seen: dict[str, str] = {}

    def note(self, record: Mapping[str, Any]) -> None:
        """
        Remember the address in an attachment's record.

        :param record: as received
        """
        for file in record.get("file") or []:
            self._seen[record["id"]] = file["url"]
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]

    def open(self, attachment: Stored) -> IO[bytes]:
        """
        Open an attachment's binary.

        :param attachment: as it was written or read
        """
        address = self._seen.pop(attachment.id, None)
        if address:
            try:
                return self._api.fetch(address)
            except Unauthorised:
                pass  # its token is too old: a new one is asked for
        record = self._api.call("GET", f"/rest/attachments/{attachment.id}", params={"depth": 0})
        files = record["data"]["attachment"].get("file") or []
        if not files:
            raise Refused("the attachment has no file")
        return self._api.fetch(files[0]["url"])


class _Exactly:
    """A body of a known length, which HTTP wants to tell beforehand."""

    def __init__(self, content: IO[bytes], size: int) -> None:
        self._content = content
        self._left = self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(_PIECE):
            yield piece

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        piece: Any = self._content.read(wanted) if wanted else b""
        if wanted and not piece:
            # Else the server would wait for the rest until one side gives up.
            raise CrmError(f"the file ends {self._left} bytes before its declared size")
        self._left -= len(piece)
        return bytes(piece)
