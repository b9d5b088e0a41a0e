"""Uploaded files: declared, sent, completed, attached once, downloaded with a token."""

from __future__ import annotations

import hashlib
import hmac
import mimetypes
import secrets
import uuid
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.dates import iso
from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect, invalid

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.clock import Clock
    from airflow_crm_migration.emulators.twenty.schema import Field

MAXIMUM_BYTES = 1024**3
_UPLOAD_SECONDS = 15 * 60
_DOWNLOAD_SECONDS = 24 * 3600
_BINARY = "application/octet-stream"
# First bytes by extension; other extensions are taken as they are.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".pdf": (b"%PDF-",),
    ".zip": (b"PK\x03\x04", b"PK\x05\x06"),
    ".docx": (b"PK\x03\x04",),
    ".xlsx": (b"PK\x03\x04",),
    ".pptx": (b"PK\x03\x04",),
}


@dataclass
class File:
    """One file."""

    id: str
    name: str
    size: int
    folder: str
    created_at: str
    upload_token: str
    upload_until: float
    content: bytes | None = None
    complete: bool = False
    record: str = ""

    @property
    def extension(self) -> str:
        """Extension of the name, with its dot."""
        return PurePath(self.name).suffix

    @property
    def mime(self) -> str:
        """Content type by the name."""
        return mimetypes.guess_type(self.name)[0] or _BINARY

    @property
    def upload_mime(self) -> str:
        """Content type that the upload must have: text counts as binary."""
        return _BINARY if self.mime.startswith("text/") else self.mime


