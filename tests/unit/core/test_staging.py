"""Staging keeps the same promises on a file system and on object storage."""

from __future__ import annotations

import io
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_crm_migration import __version__
from airflow_crm_migration.core.errors import StagingBroken, UserMistake
from airflow_crm_migration.core.staging import (
    PartWriter,
    Staging,
    copy_stream,
    discard_manifest,
    pack_lines,
    read_manifest,
    read_part,
    read_parts,
    sha256,
    try_out,
    unpack_lines,
    write_manifest,
)
from airflow_crm_migration.hooks.staging import open_staging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MORE_THAN_A_BLOCK = 40 << 20


@dataclass(frozen=True)
class Folder:
    """Somebody else's view of a staging folder."""

    root: Path

    def write(self, name: str, content: bytes) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def delete(self, name: str) -> None:
        (self.root / name).unlink()

    def everything(self) -> list[str]:
        return [p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file()]


@dataclass(frozen=True)
class Prefix:
    """Somebody else's view of a staging prefix."""

    bucket: Any
    prefix: str

    def write(self, name: str, content: bytes) -> None:
        self.bucket.client.put_object(
            Bucket=self.bucket.name, Key=f"{self.prefix}/{name}", Body=content
        )

    def delete(self, name: str) -> None:
        self.bucket.client.delete_object(Bucket=self.bucket.name, Key=f"{self.prefix}/{name}")

    def everything(self) -> list[str]:
        found = self.bucket.client.list_objects_v2(
            Bucket=self.bucket.name, Prefix=f"{self.prefix}/"
        ).get("Contents", [])
        unfinished = self.bucket.client.list_multipart_uploads(Bucket=self.bucket.name)
        return [
            key["Key"].removeprefix(f"{self.prefix}/")
            for key in found + unfinished.get("Uploads", [])
        ]

    def head(self, name: str) -> dict[str, Any]:
        return self.bucket.client.head_object(Bucket=self.bucket.name, Key=f"{self.prefix}/{name}")


@dataclass(frozen=True)
class Place:
    """Staging as one process opens it, and a way to open it as another one would."""

    url: str
    settings: dict[str, str]
    others: Any

    def open(self) -> Staging:
        return open_staging(self.url, "acme", **self.settings)


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "file":
        return Place(f"file://{tmp_path}/with space", {}, Folder(tmp_path / "with space" / "acme"))
    bucket, folder = request.getfixturevalue("bucket"), uuid.uuid4().hex
    settings = {"conn_id": bucket.conn_id, "kms_key_id": bucket.key_id}
    return Place(f"s3://{bucket.name}/{folder}/", settings, Prefix(bucket, f"{folder}/acme"))


@pytest.fixture
def staging(place: Place) -> Staging:
    return place.open()


def test_reads_what_it_wrote(staging: Staging) -> None:
    staging.write_bytes("a/b.bin", b"one")
    staging.write_bytes("a/b.bin", b"two")
    staging.write_json("a/c.json", {"b": 1, "a": "ü"})
    assert staging.read_bytes("a/b.bin") == b"two"
    assert staging.read_bytes("a/c.json") == '{"a":"ü","b":1}'.encode()
    assert staging.read_json("a/c.json") == {"a": "ü", "b": 1}
    with staging.open("a/b.bin") as stream:
        assert stream.read(1) + stream.read() == b"two"


def test_what_is_missing_is_file_not_found(staging: Staging) -> None:
    assert not staging.exists("nothing.json")
    assert staging.names("nothing") == []
    asks = (staging.read_bytes, staging.read_json, staging.open, staging.delete, staging.modified)
    for ask in (*asks, lambda name: staging.copy(name, "copy.json")):
        with pytest.raises(FileNotFoundError):
            ask("nothing.json")


def test_a_copy_is_whole_and_stays_when_its_source_changes(place: Place) -> None:
    staging = place.open()
    staging.write_bytes("a/part.gz", b"one")
    for _ in range(2):
        staging.copy("a/part.gz", "b/part.gz")
    staging.write_bytes("a/part.gz", b"two")
    assert staging.read_bytes("b/part.gz") == b"one"
    staging.delete("a/part.gz")
    assert place.others.everything() == ["b/part.gz"]


