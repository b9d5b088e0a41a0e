from __future__ import annotations

import hashlib
import io
from typing import IO, TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.errors import (
    CrmError,
    DeadHost,
    ForbiddenAddress,
    NoAnswer,
    QuotaSpent,
    StagingBroken,
    Throttled,
    Unreachable,
)
from airflow_crm_migration.core.extract import Extraction
from airflow_crm_migration.core.inbox import copy_inbox
from airflow_crm_migration.core.mapping import FileRule
from airflow_crm_migration.core.protocols import Route
from airflow_crm_migration.core.secure_files import Securing, read_files
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPEC = OBJECTS["attachment"]
RULE = FileRule.model_validate({"from": "path", "size": "size"})
LIMIT = 1000


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    (tmp_path / "secret.txt").write_text("nothing of the customer's")
    return Staging(tmp_path)


def secure(
    staging: Staging,
    *paths: str,
    size: str = "",
    open_url: Callable[[str], IO[bytes]] | None = None,
    run: str = "r1",
) -> list[dict[str, Any]]:
    """Secure attachments with the given paths; return their rows of the index without ids."""
    lines = [f'a{n},Deal,d1,x.pdf,"{path}",{size}' for n, path in enumerate(paths)]
    header = "Attachment ID,Parent Type,Parent ID,File Name,Path/URL,Size"
    staging.write_bytes("inbox/attachments.csv", "\n".join([header, *lines]).encode())
    copied = copy_inbox(staging, run, [SPEC])
    Extraction(staging, run, SPEC, Route.CSV, CsvFormat(), copied=copied).extract()
    counts = Securing(staging, run, SPEC.name, RULE, open_url, LIMIT).secure()
    assert sum(counts.values()) == len(paths)
    rows = read_files(staging, run, SPEC.name)
    return [{k: v for k, v in row.items() if k != "id"} for row in rows]


def reasons(rows: list[dict[str, Any]]) -> list[str]:
    return [row["reason"] for row in rows]


@pytest.mark.parametrize("path", ["deal/a.pdf", "files/deal/a.pdf", "./deal/a.pdf", "deal\\a.pdf"])
def test_a_dropped_file_is_kept_under_its_digest(staging: Staging, path: str) -> None:
    staging.write_bytes("inbox/files/deal/a.pdf", b"%PDF content")
    [row] = secure(staging, path)
    assert row == {"sha256": hashlib.sha256(b"%PDF content").hexdigest(), "size": 12}
    assert staging.read_bytes(f"files/{row['sha256']}") == b"%PDF content"


def test_equal_files_are_kept_once(staging: Staging) -> None:
    for name in ("a", "b"):
        staging.write_bytes(f"inbox/files/{name}.pdf", b"same")
    first, second = secure(staging, "a.pdf", "b.pdf")
    assert first == second
    assert len(staging.names("files")) == 1


@pytest.mark.parametrize(
    "path",
    [
        "../../secret.txt",
        "a/../../../secret.txt",
        "/etc/passwd",
        "..\\..\\secret.txt",
        "\\\\host\\x",
    ],
)
def test_a_path_out_of_the_export_is_never_opened(staging: Staging, path: str) -> None:
    staging.write_bytes("inbox/files/a/b.pdf", b"x")
    assert reasons(secure(staging, path)) == ["file_forbidden_address"]
    assert staging.names("files") == []


def test_a_link_out_of_the_export_is_never_followed(staging: Staging, tmp_path: Path) -> None:
    staging.write_bytes("inbox/files/a.pdf", b"x")
    (tmp_path / "inbox/files/link.pdf").symlink_to(tmp_path / "secret.txt")
    (tmp_path / "inbox/files/up").symlink_to(tmp_path)
    assert reasons(secure(staging, "link.pdf", "up/secret.txt")) == ["file_forbidden_address"] * 2


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing.pdf", "file_unreachable"),
        ("folder", "file_unreachable"),
        ("x" * 300, "file_unreachable"),
        ("a\0b", "file_name_unusable"),
        ("", "file_name_unusable"),
        ("empty.pdf", "file_empty"),
        ("large.pdf", "file_too_large"),
        ("ftp://example.com/a.pdf", "file_forbidden_address"),
        ("file:///etc/passwd", "file_forbidden_address"),
        ("https://example.com/a.pdf", "file_unreachable"),
    ],
)
def test_what_cannot_be_moved_has_a_reason(staging: Staging, path: str, reason: str) -> None:
    staging.write_bytes("inbox/files/empty.pdf", b"")
    staging.write_bytes("inbox/files/large.pdf", b"x" * (LIMIT + 1))
    staging.write_bytes("inbox/files/folder/a.pdf", b"x")
    assert reasons(secure(staging, path)) == [reason]
    assert staging.names("files") == []


def test_a_file_of_exactly_the_limit_is_secured(staging: Staging) -> None:
    staging.write_bytes("inbox/files/a.pdf", b"x" * LIMIT)
    assert secure(staging, "a.pdf")[0]["size"] == LIMIT


def test_a_file_declared_too_large_is_not_even_opened(staging: Staging) -> None:
    def never(url: str) -> IO[bytes]:
        raise AssertionError(url)

    rows = secure(staging, "https://example.com/a", size=str(LIMIT + 1), open_url=never)
    assert reasons(rows) == ["file_too_large"]


def test_another_size_than_declared_is_noted(staging: Staging) -> None:
    staging.write_bytes("inbox/files/a.pdf", b"1234")
    assert secure(staging, "a.pdf", size="5")[0]["declared"] == 5


