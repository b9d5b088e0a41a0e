"""The two kinds of place that staging lies in, made to behave alike.

On object storage an upload becomes visible when it is whole. On a file system a name is visible
from the first byte on, so there a file is written beside, synced and then linked.
"""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BLOCK = 16 << 20
_CONTENT_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
}


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def trouble(error: BaseException) -> str | None:
    """
    Say why nothing can be read or written at a place, and the fix.

    :param error: one of a store's :attr:`Store.troubles`
    :return: None for what is an answer, such as that there is no such object
    """
    number = getattr(error, "errno", None)
    answers = (FileExistsError, IsADirectoryError, NotADirectoryError)
    if isinstance(error, answers) or number in (errno.ENAMETOOLONG, errno.ELOOP):
        return None
    if isinstance(error, FileNotFoundError) and _code(error.__cause__) != "NoSuchBucket":
        return None
    words = " ".join(str(getattr(error, "strerror", None) or error).split())
    if number in _FULL:
        return f"{words}: make room there, then try again"
    return f"{words}: see that it is there, and that reading, writing and deleting is allowed"


def _code(error: BaseException | None) -> str:
    """Return the code that an object store gave."""
    reply = getattr(error, "response", None) or {}
    return str(reply.get("Error", {}).get("Code", ""))


class Store(Protocol):
    """A place with named objects; names are relative and use ``/``."""

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """Errors that an operation may raise."""

    def exists(self, name: str) -> bool:
        """Tell whether an object is there."""

    def read_bytes(self, name: str) -> bytes:
        """Return an object's content; FileNotFoundError when there is none."""

    def open(self, name: str) -> IO[bytes]:
        """Open an object for reading; FileNotFoundError when there is none."""

    def names(self, folder: str) -> Iterator[str]:
        """Walk the names of all objects below a folder, in no order."""

    def writing(self, name: str, *, exclusive: bool) -> AbstractContextManager[IO[bytes]]:
        """Open an object for writing that appears whole or, on any error, not at all."""

    def modified(self, name: str) -> datetime:
        """Return when an object was last written; FileNotFoundError when there is none."""

    def copy(self, source: str, target: str) -> None:
        """Copy an object where it lies, whole or not at all."""

    def delete(self, name: str) -> None:
        """Remove one object; FileNotFoundError when there is none."""


@dataclass(frozen=True)
class Files:
    """
    A folder of a file system.

    :param root: the folder; it is made when the first object is written
    """

    root: Path

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """Errors that an operation may raise."""
        return (OSError,)

    def exists(self, name: str) -> bool:
        """Tell whether an object is there."""
        return (self.root / name).exists()

    def read_bytes(self, name: str) -> bytes:
        """Return an object's content."""
        return (self.root / name).read_bytes()

    def open(self, name: str) -> IO[bytes]:
        """Open an object for reading."""
        return (self.root / name).open("rb")

    def names(self, folder: str) -> Iterator[str]:
        """Walk the names of all objects below a folder."""
        for place, _, files in os.walk(self.root / folder):
            for file in files:
                yield (Path(place) / file).relative_to(self.root).as_posix()

    @contextmanager
    def writing(self, name: str, *, exclusive: bool) -> Iterator[IO[bytes]]:
        """Write beside, sync, then link: a reader never sees half a file under its name."""
        target = self.root / name
        if exclusive and target.exists():
            raise FileExistsError(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{uuid.uuid4().hex}")
        try:
            with beside.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            if exclusive:
                target.hardlink_to(beside)
            else:
                beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(target.parent)

    def modified(self, name: str) -> datetime:
        """Return when an object was last written, by the clock of the file system."""
        return datetime.fromtimestamp((self.root / name).stat().st_mtime, UTC)

    def copy(self, source: str, target: str) -> None:
        """Give an object a second name: nobody ever writes into a file that has one."""
        place = self.root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_name(f".{uuid.uuid4().hex}")
        try:
            beside.hardlink_to(self.root / source)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(place.parent)

    def delete(self, name: str) -> None:
        """Remove one object."""
        (self.root / name).unlink()


def _sync_folder(folder: Path) -> None:
    """Make a new name outlive a power cut; the content alone would be an orphan."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Objects:
    """
    A prefix of a bucket.

    :param filesystem: fsspec file system that keeps no listings: a kept one hides what other
        processes write and delete
    :param prefix: ``bucket/prefix`` without slashes at its ends
    :param encryption: arguments for each write, for example the KMS key
    """

    filesystem: Any
    prefix: str
    encryption: Mapping[str, str]

    @property
    def troubles(self) -> tuple[type[Exception], ...]:
        """Errors that an operation may raise: s3fs makes an OSError of what the store answers."""
        from botocore.exceptions import BotoCoreError

        return (OSError, BotoCoreError)

    def exists(self, name: str) -> bool:
        """Tell whether an object is there."""
        return bool(self.filesystem.exists(self._key(name)))

    def read_bytes(self, name: str) -> bytes:
        """Return an object's content."""
        content: bytes = self.filesystem.cat_file(self._key(name))
        return content

    def open(self, name: str) -> IO[bytes]:
        """Open an object for reading."""
        stream: IO[bytes] = self.filesystem.open(self._key(name), "rb", block_size=_BLOCK)
        return stream

    def names(self, folder: str) -> Iterator[str]:
        """Walk the names of all objects below a folder."""
        for key in self.filesystem.find(self._key(folder)):
            yield key.removeprefix(f"{self.prefix}/")

    @contextmanager
    def writing(self, name: str, *, exclusive: bool) -> Iterator[IO[bytes]]:
        """Upload under a precondition; what was uploaded until an error is thrown away."""
        key = self._key(name)
        options = {"ContentType": _content_type(name), **self.encryption}
        mode = "xb" if exclusive else "wb"
        stream = self.filesystem.open(key, mode, block_size=_BLOCK, **options)
        try:
            yield stream
            if not stream.tell():
                # s3fs would close an empty file without the precondition and the encryption.
                mode = "create" if exclusive else "overwrite"
                self.filesystem.pipe_file(key, b"", mode=mode, **options)
                stream.closed = True
            stream.close()
        except BaseException:
            stream.discard()
            # Else the collector closes it, and closing sends what was written so far.
            stream.closed = True
            raise

    def modified(self, name: str) -> datetime:
        """Return when an object was last written, by the clock of the store."""
        found: datetime = self.filesystem.modified(self._key(name))
        return found

    def copy(self, source: str, target: str) -> None:
        """Let the store copy an object; nothing of it passes through here."""
        self.filesystem.cp_file(self._key(source), self._key(target), **self.encryption)

    def delete(self, name: str) -> None:
        """Remove one object."""
        if not self.exists(name):
            raise FileNotFoundError(name)
        self.filesystem.rm_file(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}".rstrip("/")


def _content_type(name: str) -> str:
    return _CONTENT_TYPES.get(Path(name).suffix, "application/octet-stream")
