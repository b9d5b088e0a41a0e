"""How the Twenty hook moves files and keeps within limits, against the stand-in."""

from __future__ import annotations

import hashlib
import io
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_crm_migration.core.errors import CrmError, Refused, Throttled, Unsettled
from airflow_crm_migration.core.protocols import Stored, Write


def new_id() -> str:
    return str(uuid.uuid4())


def upload(hook: Any, name: str, content: bytes, size: int | None = None) -> str:
    abandoned: list[str] = []
    size = len(content) if size is None else size
    try:
        return str(hook.upload(name, size, io.BytesIO(content), abandoned.append))
    finally:
        hook.abandoned = abandoned


def attach(hook: Any, name: str, content: bytes) -> Stored:
    file_id = upload(hook, name, content)
    values = {"name": name, "file": [{"file_id": file_id, "label": name}]}
    (made,) = hook.create("attachment", [Write(new_id(), values)])
    return made


def virtual_time(hook: Any) -> list[float]:
    """Let a hook that has not called yet wait without waiting."""
    waits: list[float] = []
    hook.sleep = waits.append
    hook.clock = lambda: sum(waits)
    return waits


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_comes_back_byte_for_byte(bench):
    content = bytes(range(256)) * 5000
    made = attach(bench.hook, "scan.dat", content)
    assert made.values["file"][0]["label"] == "scan.dat"
    with bench.hook.download(made) as stream:
        assert sha256(stream.read()) == sha256(content)
    (file,) = bench.content("files")
    assert file["sha256"] == sha256(content)


def test_an_attachment_that_was_just_written_is_read_back_without_a_limited_call(bench):
    made = attach(bench.hook, "note.txt", b"hello")
    bench.hook.requests_made.clear()
    bench.hook.download(made).close()
    assert bench.hook.requests_made == {"GET /file/files-field/{id}": 1}
    bench.hook.requests_made.clear()
    bench.hook.download(made).close()
    assert bench.hook.requests_made["GET /rest/attachments/{id}"] == 1


def test_an_address_that_grew_old_is_asked_for_anew(bench):
    made = attach(bench.hook, "note.txt", b"hello")
    fault = {"kind": "5xx", "status": 403, "method": "GET", "path": "/file/"}
    bench.control("faults", [fault])
    with bench.hook.download(made) as stream:
        assert stream.read() == b"hello"


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("a.pdf", "TEXT_DOCUMENT"),
        ("a.JPG", "IMAGE"),
        ("a.xlsx", "SPREADSHEET"),
        ("a.tar.gz", "ARCHIVE"),
        ("a.mp4", "VIDEO"),
        ("a.unknown", "OTHER"),
        ("none", "OTHER"),
    ],
)
def test_the_category_that_twenty_does_not_derive_is_given(bench, name, category):
    values = {"name": name}
    (made,) = bench.hook.create("attachment", [Write(new_id(), values)])
    assert made.values["fileCategory"] == category


def test_a_name_without_an_extension_is_no_reason_to_lose_a_file(bench):
    made = attach(bench.hook, "README", b"text")
    assert made.values["name"] == "README"
    with bench.hook.download(made) as stream:
        assert stream.read() == b"text"


def test_what_twenty_refuses_of_a_file_is_told_in_its_words(bench):
    with pytest.raises(Refused, match="Invalid file size 0"):
        upload(bench.hook, "empty.txt", b"")
    with pytest.raises(Refused, match="does not match its extension"):
        upload(bench.hook, "picture.png", b"text")


def test_a_file_shorter_than_declared_is_not_stored_as_if_it_were_whole(bench):
    with pytest.raises(CrmError, match="before its declared size"):
        upload(bench.hook, "short.txt", b"hello", size=10)


@pytest.mark.parametrize("path", ["^/metadata", "^/file-upload"])
@pytest.mark.parametrize("kind", ["reply_lost", "5xx"])
def test_an_upload_whose_end_is_unknown_is_begun_anew_and_told_of(bench, path, kind):
    virtual_time(bench.hook)
    bench.control("faults", [{"kind": kind, "method": "*", "path": path}])
    made = attach(bench.hook, "note.txt", b"hello")
    with bench.hook.download(made) as stream:
        assert stream.read() == b"hello"
    [told] = bench.hook.abandoned
    loose = [file["id"] for file in bench.content("files") if not file["record"]]
    assert (loose == [told]) if path == "^/file-upload" else (told == "")