def test_an_address_is_downloaded_once_per_engagement(staging: Staging) -> None:
    asked: list[str] = []

    def open_url(url: str) -> IO[bytes]:
        asked.append(url)
        return io.BytesIO(b"binary")

    first = secure(staging, "HTTPS://example.com/a", open_url=open_url)
    second = secure(staging, "HTTPS://example.com/a", open_url=open_url, run="r2")
    assert first == second == [{"sha256": hashlib.sha256(b"binary").hexdigest(), "size": 6}]
    assert asked == ["HTTPS://example.com/a"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ForbiddenAddress("db: is no public address"), "file_forbidden_address"),
        (CrmError("example.com: Not Found", status=404), "file_unreachable"),
    ],
)
def test_what_the_download_says_is_kept(staging: Staging, error: CrmError, reason: str) -> None:
    def open_url(url: str) -> IO[bytes]:
        raise error

    [row] = secure(staging, "https://example.com/a", open_url=open_url)
    assert (row["reason"], row["detail"]) == (reason, error.message)


URLS = [f"https://files.example/{n}" for n in range(5)]


@pytest.mark.parametrize(
    "error",
    [QuotaSpent("spent", retry_after=3600), Throttled("slow down"), Unreachable("down")],
)
def test_trouble_of_the_crm_is_no_fault_of_a_file(staging: Staging, error: CrmError) -> None:
    asked: list[str] = []

    def open_url(url: str) -> IO[bytes]:
        asked.append(url)
        if len(asked) == 2:
            raise error
        return io.BytesIO(b"x")

    with pytest.raises(type(error)):
        secure(staging, *URLS, open_url=open_url)
    with pytest.raises(StagingBroken, match="no manifest"):
        list(read_files(staging, "r1", SPEC.name))
    assert len(secure(staging, *URLS, open_url=open_url)) == 5
    assert asked == [*URLS[:2], *URLS[1:]]


def answering(*answers: bytes | CrmError) -> Callable[[str], IO[bytes]]:
    left = list(answers)

    def open_url(url: str) -> IO[bytes]:
        answer = left.pop(0)
        if isinstance(answer, CrmError):
            raise answer
        return io.BytesIO(answer)

    return open_url


@pytest.mark.parametrize("between", [b"x", CrmError("Not Found", status=404)])
def test_a_file_that_the_crm_has_no_answer_for_is_left_out(
    staging: Staging, between: bytes | CrmError
) -> None:
    broken = NoAnswer("broken", status=500)
    rows = secure(staging, *URLS, open_url=answering(broken, broken, between, broken, broken))
    assert [row.get("detail") for row in rows if "sha256" not in row].count("broken") == 4


def test_no_answer_for_one_file_after_the_other_is_an_outage(staging: Staging) -> None:
    broken = NoAnswer("broken", status=503)
    with pytest.raises(NoAnswer):
        secure(staging, *URLS, open_url=answering(b"x", broken, broken, broken))


def test_a_server_that_cannot_be_reached_is_asked_once(staging: Staging) -> None:
    asked: list[str] = []

    def open_url(url: str) -> IO[bytes]:
        asked.append(url)
        if "dead.example" in url:
            raise DeadHost("dead.example: no reply", host="dead.example")
        return io.BytesIO(b"x")

    urls = ["https://dead.example/1", URLS[0], "https://DEAD.example/2", "http://[bad", URLS[1]]
    rows = secure(staging, *urls, open_url=open_url)
    assert [row.get("detail") for row in rows[:3]] == [*["dead.example: no reply", None] * 2][:3]
    assert asked == [urls[0], urls[1], urls[3], urls[4]]


def test_a_download_that_breaks_is_unreachable_and_asked_for_again(staging: Staging) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise CrmError("example.com: the download broke")

    [row] = secure(staging, "https://example.com/a", open_url=lambda url: Breaking())
    assert row["reason"] == "file_unreachable"
    [row] = secure(
        staging, "https://example.com/a", open_url=lambda url: io.BytesIO(b"x"), run="r2"
    )
    assert row["size"] == 1


INDEX = "r1/extract/attachment/files"


def test_an_index_that_is_not_what_was_written_is_refused(staging: Staging) -> None:
    secure(staging, "nowhere.pdf")
    part = f"{INDEX}/part-00000.jsonl.gz"
    staging.write_bytes(part, staging.read_bytes(part)[:-1])
    with pytest.raises(StagingBroken, match="is not what its manifest says"):
        list(read_files(staging, "r1", SPEC.name))


def test_an_index_of_another_version_is_refused(staging: Staging) -> None:
    secure(staging, "nowhere.pdf")
    manifest = staging.read_json(f"{INDEX}/manifest.json")
    staging.write_json(f"{INDEX}/manifest.json", manifest | {"format": 2, "package": "9"})
    with pytest.raises(StagingBroken, match="format 2, written by version 9"):
        list(read_files(staging, "r1", SPEC.name))


def test_an_index_that_was_not_finished_does_not_count(staging: Staging) -> None:
    def dying(url: str) -> IO[bytes]:
        raise KeyboardInterrupt

    secure(staging, "https://files.example/a.pdf")
    with pytest.raises(KeyboardInterrupt):
        secure(staging, "https://files.example/a.pdf", open_url=dying)
    with pytest.raises(StagingBroken, match="no manifest"):
        list(read_files(staging, "r1", SPEC.name))
