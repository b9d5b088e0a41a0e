"""Staging that is full, gone or torn ends a step in one line that says which, what and the fix."""

from __future__ import annotations

import json
import resource
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowFailException
from moto.server import ThreadedMotoServer
from structlog.testing import CapturingLogger

from airflow_crm_migration.core.errors import StagingUnusable
from airflow_crm_migration.core.staging import PartWriter, Staging, read_manifest, read_parts
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.tasks import MigrationOperator
from tests.support.loading import person
from tests.support.writers import desk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.faults

SMALL = 4096
BLOCK = 16 << 20
#: Seconds of beat and lease: nobody who had to wait for it would see the end of the test.
NEVER = (0.05, 36000.0)


class Step(MigrationOperator):
    """Does what a test says."""

    def __init__(self, *, do: Callable[[], Any], **kwargs: Any) -> None:
        super().__init__(
            task_id="step", engagement_id="acme", staging_url="", environment="sandbox", **kwargs
        )
        self.do = do

    @cached_property
    def log(self) -> CapturingLogger:
        return CapturingLogger()

    def work(self, context: Any) -> Any:
        return self.do()


def told(do: Callable[[], Any], error: type[Exception]) -> str:
    """Return the one line that a task logs when it fails of something."""
    step = Step(do=do)
    with pytest.raises(error) as raised:
        step.execute({})  # type: ignore[arg-type]
    [line] = [c.args[0] % c.args[1:] for c in step.log.calls if c.method_name == "error"]
    assert line == str(raised.value)
    assert "\n" not in line
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None
    return line


# -- a full disk ---------------------------------------------------------------------------


