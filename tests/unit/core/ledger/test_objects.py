"""The ledger's objects outlive releases: read for ever as they are, and torn ones never count."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.ledger.objects import (
    ObjectName,
    list_objects,
    pack,
    parse_name,
    read_object,
    unpack,
)
from airflow_crm_migration.core.staging import Staging

if TYPE_CHECKING:
    from pathlib import Path

ROWS: list[dict[str, Any]] = [
    {"key": ["person", "contact", "c-1", ""], "op": "create", "id": "1", "sent": {"b": 1, "a": 2}},
    {"key": ["person", "contact", "c-2", ""], "outcome": "held", "detail": "Zürich \u2028 \n 🚲"},
]
GOLDEN = (
    '{"id":"1","key":["person","contact","c-1",""],"op":"create","sent":{"a":2,"b":1}}\n'
    '{"detail":"Zürich \u2028 \\n 🚲","key":["person","contact","c-2",""],"outcome":"held"}\n'
    '{"rows":2,"sha256":"0de8cc634de7117f99f59296226977675c506eb95a53711ac6530680c6960bcf"}\n'
)
#: As version 0.1 wrote it, with the compression of its day.
WRITTEN = (
    "1f8b0800000000000003858d3d8ec23010857b4e114d1d24c7598fb18fc24fe18c274a04c45162845084b4e7"
    "a0a1dd7a6b3a6ec209f608ebacb435ddbc799fbe3741ebc1420139ecf90276033d0f63e852a6d0454771be96"
    "730fbb1c429f601ad8454e9f91bb0876020756e650812daed7c5049ea36b0f095c3f1f434b4df6fafccab65d"
    "f673bf7dbfd991ff3ba748e1c8c9d1f0c1c36c1dc279fcdb191b2715a64a785e1161f9e1591785ae8da99591"
    "06a544a3356a454a205746395526c011aa52e04a101a1415d549fb0bce1c3f26ff000000"
)


def test_the_bytes_are_those_of_the_first_release() -> None:
    assert gzip.decompress(pack(ROWS)).decode() == GOLDEN
    assert gzip.decompress(bytes.fromhex(WRITTEN)).decode() == GOLDEN
    assert unpack(bytes.fromhex(WRITTEN)) == ROWS


def test_equal_rows_give_equal_bytes() -> None:
    assert pack(ROWS) == pack([dict(reversed(row.items())) for row in ROWS])


def test_names_tell_epoch_number_and_kind() -> None:
    name = ObjectName(7, 12, "intent", "person")
    path = "ledger/sandbox/person/00000007-00000012.intent.jsonl.gz"
    assert name.path("ledger/sandbox") == path
    assert parse_name(path) == name
    result = ObjectName(123456789, 1, "result", "task")
    assert result.base == "123456789-00000001.result.jsonl.gz"
    assert parse_name(result.path("x")) == result


@pytest.mark.parametrize(
    "name",
    [
        "ledger/sandbox/images/00000001-00000003.jsonl.gz",
        "ledger/sandbox/snapshot/00000012-0f0f.sqlite",
        "ledger/sandbox/person/00000001-00000003.intent.jsonl",
        "ledger/sandbox/person/00000001-00000003.other.jsonl.gz",
        "ledger/sandbox/person/x-y.intent.jsonl.gz",
        "ledger/sandbox/person/notes.txt",
    ],
)
def test_what_is_no_object_of_the_ledger_is_passed_over(name: str) -> None:
    assert parse_name(name) is None


def test_objects_are_listed_as_they_were_written(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    written = [
        ObjectName(1, 1, "intent", "person"),
        ObjectName(1, 2, "result", "person"),
        ObjectName(2, 1, "intent", "company"),
        ObjectName(10, 1, "result", "company"),
    ]
    for name in reversed(written):
        staging.write_bytes(name.path("ledger/sandbox"), pack(ROWS))
    staging.write_bytes("ledger/sandbox/images/00000001-00000003.jsonl.gz", pack(ROWS))
    assert list_objects(staging, "ledger/sandbox") == written
    assert read_object(staging, "ledger/sandbox", written[0]) == ROWS


def packed(lines: list[str]) -> bytes:
    return gzip.compress("".join(line + "\n" for line in lines).encode())


def test_an_object_cut_off_anywhere_counts_as_absent() -> None:
    whole = pack(ROWS)
    assert [n for n in range(len(whole)) if unpack(whole[:n]) is not None] == []


def test_an_object_with_a_flipped_bit_counts_as_absent_or_says_the_same() -> None:
    """Some bits of a gzip header mean nothing."""
    whole = pack(ROWS)
    for n in range(len(whole) * 8):
        bent = bytearray(whole)
        bent[n // 8] ^= 1 << n % 8
        assert unpack(bytes(bent)) in (None, ROWS)


def test_an_object_whose_lines_and_footer_disagree_counts_as_absent() -> None:
    first, second, footer = gzip.decompress(pack(ROWS)).decode().split("\n")[:3]
    assert unpack(packed([first, second, footer])) == ROWS
    for lines in (
        [first, second],
        [first, footer],
        [second, first, footer],
        [first, second, footer, footer],
        [first, second, json.dumps({"rows": 3} | {"sha256": json.loads(footer)["sha256"]})],
        [first, second, '"footer"'],
        [],
    ):
        assert unpack(packed(lines)) is None


def test_an_object_may_be_empty() -> None:
    assert unpack(pack([])) == []
    assert unpack(b"") is None