def test_a_copy_is_encrypted_as_what_is_written(bucket: Any) -> None:
    settings = {"conn_id": bucket.conn_id, "kms_key_id": bucket.key_id}
    staging = open_staging(f"s3://{bucket.name}/copies", "acme", **settings)
    staging.write_json("a.json", {})
    staging.copy("a.json", "b.json")
    head = Prefix(bucket, "copies/acme").head("b.json")
    assert (head["SSEKMSKeyId"], head["ContentType"]) == (bucket.key_id, "application/json")


def test_an_object_written_again_was_modified_later(staging: Staging) -> None:
    staging.write_bytes("contacts.csv", b"one")
    first = staging.modified("contacts.csv")
    assert first.tzinfo is not None
    staging.write_bytes("contacts.csv", b"one")
    assert staging.modified("contacts.csv") >= first


def test_names_lists_everything_below_a_folder_sorted(staging: Staging) -> None:
    for name in ("b/2/x.csv", "b/1.json", "b/10.json", "bb/3.json", "b/2/a"):
        staging.write_bytes(name, b"x")
    assert staging.names("b") == ["b/1.json", "b/10.json", "b/2/a", "b/2/x.csv"]
    assert staging.names("b/") == staging.names("b")
    assert staging.names("b/2") == ["b/2/a", "b/2/x.csv"]
    assert len(staging.names("")) == 5


@pytest.mark.parametrize("content", [b"mine", b""])
def test_a_taken_name_is_refused(staging: Staging, content: bytes) -> None:
    staging.write_bytes("lease/1", content, exclusive=True)
    with pytest.raises(FileExistsError):
        staging.write_bytes("lease/1", b"theirs", exclusive=True)
    assert staging.read_bytes("lease/1") == content


class LostReply(Staging):
    """A client that wrote, did not hear so, wrote again and was refused."""

    @contextmanager
    def writing(self, name: str, *, exclusive: bool = False) -> Iterator[IO[bytes]]:
        with super().writing(name, exclusive=exclusive) as stream:
            yield stream
        raise FileExistsError(name)


@pytest.mark.parametrize("content", [b"mine", b""])
def test_who_is_refused_because_of_its_own_object_has_written_it(
    staging: Staging, content: bytes
) -> None:
    LostReply(staging.root).write_bytes("lease/1", content, exclusive=True)
    assert staging.read_bytes("lease/1") == content
    manifest = write_manifest(LostReply(staging.root), "phase", [], counts={})
    assert read_manifest(staging, "phase") == manifest


def test_a_name_that_was_taken_and_is_free_again_was_not_written(staging: Staging) -> None:
    class Deleted(LostReply):
        def read_bytes(self, name: str) -> bytes:
            raise FileNotFoundError(name)

    with pytest.raises(FileExistsError):
        Deleted(staging.root).write_bytes("lease/1", b"mine", exclusive=True)


@pytest.mark.parametrize("size", [5, 0, MORE_THAN_A_BLOCK])
def test_of_two_who_write_at_once_one_is_refused(place: Place, size: int) -> None:
    one, other = place.open(), place.open()

    def overtaken() -> None:
        with one.writing("lease/1", exclusive=True) as slow:
            slow.write(b"s" * size)
            with other.writing("lease/1", exclusive=True) as quick:
                quick.write(b"q" * 7)

    with pytest.raises(FileExistsError):
        overtaken()
    assert one.read_bytes("lease/1") == b"q" * 7
    assert place.others.everything() == ["lease/1"]


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("size", [5, MORE_THAN_A_BLOCK])
def test_nobody_sees_half_an_object(place: Place, size: int, exclusive: bool) -> None:
    mine, theirs = place.open(), place.open()
    with mine.writing("part.gz", exclusive=exclusive) as stream:
        stream.write(b"x" * size)
        stream.flush()
        assert not theirs.exists("part.gz")
        assert theirs.names("") == []
    assert len(theirs.read_bytes("part.gz")) == size


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("size", [5, MORE_THAN_A_BLOCK])
def test_an_error_while_writing_leaves_nothing(place: Place, size: int, exclusive: bool) -> None:
    staging = place.open()

    def fail_half_way() -> None:
        with staging.writing("part.gz", exclusive=exclusive) as stream:
            stream.write(b"x" * size)
            raise RuntimeError("worker lost")

    with pytest.raises(RuntimeError, match="worker lost"):
        fail_half_way()
    assert place.others.everything() == []


