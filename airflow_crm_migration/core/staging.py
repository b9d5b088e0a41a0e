"""Where everything of an engagement lies, and how it is written there.

One class owns names, exclusive create, digests and manifests; :mod:`.stores` makes ``s3://`` and
``file://`` behave alike. It is handed a path object with the interface that
Airflow's ``ObjectStoragePath`` and ``pathlib.Path`` share.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import uuid
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from airflow_crm_migration import __version__
from airflow_crm_migration.core.canonical import canonical_json
from airflow_crm_migration.core.errors import StagingBroken, StagingUnusable, UserMistake
from airflow_crm_migration.core.stores import Files, Objects, Store, trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

FORMAT = 1
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Staging:
    """
    The staging prefix of one engagement.

    :param root: path object of ``<staging>/<engagement>``
    :param encryption: arguments for each write on object storage, for example the KMS key
    """

    root: Any
    encryption: Mapping[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Any:
        """
        Return the path object of a name relative to the engagement's prefix.

        :raises ValueError: for a name that would leave the prefix
        """
        return self.root / _checked(name)

    @cached_property
    def _store(self) -> Store:
        place = getattr(self.root, "path", str(self.root))
        if getattr(self.root, "protocol", "file") in ("", "file"):
            return Files(Path(place))
        return Objects(self.root.fs, place.strip("/"), self.encryption)

    # -- reading ---------------------------------------------------------------------------

    def exists(self, name: str) -> bool:
        """Tell whether an object is there."""
        with self._telling():
            return self._store.exists(_checked(name))

    def read_bytes(self, name: str) -> bytes:
        """
        Return an object's content.

        :raises FileNotFoundError: when there is none
        """
        with self._telling():
            return self._store.read_bytes(_checked(name))

    def open(self, name: str) -> IO[bytes]:
        """
        Open an object for reading as a stream.

        :raises FileNotFoundError: when there is none
        """
        with self._telling():
            return cast("IO[bytes]", _Stream(self._store.open(_checked(name)), self._telling))

    def read_json(self, name: str) -> Any:
        """
        Return the JSON of an object.

        :raises StagingBroken: it is none, for example because it was written half
        """
        try:
            return json.loads(self.read_bytes(name))
        except ValueError as error:
            raise StagingBroken(
                f"{self.root}/{name} is no JSON ({error}): delete it, and run the step again that "
                "writes it"
            ) from None

    def names(self, folder: str) -> list[str]:
        """Return the names of all objects below a folder, sorted; empty when there is none."""
        with self._telling():
            found = self._store.names(_checked(folder.rstrip("/")))
            return sorted(name for name in found if not name.rpartition("/")[2].startswith("."))

    def modified(self, name: str) -> datetime:
        """
        Return when an object was last written.

        :raises FileNotFoundError: when there is none
        """
        with self._telling():
            return self._store.modified(_checked(name))

    # -- writing ---------------------------------------------------------------------------

    def write_bytes(self, name: str, content: bytes, *, exclusive: bool = False) -> None:
        """
        Write an object whole.

        :param exclusive: refuse when there is one already that holds anything else
        :raises FileExistsError: when exclusive and the name is taken
        """
        try:
            with self.writing(name, exclusive=exclusive) as stream:
                stream.write(content)
        except FileExistsError:
            # A client whose reply was lost asks again, and is refused because of its own object.
            if not self._holds(name, content):
                raise

    def _holds(self, name: str, content: bytes) -> bool:
        try:
            return self.read_bytes(name) == content
        except FileNotFoundError:
            return False

    def write_json(self, name: str, value: Any, *, exclusive: bool = False) -> None:
        """Write a value as canonical JSON."""
        self.write_bytes(name, canonical_json(value).encode(), exclusive=exclusive)

    @contextmanager
    def writing(self, name: str, *, exclusive: bool = False) -> Iterator[IO[bytes]]:
        """
        Open an object for writing; it appears whole when the block ends, or not at all.

        :param exclusive: refuse when there is one already
        :raises FileExistsError: when exclusive and the name is taken
        """
        with ExitStack() as opened:
            with self._telling():
                writing = self._store.writing(_checked(name), exclusive=exclusive)
                stream = opened.enter_context(writing)
            yield cast("IO[bytes]", _Stream(stream, self._telling))
            with self._telling():
                opened.close()

    def copy(self, source: str, target: str) -> None:
        """
        Copy an object within the staging, without reading it; what ``target`` held is replaced.

        :raises FileNotFoundError: when there is no ``source``
        """
        with self._telling():
            self._store.copy(_checked(source), _checked(target))

    def delete(self, name: str) -> None:
        """
        Remove one object.

        :raises FileNotFoundError: when there is none
        """
        with self._telling():
            self._store.delete(_checked(name))

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Raise StagingUnusable where nobody could go on, whatever the store raised."""
        try:
            yield
        except self._store.troubles as error:
            told = trouble(error)
            if told is None:
                raise
            raise StagingUnusable(f"staging {self.root}: {told}") from None


