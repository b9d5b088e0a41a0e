"""The ledger's objects in staging: append-only, each complete or counted as absent.

``<ledger>/<phase>/<epoch:08d>-<seq:08d>.intent.jsonl.gz`` says what is about to be
written, ``….result.jsonl.gz`` what became of it. The last line of each holds the number of rows
and a SHA-256 of the lines before it; a torn object counts as absent and its number is not used
again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airflow_crm_migration.core.canonical import canonical_json

if TYPE_CHECKING:
    from airflow_crm_migration.core.staging import Staging

Kind = Literal["intent", "result"]
Row = dict[str, Any]


@dataclass(frozen=True, order=True)
class ObjectName:
    """
    The place of a ledger object.

    :param epoch: of the lease under which it was written
    :param seq: number within the epoch
    """

    epoch: int
    seq: int
    kind: Kind
    phase: str

    @property
    def base(self) -> str:
        """The file name, which later rows refer to."""
        return f"{self.epoch:08d}-{self.seq:08d}.{self.kind}.jsonl.gz"

    def path(self, folder: str) -> str:
        """Return the name in staging."""
        return f"{folder}/{self.phase}/{self.base}"


def parse_name(name: str) -> ObjectName | None:
    """Return the place that a staging name tells, None for what is no ledger object."""
    head, _, base = name.rpartition("/")
    number, _, rest = base.partition(".")
    kind, _, tail = rest.partition(".")
    epoch, _, seq = number.partition("-")
    if tail != "jsonl.gz" or kind not in ("intent", "result") or not (epoch + seq).isdigit():
        return None
    return ObjectName(
        int(epoch), int(seq), "intent" if kind == "intent" else "result", head.rpartition("/")[2]
    )


def pack(rows: list[Row]) -> bytes:
    """Return the bytes of a ledger object."""
    body = "".join(canonical_json(row) + "\n" for row in rows).encode()
    last = {"rows": len(rows), "sha256": hashlib.sha256(body).hexdigest()}
    return gzip.compress(body + canonical_json(last).encode() + b"\n", compresslevel=6, mtime=0)


def unpack(content: bytes) -> list[Row] | None:
    """Return the rows of a ledger object, None when it is torn."""
    try:
        body, _, last = gzip.decompress(content).removesuffix(b"\n").rpartition(b"\n")
        footer = json.loads(last)
        rows = [json.loads(line) for line in body.splitlines()]
    except (OSError, EOFError, zlib.error, ValueError):
        return None
    body = body + b"\n" if rows else b""
    whole = isinstance(footer, dict) and footer.get("rows") == len(rows)
    return rows if whole and footer.get("sha256") == hashlib.sha256(body).hexdigest() else None


def read_object(staging: Staging, folder: str, name: ObjectName) -> list[Row] | None:
    """Return the rows of an object in staging, None when it is torn."""
    return unpack(staging.read_bytes(name.path(folder)))


def list_objects(staging: Staging, folder: str) -> list[ObjectName]:
    """Return all objects of a ledger in the order in which they were written."""
    found = (parse_name(name) for name in staging.names(folder))
    return sorted(name for name in found if name is not None)
