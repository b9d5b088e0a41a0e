"""A place that cannot hold staging is told in one line with the fix."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.hooks.staging import open_staging, try_out

if TYPE_CHECKING:
    from pathlib import Path


def complaint(url: str, conn_id: str | None = None) -> str:
    with pytest.raises(UserMistake) as raised:
        open_staging(url, "acme", conn_id=conn_id)
    [line] = raised.value.findings
    assert "\n" not in line
    assert url in line
    return line


def test_a_folder_is_made(tmp_path: Path) -> None:
    open_staging(f"file://{tmp_path}/new/folder", "acme").write_bytes("x", b"x")
    assert (tmp_path / "new" / "folder" / "acme" / "x").read_bytes() == b"x"


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "Not a directory" in complaint(f"file://{tmp_path}/file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    assert "Permission denied" in complaint(f"file://{tmp_path}/closed")


def test_an_unknown_bucket_is_told(bucket: Any) -> None:
    line = complaint("s3://no-such-bucket-here/x", bucket.conn_id)
    assert "there is no bucket 'no-such-bucket-here'; create it" in line


def test_a_missing_connection_is_told() -> None:
    assert "there is no connection 'nowhere'; create it" in complaint("s3://b/x", "nowhere")


def test_a_server_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {
        "region_name": "eu-central-1",
        "endpoint_url": "http://127.0.0.1:1",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SILENT", json.dumps(connection))
    assert "check the connection 'silent'" in complaint("s3://bucket/x", "silent")


def test_a_good_place_passes_and_stays_clean(bucket: Any, tmp_path: Path) -> None:
    for staging in (
        open_staging(f"file://{tmp_path}", "acme"),
        open_staging(f"s3://{bucket.name}/try", "acme", conn_id=bucket.conn_id),
    ):
        try_out(staging, "here")
        assert staging.names("") == []


class CarelessStore(MemoryFileSystem):
    """Takes a second writer of the same name, as old S3 servers do."""

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return super()._open(path, mode.replace("x", "w"), **kwargs)


def test_a_store_that_takes_two_writers_is_refused() -> None:
    root = SimpleNamespace(protocol="careless", path="/bucket", fs=CarelessStore())
    staging = Staging(root)
    with pytest.raises(UserMistake, match="If-None-Match"):
        try_out(staging, "careless://bucket")
    assert staging.names("") == []


def test_a_place_that_is_not_writable_is_told(tmp_path: Path) -> None:
    staging = open_staging(f"file://{tmp_path}", "acme")
    (tmp_path / "acme").rmdir()
    (tmp_path / "acme").write_text("in the way")
    with pytest.raises(UserMistake, match="staging here: not writable"):
        try_out(staging, "here")
