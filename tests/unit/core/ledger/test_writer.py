"""The ledger is appended under an epoch, rebuilt from what is whole, and never rewritten."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.lease import Lease
from airflow_crm_migration.core.ledger.objects import unpack
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace, LedgerWriter
from airflow_crm_migration.core.staging import Staging

REAL = LedgerPlace.of("sandbox")
DRY = LedgerPlace.dry_run("sandbox", "run-1")
ANN = Key("person", "contact", "ann")
BOB = Key("person", "contact", "bob")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def taken(epoch: int) -> Lease:
    """Return a lease as if it had been taken under an epoch."""
    lease = Lease(Staging(Path("nowhere")), REAL.lease, "test")
    lease.epoch = epoch
    return lease


def writer(ledger: Ledger, lease: Lease) -> LedgerWriter:
    return LedgerWriter(ledger, "person", lease=lease, tenant="t", run="run-1", now=lambda: NOON)


def created(key: Key, identity: str) -> dict[str, Any]:
    return {"key": list(key), "outcome": "created", "reason": "new", "id": identity}


def intent(key: Key) -> dict[str, Any]:
    return {"key": list(key), "op": "create", "id": "1"}


def write(staging: Staging, *keys: Key, place: LedgerPlace = REAL, compact: bool = False) -> None:
    """Write a result per key under an epoch of its own."""
    with Lease(staging, place.lease, "test") as lease, Ledger(staging, place) as ledger:
        told = writer(ledger, lease)
        for key in keys:
            told.intend([intent(key)])
            told.conclude([created(key, f"id of {key.source_id}")])
        if compact:
            ledger.compact()


def known(staging: Staging, place: LedgerPlace = REAL) -> dict[str, Any]:
    with Ledger(staging, place) as ledger:
        return {e.key.source_id: e.last for e in ledger.snapshot.entries("person")}


# -- appending -----------------------------------------------------------------------------


def test_objects_are_numbered_within_the_epoch_and_rows_are_stamped(staging: Staging) -> None:
    with Ledger(staging, REAL) as ledger:
        told = writer(ledger, taken(3))
        assert told.intend([intent(ANN)]) == "00000003-00000001.intent.jsonl.gz"
        image = told.keep_images([{"id": "1", "values": {}}])
        told.conclude([created(ANN, "1")])
    assert image == "ledger/sandbox/images/00000003-00000002.jsonl.gz"
    assert staging.names("ledger") == [
        "ledger/sandbox/images/00000003-00000002.jsonl.gz",
        "ledger/sandbox/person/00000003-00000001.intent.jsonl.gz",
        "ledger/sandbox/person/00000003-00000003.result.jsonl.gz",
    ]
    rows = unpack(staging.read_bytes("ledger/sandbox/person/00000003-00000003.result.jsonl.gz"))
    stamp = {"tenant": "t", "run": "run-1", "epoch": 3, "seq": 3, "at": "2026-03-01T12:00:00.000Z"}
    assert rows == [created(ANN, "1") | stamp]


def test_the_writers_own_reader_knows_at_once(staging: Staging) -> None:
    with Ledger(staging, REAL) as ledger:
        told = writer(ledger, taken(1))
        told.intend([intent(ANN)])
        assert len(ledger.snapshot.open_intents("person")) == 1
        told.conclude([created(ANN, "1")])
        assert ledger.snapshot.open_intents("person") == []
        assert ledger.snapshot.destination_id([ANN]) == "1"


def test_nothing_to_tell_writes_nothing(staging: Staging) -> None:
    with Ledger(staging, REAL) as ledger:
        writer(ledger, taken(1)).conclude([])
    assert staging.names("ledger") == []


@pytest.mark.parametrize("what", ["intend", "conclude", "keep_images"])
def test_two_writers_under_one_epoch_are_stopped(staging: Staging, what: str) -> None:
    with Ledger(staging, REAL) as one, Ledger(staging, REAL) as other:
        first, second = writer(one, taken(1)), writer(other, taken(1))
        getattr(first, what)([intent(ANN) | created(ANN, "1")])
        with pytest.raises(StagingBroken, match="another process writes under epoch 1"):
            getattr(second, what)([intent(BOB) | created(BOB, "2")])


# -- compaction ----------------------------------------------------------------------------


def snapshots(staging: Staging) -> list[str]:
    return staging.names("ledger/sandbox/snapshot")


def test_a_reader_starts_from_the_newest_snapshot(staging: Staging) -> None:
    write(staging, ANN, compact=True)
    [first] = snapshots(staging)
    for name in staging.names("ledger/sandbox/person"):
        staging.delete(name)
    assert set(known(staging)) == {"ann"}
    write(staging, BOB, compact=True)
    assert set(known(staging)) == {"ann", "bob"}
    assert len(snapshots(staging)) == 1
    assert snapshots(staging) != [first]


@pytest.mark.parametrize("damage", ["absent", "torn", "empty", "bent"])
def test_a_snapshot_that_is_torn_or_absent_is_built_anew(staging: Staging, damage: str) -> None:
    write(staging, ANN)
    expected = known(staging)
    with Ledger(staging, REAL) as ledger:
        ledger.compact()
    [name] = snapshots(staging)
    whole = staging.read_bytes(name)
    if damage == "absent":
        staging.delete(name)
    else:
        content = {"torn": whole[:-100], "empty": b"", "bent": whole[:-1] + bytes([whole[-1] ^ 1])}
        staging.write_bytes(name, content[damage])
    assert known(staging) == expected


def test_a_torn_newer_snapshot_leaves_the_older_one_to_start_from(staging: Staging) -> None:
    write(staging, ANN, compact=True)
    [whole] = snapshots(staging)
    for name in staging.names("ledger/sandbox/person"):
        staging.delete(name)
    staging.write_bytes(f"ledger/sandbox/snapshot/v1-99999999-{'0' * 32}.sqlite", b"SQLite")
    assert set(known(staging)) == {"ann"}
    assert whole in snapshots(staging)


def test_a_snapshot_of_another_schema_is_passed_over_and_kept(staging: Staging) -> None:
    write(staging, ANN)
    content = b"tables of another release"
    digest = hashlib.sha256(content).hexdigest()[:32]
    others = [f"ledger/sandbox/snapshot/{v}99999999-{digest}.sqlite" for v in ("", "v1-", "v3-")]
    for name in others:
        staging.write_bytes(name, content)
    assert set(known(staging)) == {"ann"}
    write(staging, BOB, compact=True)
    [own] = set(snapshots(staging)) - set(others)
    assert own.startswith("ledger/sandbox/snapshot/v2-00000004-")
    assert set(others) < set(snapshots(staging))


def test_rebuilding_and_compacting_end_alike(staging: Staging) -> None:
    for n in range(4):
        write(staging, Key("person", "contact", f"p{n}"), ANN, compact=n % 2 == 0)
    compacted = known(staging)
    for name in snapshots(staging):
        staging.delete(name)
    assert known(staging) == compacted


def test_a_snapshot_is_a_file_that_anybody_can_read(staging: Staging, tmp_path: Path) -> None:
    write(staging, ANN, compact=True)
    file = tmp_path / "copy.sqlite"
    file.write_bytes(staging.read_bytes(snapshots(staging)[0]))
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT source_id, outcome FROM records").fetchall() == [
            ("ann", "created")
        ]


# -- torn objects --------------------------------------------------------------------------


@pytest.mark.parametrize("compacted", [True, False])
def test_a_torn_result_leaves_its_intents_open(staging: Staging, compacted: bool) -> None:
    write(staging, ANN)
    [result] = [n for n in staging.names("ledger") if ".result." in n]
    staging.write_bytes(result, staging.read_bytes(result)[:-9])
    with Ledger(staging, REAL) as ledger:
        if compacted:
            ledger.compact()
    with Ledger(staging, REAL) as ledger:
        assert [row["key"] for row in ledger.snapshot.open_intents("person")] == [list(ANN)]
        assert ledger.snapshot.entry(ANN) is None


@pytest.mark.parametrize("kind", ["intent", "result"])
def test_a_torn_object_is_named_in_the_log(
    staging: Staging, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(staging, ANN)
    [torn] = [n for n in staging.names("ledger") if f".{kind}." in n]
    known(staging)
    assert caplog.messages == []
    staging.write_bytes(torn, staging.read_bytes(torn)[:-9])
    known(staging)
    assert caplog.messages == [f"{torn} is torn and counts as absent"]
    assert caplog.records[0].levelname == "WARNING"


def test_the_number_of_a_torn_object_is_not_used_again(staging: Staging) -> None:
    with Lease(staging, REAL.lease, "test"):
        staging.write_bytes("ledger/sandbox/person/00000001-00000001.intent.jsonl.gz", b"torn")
    write(staging, ANN)
    names = staging.names("ledger/sandbox/person")
    assert names[0].endswith("00000001-00000001.intent.jsonl.gz")
    assert names[1].endswith("00000002-00000001.intent.jsonl.gz")
    assert staging.read_bytes(names[0]) == b"torn"


# -- dry runs ------------------------------------------------------------------------------


def test_a_dry_run_goes_on_from_the_real_ledger_without_writing_to_it(staging: Staging) -> None:
    write(staging, ANN, compact=True)
    write(staging, Key("person", "contact", "cid"))
    before = {n: staging.read_bytes(n) for n in staging.names("ledger") + staging.names("lease")}
    write(staging, BOB, place=DRY)
    after = {n: staging.read_bytes(n) for n in staging.names("ledger") + staging.names("lease")}
    assert after == before
    assert set(known(staging, DRY)) == {"ann", "bob", "cid"}
    assert set(known(staging)) == {"ann", "cid"}
    assert set(known(staging, LedgerPlace.dry_run("sandbox", "run-2"))) == {"ann", "cid"}


def test_environments_know_nothing_of_each_other(staging: Staging) -> None:
    write(staging, ANN)
    write(staging, BOB, place=LedgerPlace.of("production"))
    assert set(known(staging)) == {"ann"}