@pytest.mark.parametrize("skip", [0, 1])
def test_each_upload_whose_end_is_unknown_is_told_of(bench, skip):
    """Declared (at first) or completed (after that), with no reply, three times over."""
    virtual_time(bench.hook)
    fault = {"kind": "reply_lost", "path": "^/metadata", "skip": skip, "times": 3}
    bench.control("faults", [fault])
    attach(bench.hook, "note.txt", b"hello")
    loose = [file["id"] for file in bench.content("files") if not file["record"]]
    named = [told for told in bench.hook.abandoned if told]
    assert set(named) <= set(loose)
    assert len(loose) == len(bench.hook.abandoned)


def test_the_credential_does_not_travel_with_the_bytes(bench):
    seen: list[Any] = []
    send = bench.hook._anonymous.send
    bench.hook._anonymous.send = lambda request, **options: (
        seen.append(request.headers),
        send(request, **options),
    )[1]
    attach(bench.hook, "note.txt", b"hello")
    assert len(seen) == 1
    assert "Authorization" not in seen[0]


@pytest.mark.parametrize("threads", [1, 8])
def test_a_client_that_respects_the_windows_is_never_refused(twenty, threads):
    # The server's clock runs 500 times as fast.
    bench = twenty(
        extra={"rate_limits": "100/0.12s, 100/0.002s", "budget_share": 1},
        scale=500,
        short_limit=(100, 1),
        long_limit=(100, 60),
    )
    bench.hook.describe()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(bench.hook.count, ["person"] * 250))
    assert bench.statuses().keys() == {"200"}


@pytest.mark.parametrize("path", ["^/rest/people", "^/graphql"])
def test_a_limit_is_waited_for_in_rest_and_graphql(bench, path):
    waits = virtual_time(bench.hook)
    bench.control("faults", [{"kind": "429", "method": "*", "path": path, "times": 3}])
    row = Write(new_id(), {"emails": ["ana@x.example"]})
    bench.hook.restore("person", [row.id])
    bench.hook.count("person")
    assert len(waits) >= 3


def test_a_write_that_came_too_fast_is_sent_again_and_only_written_once(bench):
    virtual_time(bench.hook)
    fault = {"kind": "429", "method": "POST", "path": "^/rest/batch", "times": 2}
    bench.control("faults", [fault])
    bench.hook.create("person", [Write(new_id(), {"emails": ["ana@x.example"]})])
    assert len(bench.content("person")) == 1


def test_a_limit_without_end_is_told_as_one(bench):
    virtual_time(bench.hook)
    bench.control("faults", [{"kind": "429", "path": "^/rest/people", "times": 1000}])
    with pytest.raises(Throttled):
        bench.hook.count("person")


TROUBLE = ["5xx", "5xx_after", "timeout", "reply_lost", "half_reply", "late"]


@pytest.mark.parametrize("kind", TROUBLE)
def test_reads_outlive_trouble_and_writes_tell_of_it(bench, kind):
    virtual_time(bench.hook)
    trouble = {"kind": kind, "path": "people", "seconds": 0.01}
    bench.control("faults", [{**trouble, "times": 2}])
    assert bench.hook.count("person") >= 0
    bench.control("faults", [{**trouble, "method": "POST"}])
    with pytest.raises(Unsettled):
        bench.hook.create("person", [Write(new_id(), {})])


def test_a_reply_that_does_not_come_in_time_is_as_good_as_lost(twenty):
    bench = twenty(extra={"timeout": 0.1})
    virtual_time(bench.hook)
    bench.hook.describe()
    slow = {"kind": "latency", "path": "people", "seconds": 1}
    bench.control("faults", [slow])
    assert bench.hook.count("person") == 0
    bench.control("faults", [{**slow, "method": "POST"}])
    with pytest.raises(Unsettled, match="no reply in time"):
        bench.hook.create("person", [Write(new_id(), {})])