class _Stream:
    """A stream of a store; what goes wrong while it is read or written is told as the store's."""

    def __init__(self, stream: IO[bytes], telling: Callable[[], AbstractContextManager[None]]):
        self._stream = stream
        self._telling = telling

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        with self._telling():
            return self._stream.read(size)

    def write(self, content: Any) -> int:
        with self._telling():
            return self._stream.write(content)


def _checked(name: str) -> str:
    if name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"{name!r} would leave the staging prefix")
    return name


def try_out(staging: Staging) -> None:
    """
    Write, and see that a second writer of the same name is refused: leases hang on it.

    :raises UserMistake: nothing can be written there, or two could write the same name
    """
    name = f"try-{uuid.uuid4().hex}"
    try:
        staging.write_bytes(name, b"one", exclusive=True)
    except OSError as error:
        raise UserMistake(
            f"staging {staging.root}: not writable: {error}; "
            "give the workers read, write and delete there"
        ) from None
    try:
        staging.write_bytes(name, b"two", exclusive=True)
    except FileExistsError:
        return
    finally:
        staging.delete(name)
    raise UserMistake(
        f"staging {staging.root}: the store ignores If-None-Match, so that two runs could "
        "overwrite each other; use one that knows conditional writes"
    )


# -- parts and manifests -------------------------------------------------------------------


@dataclass
class PartWriter:
    """
    Writes numbered JSON-lines parts into a folder and, last of all, their manifest.

    Parts of an attempt that died are simply overwritten, for readers trust the manifest alone. A
    step that is run again starts clean: the manifest of the finished attempt goes first. Parts that
    another attempt has listed meanwhile are never touched: who comes so late was given up.

    :param rows_per_part: bounds the memory of whoever reads a part
    :param parts: those of an earlier attempt that still count
    """

    staging: Staging
    folder: str
    rows_per_part: int = 5000
    parts: list[dict[str, Any]] = field(default_factory=list)
    _rows: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Withdraw what an earlier attempt finished."""
        discard_manifest(self.staging, self.folder)

    def add(self, row: Any) -> tuple[int, int]:
        """Append a row and return its part and row number, both from 0."""
        place = (len(self.parts), len(self._rows))
        self._rows.append(row)
        if len(self._rows) >= self.rows_per_part:
            self.flush()
        return place

    def finish(self, **facts: Any) -> dict[str, Any]:
        """
        Write what is left and the manifest.

        :param facts: counts and whatever else readers need
        :return: the manifest
        """
        self.flush()
        return write_manifest(self.staging, self.folder, self.parts, **facts)

    def flush(self) -> None:
        """Write the rows that wait as a part."""
        if not self._rows:
            return
        if self.staging.exists(f"{self.folder}/manifest.json"):
            raise _overtaken(self.folder)
        name = f"part-{len(self.parts):05d}.jsonl.gz"
        content = pack_lines(self._rows)
        self.staging.write_bytes(f"{self.folder}/{name}", content)
        self.parts.append({"name": name, "rows": len(self._rows), "sha256": sha256(content)})
        self._rows = []


def write_manifest(
    staging: Staging, folder: str, parts: list[dict[str, Any]], **facts: Any
) -> dict[str, Any]:
    """
    Write the manifest of a folder's parts; whatever it does not list does not count.

    :raises StagingBroken: another attempt wrote one meanwhile
    """
    manifest = {"format": FORMAT, "package": __version__, "parts": parts, **facts}
    try:
        staging.write_json(f"{folder}/manifest.json", manifest, exclusive=True)
    except FileExistsError:
        raise _overtaken(folder) from None
    return manifest


def _overtaken(folder: str) -> StagingBroken:
    return StagingBroken(
        f"{folder}/manifest.json: another attempt of this step ended meanwhile and stays; "
        "see what that one did, then clear this task if need be"
    )


def discard_manifest(staging: Staging, folder: str) -> None:
    """Withdraw a folder's manifest, so that its parts count for nothing."""
    name = f"{folder}/manifest.json"
    if staging.exists(name):
        staging.delete(name)


