"""A place that cannot hold staging is told in one line with the fix."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.hooks.staging import open_staging

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
