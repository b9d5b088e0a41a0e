"""Copies the binaries of attachments into staging, once each, before the old account closes."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.errors import (
    CrmError,
    DeadHost,
    ForbiddenAddress,
    NoAnswer,
    Throttled,
    Unreachable,
    Unsettled,
)
from airflow_crm_migration.core.extract_read import (
    extract_folder,
    extract_manifest,
    read_extract,
)
from airflow_crm_migration.core.inbox import FOLDER
from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.progress import ProgressLog
from airflow_crm_migration.core.protocols import Progress
from airflow_crm_migration.core.staging import PartWriter, Staging, copy_stream, read_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.core.mapping import FileRule
    from airflow_crm_migration.core.protocols import Values

DROPPED = f"{FOLDER}/files"
"""Where the customer drops binaries; paths in an export are relative to it."""


_MOST_UNANSWERED = 3
"""Files in a row for which the CRM has no answer; one may be broken, so many are an outage."""


class _Unusable(Exception):
    """A binary that cannot be moved."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass
class _Servers:
    """
    What was learned of those that were asked.

    :param dead: host that cannot be reached -> why, in words
    :param unanswered: host -> files in a row for which the CRM had no answer
    """

    dead: dict[str, str] = field(default_factory=dict)
    unanswered: Counter[str] = field(default_factory=Counter)

    def check(self, url: str) -> None:
        """Raise what is known already of the server of an address."""
        if why := self.dead.get(_host(url)):
            raise _Unusable(Reason.FILE_UNREACHABLE, why)

    def judged(self, url: str, error: CrmError) -> Exception:
        """Return what a failure means: trouble of the CRM itself is no fault of the file."""
        if isinstance(error, ForbiddenAddress):
            return _Unusable(Reason.FILE_FORBIDDEN_ADDRESS, error.message)
        if isinstance(error, DeadHost):
            self.dead[error.host] = error.message
        host = _host(url)
        self.unanswered[host] = self.unanswered[host] + 1 if isinstance(error, NoAnswer) else 0
        outage = self.unanswered[host] == _MOST_UNANSWERED
        if outage or isinstance(error, (Throttled, Unreachable, Unsettled)):
            return error
        return _Unusable(Reason.FILE_UNREACHABLE, error.message)

    def answered(self, url: str) -> None:
        """Note that a server gave a file."""
        self.unanswered[_host(url)] = 0


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True)
class Securing:
    """
    The binaries of one run to be copied.

    :param object_name: source object whose records name them
    :param rule: which of its fields do
    :param open_url: opens an address as a stream; None where only dropped files can be had
    :param max_bytes: most that the destination takes
    """

    staging: Staging
    run: str
    object_name: str
    rule: FileRule
    open_url: Callable[[str], IO[bytes]] | None
    max_bytes: int
    progress: Progress = field(default_factory=Progress)
    _servers: _Servers = field(default_factory=_Servers)

    def secure(self) -> dict[str, int]:
        """
        Copy every binary that can be had into ``files/`` and write the index.

        :return: how many were secured, and how many not by reason
        :raises CrmError: the CRM gives nothing just now; what was secured is kept
        """
        index = PartWriter(self.staging, files_folder(self.run, self.object_name))
        found: Counter[str] = Counter()
        total = extract_manifest(self.staging, self.run, self.object_name)["counts"]["typed"]
        told = ProgressLog(f"secure files of {self.object_name}", total, self.progress.say)
        for record in read_extract(self.staging, self.run, self.object_name):
            try:
                row = self._secured(record)
            except _Unusable as error:
                row = {"reason": error.reason, "detail": error.detail}
            index.add({"id": record["id"], **row})
            found[row.get("reason", "secured")] += 1
            told.advance(1)
        told.finish()
        index.finish(counts=dict(found))
        return dict(found)

    def _secured(self, record: Values) -> dict[str, Any]:
        path = record.get(self.rule.source) or ""
        declared = int(Decimal((record.get(self.rule.size) if self.rule.size else None) or 0))
        if declared > self.max_bytes:
            raise _Unusable(Reason.FILE_TOO_LARGE, f"{declared} of at most {self.max_bytes} bytes")
        scheme, remote, _ = path.partition("://")
        if not remote:
            found = self._copy(lambda: self._dropped(path))
        elif scheme.lower() in ("http", "https"):
            found = self._downloaded(record["id"], path)
        else:
            raise _Unusable(Reason.FILE_FORBIDDEN_ADDRESS, "neither http nor https")
        differs = declared and declared != found["size"]
        return {**found, **({"declared": declared} if differs else {})}

    def _downloaded(self, source_id: str, url: str) -> dict[str, Any]:
        """Download an address once per engagement, whatever run asks for it."""
        if self.open_url is None:
            raise _Unusable(Reason.FILE_UNREACHABLE, "there is no connection to download with")
        open_url = self.open_url
        note = f"files/downloaded/{digest([source_id, url])}.json"
        if self.staging.exists(note):
            known: dict[str, Any] = self.staging.read_json(note)
            return known
        self._servers.check(url)
        try:
            found = self._copy(lambda: open_url(url))
        except CrmError as error:
            raise self._servers.judged(url, error) from None
        self._servers.answered(url)
        self.staging.write_json(note, found)
        return found

    def _copy(self, opened: Callable[[], IO[bytes]]) -> dict[str, Any]:
        """Copy a stream to the name of its digest, which is known only when it has been read."""
        with tempfile.TemporaryFile() as held:
            try:
                with opened() as stream:
                    size, sha256 = copy_stream(stream, held, self.max_bytes)
            except OverflowError as error:
                raise _Unusable(Reason.FILE_TOO_LARGE, str(error)) from None
            if not size:
                raise _Unusable(Reason.FILE_EMPTY, "0 bytes")
            target = f"files/{sha256}"
            if not self.staging.exists(target):
                held.seek(0)
                with self.staging.writing(target) as stream:
                    copy_stream(held, stream, size)
        return {"sha256": sha256, "size": size}

    def _dropped(self, path: str) -> IO[bytes]:
        """Open a binary that came with the export; nothing outside its folder is ever opened."""
        parts = [part for part in path.replace("\\", "/").split("/") if part != "."]
        if not any(parts):
            raise _Unusable(Reason.FILE_NAME_UNUSABLE, "the path is blank")
        if ".." in parts or not parts[0]:
            raise _Unusable(Reason.FILE_FORBIDDEN_ADDRESS, "leads out of the export")
        if parts[0] == "files":
            parts = parts[1:]
        name = "/".join((DROPPED, *parts))
        try:
            if self._leaves(name):
                raise _Unusable(Reason.FILE_FORBIDDEN_ADDRESS, "leads out of the export")
            return self.staging.open(name)
        except OSError:
            raise _Unusable(Reason.FILE_UNREACHABLE, "the export does not hold it") from None
        except ValueError:
            raise _Unusable(Reason.FILE_NAME_UNUSABLE, "no file can have this name") from None

    def _leaves(self, name: str) -> bool:
        """Tell whether a link in a folder of a file system leads elsewhere."""
        if getattr(self.staging.root, "protocol", "file") not in ("", "file"):
            return False
        root = Path(getattr(self.staging.root, "path", str(self.staging.root)))
        return not (root / name).resolve().is_relative_to((root / DROPPED).resolve())


def files_folder(run: str, object_name: str) -> str:
    """Return where a run keeps which binary belongs to which attachment."""
    return f"{extract_folder(run, object_name)}/files"


def read_files(staging: Staging, run: str, object_name: str) -> Iterator[dict[str, Any]]:
    """
    Walk which binary belongs to which attachment.

    :return: rows with ``id``, and ``sha256`` and ``size``, or ``reason`` and ``detail``
    :raises StagingBroken: when they were not all looked at, or the index is not what was written
    """
    return read_parts(staging, files_folder(run, object_name))