def read_manifest(staging: Staging, folder: str) -> dict[str, Any] | None:
    """Return the manifest of a folder, None when it was never finished."""
    try:
        manifest: dict[str, Any] = staging.read_json(f"{folder}/manifest.json")
    except FileNotFoundError:
        return None
    if manifest["format"] > FORMAT:
        raise StagingBroken(
            f"{folder}/manifest.json has format {manifest['format']}, written by version "
            f"{manifest['package']}: upgrade airflow-crm-migration from {__version__}"
        )
    return manifest


def read_parts(staging: Staging, folder: str) -> Iterator[Any]:
    """
    Walk the rows of all parts that the manifest lists.

    :raises StagingBroken: without a manifest, or when a part is not what the manifest says
    """
    manifest = read_manifest(staging, folder)
    if manifest is None:
        raise StagingBroken(f"{folder} has no manifest: the step that writes it did not finish")
    for number in range(len(manifest["parts"])):
        yield from read_part(staging, folder, manifest, number)


def read_part(staging: Staging, folder: str, manifest: Mapping[str, Any], number: int) -> list[Any]:
    """Return the rows of one listed part, checked against its digest."""
    return unpack_lines(part_content(staging, folder, manifest["parts"][number]))


def part_content(staging: Staging, folder: str, part: Mapping[str, Any]) -> bytes:
    """
    Return the bytes of a part, checked against its digest.

    :param part: as the manifest lists it
    :raises StagingBroken: when it is not what the manifest says
    """
    content = staging.read_bytes(f"{folder}/{part['name']}")
    if sha256(content) != part["sha256"]:
        raise StagingBroken(f"{folder}/{part['name']} is not what its manifest says")
    return content


def pack_lines(rows: Iterable[Any]) -> bytes:
    """Return rows as compressed JSON lines; equal rows give equal bytes."""
    text = "".join(canonical_json(row) + "\n" for row in rows)
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


def unpack_lines(content: bytes) -> list[Any]:
    """Return the rows of compressed JSON lines."""
    with gzip.open(io.BytesIO(content), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sha256(content: bytes) -> str:
    """Return the SHA-256 of bytes in hex."""
    return hashlib.sha256(content).hexdigest()


def copy_stream(source: IO[bytes], target: IO[bytes], limit: int) -> tuple[int, str]:
    """
    Copy a stream and return its size in bytes and SHA-256.

    :param limit: most bytes to take
    :raises OverflowError: when the stream is longer
    """
    seen, count = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        count += len(chunk)
        if count > limit:
            raise OverflowError(f"more than {limit} bytes")
        seen.update(chunk)
        target.write(chunk)
    return count, seen.hexdigest()