class Files:
    """All files of a workspace.

    :param clock: what time it is
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes()
        self.files: dict[str, File] = {}

    def declare(self, name: str, size: float, folder: str) -> File:
        """Begin an upload.

        :param name: of the file
        :param size: in bytes
        :param folder: universal identifier of the field that the file is for
        :return: the file, without content
        :raises ApiError: when the name has no extension or the size is out of bounds
        """
        if not PurePath(name).suffix:
            raise ApiError("Filename must have an extension", 500, friendly="Access denied.")
        if not 0 < size <= MAXIMUM_BYTES:
            message = f"Invalid file size {size:.0f} (max {MAXIMUM_BYTES} bytes)"
            friendly = "The file is empty or exceeds the maximum allowed size."
            raise ApiError(message, 500, friendly=friendly)
        now = self._clock.now()
        made = File(
            id=str(uuid.uuid4()),
            name=name,
            size=int(size),
            folder=folder,
            created_at=iso(now),
            upload_token=secrets.token_urlsafe(),
            upload_until=now + _UPLOAD_SECONDS,
        )
        self.files[made.id] = made
        return made

    def receive(self, file_id: str, token: str, mime: str, content: bytes) -> None:
        """Take the bytes of an upload.

        :param file_id: of the file
        :param token: from its address
        :param mime: content type that was sent
        :param content: the bytes
        :raises ApiError: when the address is wrong or old, or the size is not as declared
        """
        file = self.files.get(file_id)
        good = file and secrets.compare_digest(file.upload_token, token)
        if not file or not good or file.complete or self._clock.now() > file.upload_until:
            raise ApiError("Invalid or expired upload token", 403, "ForbiddenException")
        # Another content type is read by a parser that leaves no bytes (observed on Twenty 2.21).
        got = len(content) if mime.partition(";")[0] == file.upload_mime else 0
        message = f"Uploaded {got} bytes but {file.size} were declared"
        if got > file.size:
            raise ApiError(message, 413, "Error", code="FILE_TOO_LARGE")
        if got < file.size:
            raise invalid(message, "FILE_SIZE_MISMATCH")
        file.content = content

    def take(self, name: str, content: bytes, folder: str) -> File:
        """Take a whole file at once; unlike a declared one it may be empty.

        :param name: of the file
        :param content: the bytes
        :param folder: universal identifier of the field that the file is for
        :return: the complete file
        :raises ApiError: when the name or the content is refused
        """
        file = self.declare(name, max(1, len(content)), folder)
        file.size, file.content = len(content), content
        return self.finish(file.id)

    def finish(self, file_id: str) -> File:
        """Complete an upload.

        :param file_id: of the file
        :return: the file
        :raises ApiError: when there is no content, or it is not what the name says
        """
        file = self.files.get(file_id)
        if file is None:
            raise ApiError("File not found", 404)
        if file.content is None:
            raise ApiError("File upload has not been received", 400)
        check_content(file.extension, file.content)
        file.complete = True
        return file

    def value(self, owner: Field, sent: Any, record_id: str) -> list[dict[str, str]]:
        """Normalise the value of a FILES field.

        :param owner: the field
        :param sent: what the client sent
        :param record_id: of the record that is written
        :return: what is stored
        :raises ApiError: when Twenty refuses it
        """
        maximum = (owner.settings or {}).get("maxNumberOfValues", 1)
        if not isinstance(sent, list) or not all(isinstance(s, dict) for s in sent):
            raise ApiError(f'Invalid value {inspect(sent)} for files field "{owner.name}"')
        if len(sent) > maximum:
            raise ApiError(f'Max number of files is {maximum} for field "{owner.name}"')
        return [self._entry(owner, entry, record_id) for entry in sent]

    def check_once(self, file_ids: list[str]) -> None:
        """Refuse a file that is attached twice in one call.

        :param file_ids: of all records that are written
        :raises ApiError: when one is there twice
        """
        for file_id in file_ids:
            if file_ids.count(file_id) > 1:
                raise taken(file_id)

    def bind(self, entries: list[dict[str, str]], record_id: str) -> None:
        """Tie files to the record that was written.

        :param entries: the stored value
        :param record_id: of the record
        """
        for entry in entries:
            self.files[entry["fileId"]].record = record_id

    def show(self, entry: dict[str, str], base_url: str) -> dict[str, str]:
        """Show a stored entry with an address to download from.

        :param entry: as stored
        :param base_url: of the server
        :return: as the server replies
        """
        return {**entry, "url": self.url(self.files[entry["fileId"]], base_url)}

    def url(self, file: File, base_url: str) -> str:
        """Make an address to download from, good for a day.

        :param file: the file
        :param base_url: of the server
        :return: absolute URL
        """
        token = self._token(file.id, int(self._clock.now()) + _DOWNLOAD_SECONDS)
        return f"{base_url}/file/files-field/{file.id}?token={token}"

    def open(self, file_id: str, token: str) -> File:
        """Find a file to download.

        :param file_id: of the file
        :param token: from the address
        :return: the file
        :raises ApiError: when the token is missing, wrong or old
        """
        file = self.files.get(file_id)
        until = token.partition(".")[0]
        good = until.isdigit() and hmac.compare_digest(token, self._token(file_id, int(until)))
        if file is None or not good or int(until) < self._clock.now():
            raise ApiError("Forbidden resource", 403, "ForbiddenException")
        return file

    def dump(self) -> list[dict[str, Any]]:
        """List all files.

        :return: id, name, size, SHA-256, whether complete, record
        """
        return [
            {
                "id": f.id,
                "name": f.name,
                "size": f.size,
                "sha256": hashlib.sha256(f.content).hexdigest() if f.content is not None else None,
                "complete": f.complete,
                "record": f.record,
            }
            for f in self.files.values()
        ]

    def _token(self, file_id: str, until: int) -> str:
        mark = hmac.new(self._secret, f"{file_id}.{until}".encode(), "sha256")
        return f"{until}.{mark.hexdigest()}"

    def _entry(self, owner: Field, entry: dict[str, Any], record_id: str) -> dict[str, str]:
        file_id, label = entry.get("fileId"), entry.get("label")
        if not isinstance(label, str) or not label:
            raise ApiError(f'label is required for files field "{owner.name}"')
        file = self.files.get(str(file_id))
        if file is None:
            raise ApiError(f"File {file_id} not found")
        if not file.complete:
            raise ApiError(f"File {file_id} upload has not been completed")
        if file.record and file.record != record_id:
            raise taken(file.id)
        return {"label": label, "fileId": file.id, "extension": file.extension}


def taken(file_id: str) -> ApiError:
    """Refuse a file that is attached already.

    :param file_id: of the file
    :return: the error to raise
    """
    return ApiError(f"File {file_id} is already associated with a permanent files field")


def check_content(extension: str, content: bytes) -> None:
    """Compare the first bytes with the extension.

    :param extension: with its dot
    :param content: of the file
    :raises ApiError: when they do not fit
    """
    wanted = _SIGNATURES.get(extension.lower())
    if wanted and not content.startswith(wanted):
        raise ApiError(f"File content does not match its extension {extension}")
