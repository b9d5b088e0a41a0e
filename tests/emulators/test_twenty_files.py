"""Files in the Twenty emulator: declared, sent, completed, attached once, fetched with a token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.emulators.base import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

DECLARE = (
    "mutation($f:String!,$s:Float!,$m:String){createFileUpload(filename:$f,size:$s,"
    "fileFolder:FilesField,fieldMetadataUniversalIdentifier:$m){fileId uploadUrl contentType}}"
)
COMPLETE = "mutation($i:String!){completeFileUpload(fileId:$i){id path size url createdAt}}"
FILE_FIELD = "20202020-15db-460e-8166-c7b5d87ad4be"
PNG = b"\x89PNG\r\n\x1a\n and so on"


class HandClock(Clock):
    """A clock that moves only when it is told to."""

    time = 1_750_000_000.0

    def now(self) -> float:
        return self.time


def declare(twenty: Any, name: str, size: float) -> dict[str, Any]:
    reply = twenty.gql(DECLARE, path="/metadata", f=name, s=size, m=FILE_FIELD)
    return dict(reply["data"]["createFileUpload"] if reply["data"] else reply)


def put(declared: dict[str, Any], content: bytes, mime: str = "") -> requests.Response:
    headers = {"Content-Type": mime or declared["contentType"]}
    return requests.put(declared["uploadUrl"], data=content, headers=headers, timeout=30)


def complete(twenty: Any, declared: dict[str, Any]) -> dict[str, Any]:
    return dict(twenty.gql(COMPLETE, path="/metadata", i=declared["fileId"]))


def upload(twenty: Any, name: str, content: bytes) -> str:
    declared = declare(twenty, name, len(content))
    assert put(declared, content).status_code == 204
    assert complete(twenty, declared)["data"]["completeFileUpload"]["size"] == len(content)
    return str(declared["fileId"])


def attach(file_id: str, **more: Any) -> dict[str, Any]:
    return {"name": "x", "file": [{"fileId": file_id, "label": "x"}], **more}


def test_a_file_is_uploaded_attached_and_fetched(twenty: Any) -> None:
    person = twenty.create("people", {})
    file_id = upload(twenty, "photo.PNG", PNG)
    made = twenty.create("attachments", attach(file_id, targetPersonId=person["id"]))
    assert made["fileCategory"] == "OTHER"
    (entry,) = made["file"]
    assert (entry["fileId"], entry["extension"], entry["label"]) == (file_id, ".PNG", "x")
    reply = requests.get(entry["url"], timeout=30)
    assert (reply.content, reply.headers["Content-Type"]) == (PNG, "image/png")
    bare = entry["url"].partition("?")[0]
    assert requests.get(bare, timeout=30).status_code == 403
    assert requests.get(f"{bare}?token=1.x", timeout=30).status_code == 403
    (dumped,) = twenty.control("GET", "content")["files"]
    assert (dumped["id"], dumped["size"], dumped["record"]) == (file_id, len(PNG), made["id"])


def test_addresses_expire(make_twenty: Callable[..., Any]) -> None:
    clock = HandClock()
    twenty = make_twenty(clock=clock)
    declared = declare(twenty, "a.txt", 1)
    clock.time += 901.0
    assert put(declared, b"x").status_code == 403
    file_id = upload(twenty, "a.txt", b"x")
    url = twenty.create("attachments", attach(file_id))["file"][0]["url"]
    clock.time += 86_000.0
    assert requests.get(url, timeout=30).content == b"x"
    clock.time += 500.0
    assert requests.get(url, timeout=30).status_code == 403


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("noextension", 5, "Filename must have an extension"),
        ("a.txt", 0, "Invalid file size 0 (max 1073741824 bytes)"),
        ("a.txt", 2**31, "Invalid file size 2147483648 (max 1073741824 bytes)"),
    ],
)
def test_declarations_that_are_refused(shared_twenty: Any, name: str, size: int, told: str) -> None:
    assert declare(shared_twenty, name, size)["errors"][0]["message"] == told


def test_the_bytes_must_be_as_declared(twenty: Any) -> None:
    declared = declare(twenty, "a.txt", 5)
    for content, mime, status, code in (
        (b"hell", "", 400, "FILE_SIZE_MISMATCH"),
        (b"hello!", "", 413, "FILE_TOO_LARGE"),
        (b"hello", "text/plain", 400, "FILE_SIZE_MISMATCH"),
    ):
        reply = put(declared, content, mime)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert "errors" in complete(twenty, declared)
    assert put({**declared, "uploadUrl": declared["uploadUrl"] + "x"}, b"hello").status_code == 403
    assert put(declared, b"hello").status_code == 204


@pytest.mark.parametrize(
    ("name", "content", "fits"),
    [
        ("a.png", b"text", False),
        ("a.pdf", b"text", False),
        ("a.pdf", b"%PDF-1.7", True),
        ("a.docx", b"PK\x03\x04", True),
        ("a.html", b"<p>", True),
        ("a.svg", b"<svg/>", True),
        ("a.exe", b"MZ", True),
    ],
)
def test_the_content_must_be_what_the_name_says(
    shared_twenty: Any, name: str, content: bytes, fits: bool
) -> None:
    declared = declare(shared_twenty, name, len(content))
    put(declared, content)
    reply = complete(shared_twenty, declared)
    assert ("errors" not in reply) is fits
    if not fits:
        assert reply["errors"][0]["message"].startswith("File content does not match its extension")


def test_attachments_that_are_refused(twenty: Any) -> None:
    file_id, other = upload(twenty, "a.txt", b"x"), upload(twenty, "b.txt", b"y")
    pending = declare(twenty, "a.txt", 1)["fileId"]
    assert "upload has not been completed" in twenty.refused("POST", "attachments", attach(pending))
    unknown = "6ba7b811-9dad-41d1-80b4-00c04fd430c8"
    assert "not found" in twenty.refused("POST", "attachments", attach(unknown))
    unlabelled = {"name": "x", "file": [{"fileId": file_id}]}
    assert "label" in twenty.refused("POST", "attachments", unlabelled)
    both = {"file": [{"fileId": i, "label": "x"} for i in (file_id, other)]}
    assert "Max number of files is 1" in twenty.refused("POST", "attachments", both)
    twenty.create("attachments", attach(file_id))
    told = twenty.refused("POST", "attachments", attach(file_id))
    assert told == f"File {file_id} is already associated with a permanent files field"
    rows = [attach(other), attach(other)]
    assert "already associated" in twenty.refused("POST", "batch/attachments", rows)
    assert twenty.get("attachments")["totalCount"] == 1


def test_link_only_and_orphan_attachments_are_accepted(twenty: Any) -> None:
    made = twenty.create("attachments", {"name": "x", "fullPath": "https://files.example/x"})
    assert (made["file"], made["fullPath"]) == (None, "https://files.example/x")


def test_an_upserted_attachment_keeps_its_file(twenty: Any) -> None:
    made = twenty.create("attachments", attach(upload(twenty, "a.txt", b"x")))
    same = attach(made["file"][0]["fileId"], id=made["id"], fileCategory="IMAGE")
    again = twenty.create("attachments", same, upsert="true")
    assert (again["id"], again["fileCategory"]) == (made["id"], "IMAGE")


def test_the_multipart_variant_takes_a_file_at_once(twenty: Any) -> None:
    fields = "(file:$f,fieldMetadataId:$m){id size url}"
    query = f"mutation($f:Upload!,$m:String!){{uploadFilesFieldFile{fields}}}"
    field = twenty.field("attachment", "file")["id"]
    operations = {"query": query, "variables": {"f": None, "m": field}}
    form = {"operations": json.dumps(operations), "map": '{"0":["variables.f"]}'}
    for name, content in (("a.txt", b"hello"), ("empty.txt", b"")):
        reply = twenty.session.post(
            f"{twenty.base}/metadata", data=form, files={"0": (name, content)}, timeout=30
        )
        file = reply.json()["data"]["uploadFilesFieldFile"]
        assert file["size"] == len(content)
        assert requests.get(file["url"], timeout=30).content == content
        assert twenty.create("attachments", attach(file["id"]))["file"][0]["fileId"] == file["id"]