@contextmanager
def no_file_larger(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_full_disk_leaves_what_was_there(tmp_path: Path, exclusive: bool) -> None:
    staging = Staging(tmp_path)
    if not exclusive:
        staging.write_bytes("report", b"before")
    with no_file_larger(SMALL):
        line = told(
            lambda: staging.write_bytes("report", b"x" * 2 * SMALL, exclusive=exclusive),
            StagingUnusable,
        )
    assert line == f"staging {tmp_path}: File too large: make room there, then try again"
    assert [p.name for p in tmp_path.iterdir()] == ([] if exclusive else ["report"])
    staging.write_bytes("report", b"x" * 2 * SMALL, exclusive=exclusive)
    assert len(staging.read_bytes("report")) == 2 * SMALL


def test_a_load_whose_disk_is_full_lets_go_and_the_next_goes_on(tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    with desk(tmp_path / "alone") as alone:
        assert alone.begin("run-1").end() == 0
        undisturbed = alone.ending()
    with desk(tmp_path) as office:
        first = office.begin_until_held("run-1", {"path": "/rest/batch/people", "when": "after"})
        # A lease is smaller, the results of a batch are larger.
        resource.prlimit(first.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        office.control("release", {})
        assert first.end() == 1
        folder = tmp_path / "staging"
        assert first.failure == f"staging {folder}: File too large: make room there, then try again"
        assert office.begin("run-2", lease=NEVER).end() == 0
        assert office.ending() == undisturbed


# -- a store that goes ---------------------------------------------------------------------


@dataclass(frozen=True)
class Shop:
    """A store of one test, which may take it away."""

    server: ThreadedMotoServer
    bucket: str
    client: Any
    staging: Staging

    def lose_bucket(self) -> None:
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        for key in found:
            self.client.delete_object(Bucket=self.bucket, Key=key["Key"])
        self.client.delete_bucket(Bucket=self.bucket)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    access = {
        "region_name": "eu-central-1",
        "endpoint_url": "http://{}:{}".format(*server.get_host_and_port()),
    }
    # Airflow keeps what it opened by the name of the connection, the server its buckets by theirs.
    bucket = f"b{uuid.uuid4().hex}"
    extra = access | {"config_kwargs": {"retries": {"max_attempts": 0}}}
    connection = {"conn_type": "aws", "login": "somebody", "password": "something", "extra": extra}
    monkeypatch.setenv(f"AIRFLOW_CONN_{bucket.upper()}", json.dumps(connection))
    client = boto3.client("s3", aws_access_key_id="other", aws_secret_access_key="other", **access)
    place = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
    staging = open_staging(f"s3://{bucket}/x", "acme", conn_id=bucket)
    yield Shop(server, bucket, client, staging)
    client.close()
    server.stop()


def test_a_load_whose_bucket_goes_ends_clean(shop: Shop, tmp_path: Path) -> None:
    with desk(tmp_path) as office:
        office.staging = shop.staging
        office.begin_anew("person", [person(f"p{n}") for n in range(100)])
        office.control("gate", {"path": "/rest/batch/people", "when": "after"})
        with ThreadPoolExecutor(1) as thread:
            ended = thread.submit(told, lambda: office.load_again("person"), StagingUnusable)
            office.wait_until_held()
            shop.lose_bucket()
            office.control("release", {})
        assert "The specified bucket does not exist" in ended.result()
        assert office.calls("POST /rest/batch/people") == {"201": 1}


def large(staging: Staging) -> None:
    with staging.writing("large") as stream:
        for _ in range(3):
            stream.write(b"x" * BLOCK)


def read_slowly(staging: Staging) -> None:
    with staging.open("kept") as stream:
        stream.read(1)


OPERATIONS: dict[str, Callable[[Staging], Any]] = {
    "read": lambda staging: staging.read_bytes("kept"),
    "read a stream": read_slowly,
    "list": lambda staging: staging.names("run-1"),
    "write": lambda staging: staging.write_bytes("new", b"x"),
    "write what is not there": lambda staging: staging.write_bytes("new", b"x", exclusive=True),
    "write nothing": lambda staging: staging.write_bytes("new", b""),
    "write in pieces": large,
    "make parts": lambda staging: PartWriter(staging, "run-1/x").finish(),
}
ELSEWHERE = {"remove": lambda staging: staging.delete("kept")}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_bucket_that_is_gone_is_told(shop: Shop, operation: str) -> None:
    shop.staging.write_bytes("kept", b"x")
    shop.lose_bucket()
    line = told(lambda: OPERATIONS[operation](shop.staging), StagingUnusable)
    assert line == (
        f"staging {shop.staging.root}: The specified bucket does not exist: see that it is there, "
        "and that reading, writing and deleting is allowed"
    )


@pytest.mark.parametrize("operation", OPERATIONS | ELSEWHERE)
def test_a_store_that_does_not_answer_is_told(shop: Shop, operation: str) -> None:
    shop.staging.write_bytes("kept", b"x")
    shop.server.stop()
    do = (OPERATIONS | ELSEWHERE)[operation]
    line = told(lambda: do(shop.staging), StagingUnusable)
    assert line.startswith(f"staging {shop.staging.root}: Could not connect to the endpoint")


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_what_goes_wrong_elsewhere_while_staging_is_written_is_not_its_fault(
    shop: Shop, tmp_path: Path, kind: str
) -> None:
    staging = shop.staging if kind == "s3" else Staging(tmp_path)
    with pytest.raises(ConnectionResetError), staging.writing("new"):
        raise ConnectionResetError
    assert not staging.exists("new")


# -- torn objects --------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b'{"parts": [', b"\xff\xfe"])
def test_a_manifest_that_was_written_half_is_told(tmp_path: Path, content: bytes) -> None:
    staging = Staging(tmp_path)
    staging.write_bytes("run-1/transform/person/manifest.json", content)
    line = told(lambda: read_manifest(staging, "run-1/transform/person"), AirflowFailException)
    assert line.startswith(f"{tmp_path}/run-1/transform/person/manifest.json is no JSON (")
    assert line.endswith("delete it, and run the step again that writes it")


def test_a_part_that_was_written_half_is_told(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    writer = PartWriter(staging, "run-1/x")
    writer.add({"a": 1})
    writer.finish()
    [part] = [name for name in staging.names("run-1") if "part-" in name]
    staging.write_bytes(part, staging.read_bytes(part)[:-5])
    line = told(lambda: list(read_parts(staging, "run-1/x")), AirflowFailException)
    assert line == f"{part} is not what its manifest says"