def test_an_error_while_writing_keeps_what_was_there(staging: Staging) -> None:
    staging.write_bytes("report.html", b"whole")

    def fail_half_way() -> None:
        with staging.writing("report.html") as stream:
            stream.write(b"ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_half_way()
    assert staging.read_bytes("report.html") == b"whole"


def test_what_others_write_and_delete_is_seen_after_a_listing(place: Place) -> None:
    staging = place.open()
    place.others.write("inbox/a.csv", b"a")
    assert staging.names("inbox") == ["inbox/a.csv"]
    place.others.write("inbox/b.csv", b"b")
    place.others.delete("inbox/a.csv")
    assert staging.exists("inbox/b.csv")
    assert not staging.exists("inbox/a.csv")
    assert staging.names("inbox") == ["inbox/b.csv"]
    assert staging.read_bytes("inbox/b.csv") == b"b"


def test_what_was_read_before_is_read_anew(place: Place) -> None:
    staging = place.open()
    place.others.write("gate.json", b"1")
    assert staging.read_json("gate.json") == 1
    place.others.write("gate.json", b"22")
    assert staging.read_json("gate.json") == 22


@pytest.mark.parametrize("name", ["/etc/passwd", "../other/ledger", "a/../../b", ".."])
def test_a_name_that_leaves_the_prefix_is_refused(staging: Staging, name: str) -> None:
    for ask in (staging.exists, staging.read_bytes, staging.names, staging.delete, staging.path):
        with pytest.raises(ValueError, match="leave the staging prefix"):
            ask(name)
    with pytest.raises(ValueError, match="leave the staging prefix"):
        staging.write_bytes(name, b"x")


@pytest.mark.parametrize("size", [0, 5, MORE_THAN_A_BLOCK])
@pytest.mark.parametrize("exclusive", [True, False])
def test_every_object_is_encrypted_with_the_key(bucket: Any, size: int, exclusive: bool) -> None:
    folder = uuid.uuid4().hex
    staging = open_staging(
        f"s3://{bucket.name}/{folder}", "acme", conn_id=bucket.conn_id, kms_key_id=bucket.key_id
    )
    staging.write_bytes("a/report.json", b"x" * size, exclusive=exclusive)
    head = Prefix(bucket, f"{folder}/acme").head("a/report.json")
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] == bucket.key_id
    assert head["ContentType"] == "application/json"
    assert head["ContentLength"] == size


# -- trying a place out --------------------------------------------------------------------


def test_a_good_place_passes_and_stays_clean(place: Place) -> None:
    try_out(place.open())
    assert place.others.everything() == []


class CarelessStore(MemoryFileSystem):
    """Takes a second writer of the same name, as old S3 servers do."""

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return super()._open(path, mode.replace("x", "w"), **kwargs)


def test_a_store_that_takes_two_writers_is_refused() -> None:
    staging = Staging(SimpleNamespace(protocol="careless", path="/bucket", fs=CarelessStore()))
    with pytest.raises(UserMistake, match="If-None-Match"):
        try_out(staging)
    assert staging.names("") == []


def test_a_place_that_is_not_writable_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserMistake, match="file: not writable"):
        try_out(Staging(tmp_path / "file"))


# -- parts and manifests -------------------------------------------------------------------


def _write_ten(staging: Staging) -> dict[str, Any]:
    writer = PartWriter(staging, "run/extract/company", rows_per_part=4)
    places = [writer.add({"id": n}) for n in range(10)]
    assert places[3:6] == [(0, 3), (1, 0), (1, 1)]
    return writer.finish(read=10)


def test_rows_come_back_in_order(staging: Staging) -> None:
    manifest = _write_ten(staging)
    assert [row["id"] for row in read_parts(staging, "run/extract/company")] == list(range(10))
    assert read_part(staging, "run/extract/company", manifest, 2) == [{"id": 8}, {"id": 9}]
    kept = read_manifest(staging, "run/extract/company")
    assert kept == manifest
    assert (kept["format"], kept["package"], kept["read"]) == (1, __version__, 10)
    assert [part["rows"] for part in kept["parts"]] == [4, 4, 2]


def test_parts_without_a_manifest_do_not_count(staging: Staging) -> None:
    writer = PartWriter(staging, "run/extract/company", rows_per_part=1)
    writer.add({"id": 1})
    assert read_manifest(staging, "run/extract/company") is None
    with pytest.raises(StagingBroken, match="no manifest"):
        list(read_parts(staging, "run/extract/company"))


def test_a_manifest_is_written_once(staging: Staging) -> None:
    write_manifest(staging, "run/x", [])
    with pytest.raises(StagingBroken, match="another attempt of this step ended meanwhile"):
        write_manifest(staging, "run/x", [], read=1)
    assert read_manifest(staging, "run/x") == write_manifest(staging, "run/x", [])
    discard_manifest(staging, "run/x")
    discard_manifest(staging, "run/x")
    assert write_manifest(staging, "run/x", [], read=0)["read"] == 0


def test_who_comes_late_leaves_the_parts_of_the_other_attempt_alone(staging: Staging) -> None:
    late, other = (PartWriter(staging, "run/x", rows_per_part=1) for _ in range(2))
    other.add("other")
    other.finish()
    with pytest.raises(StagingBroken, match="another attempt of this step ended meanwhile"):
        late.add("late")
    assert list(read_parts(staging, "run/x")) == ["other"]


def test_a_step_that_runs_again_starts_clean(staging: Staging) -> None:
    _write_ten(staging)
    again = PartWriter(staging, "run/extract/company", rows_per_part=4)
    assert read_manifest(staging, "run/extract/company") is None
    again.add({"id": "only"})
    again.finish()
    assert list(read_parts(staging, "run/extract/company")) == [{"id": "only"}]


@pytest.mark.parametrize("torn", [True, False])
def test_a_part_that_is_not_what_was_written_is_refused(staging: Staging, torn: bool) -> None:
    manifest = _write_ten(staging)
    name = "run/extract/company/part-00001.jsonl.gz"
    content = staging.read_bytes(name)[:-1] if torn else pack_lines([{"id": 99}])
    staging.write_bytes(name, content)
    with pytest.raises(StagingBroken, match=r"part-00001\.jsonl\.gz"):
        list(read_parts(staging, "run/extract/company"))
    assert read_part(staging, "run/extract/company", manifest, 0)[0] == {"id": 0}


def test_a_manifest_of_a_newer_release_is_refused(staging: Staging) -> None:
    staging.write_json("run/x/manifest.json", {"format": 99, "package": "9.0.0", "parts": []})
    with pytest.raises(StagingBroken, match=r"9\.0\.0.*upgrade"):
        read_manifest(staging, "run/x")


def test_equal_rows_are_equal_bytes() -> None:
    rows = [{"b": 1, "a": "line\nbreak"}, {"a": "\u2028"}]
    assert pack_lines(rows) == pack_lines([dict(reversed(row.items())) for row in rows])
    assert unpack_lines(pack_lines(rows)) == rows


def test_copies_a_stream_up_to_a_limit() -> None:
    target = io.BytesIO()
    assert copy_stream(io.BytesIO(b"abc"), target, 3) == (3, sha256(b"abc"))
    assert target.getvalue() == b"abc"
    with pytest.raises(OverflowError, match="more than 2 bytes"):
        copy_stream(io.BytesIO(b"abc"), io.BytesIO(), 2)
