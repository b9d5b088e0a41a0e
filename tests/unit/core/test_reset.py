"""After a reset an environment is as new, and what was known of it lies in the archive."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.reset import reset_environment
from airflow_crm_migration.core.staging import Staging

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)
ARCHIVE = "archive/sandbox/20260301T120000Z/"
OF_SANDBOX = [
    "ledger/sandbox/images/00000001-00000002.jsonl.gz",
    "ledger/sandbox/person/00000001-00000001.intent.jsonl.gz",
    "ledger/sandbox/snapshot/v1-00000001-0.sqlite",
    "tenant/sandbox.json",
    "watermarks/sandbox/contact.json",
]
OTHERS = [
    "lease/sandbox/00000007",
    "ledger/production/person/00000001-00000001.intent.jsonl.gz",
    "run-1/transform/person/manifest.json",
    "signed/mapping/sandbox/000001.json",
    "tenant/production.json",
    "watermarks/production/contact.json",
]


class CutOffError(Exception):
    """Somebody pulled the plug."""


class Fragile(Staging):
    """Breaks when its third object is removed."""

    removed: list[str]

    def delete(self, name: str) -> None:
        if len(self.removed) == 2:
            raise CutOffError
        self.removed.append(name)
        super().delete(name)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    made = Staging(tmp_path)
    for name in OF_SANDBOX + OTHERS:
        made.write_bytes(name, name.encode())
    for name in ("sandbox", "production"):
        made.write_json(f"tenant/{name}.json", {"format": 1, "id": "w-1", "name": "ACME"})
    made.write_json("lease/sandbox/00000007", {"released": True})
    return made


def reset(staging: Staging, now: datetime = NOON) -> int:
    done = reset_environment(staging, "sandbox", tenant_id="w-1", holder="test", now=now)
    assert f"{done.archive}/" == ARCHIVE
    return done.objects


def digests(staging: Staging, names: list[str]) -> list[str]:
    return [hashlib.sha256(staging.read_bytes(name)).hexdigest() for name in names]


def test_all_of_the_environment_moves_and_nothing_else(staging: Staging) -> None:
    moved = [name for name in OF_SANDBOX if not name.startswith("tenant/")]
    before, others = digests(staging, moved), digests(staging, OTHERS)
    assert reset(staging) == len(OF_SANDBOX)
    assert staging.names("archive") == [f"{ARCHIVE}{name}" for name in OF_SANDBOX]
    assert digests(staging, [f"{ARCHIVE}{name}" for name in moved]) == before
    assert digests(staging, OTHERS) == others
    assert staging.read_json(f"{ARCHIVE}tenant/sandbox.json")["id"] == "w-1"
    left = [name for name in staging.names("") if not name.startswith("archive/")]
    assert left == sorted([*OTHERS, "lease/sandbox/00000008"])


def test_one_that_was_cut_off_is_ended_where_it_began(staging: Staging) -> None:
    fragile = Fragile(staging.root)
    object.__setattr__(fragile, "removed", [])
    with pytest.raises(CutOffError):
        reset(fragile)
    assert staging.read_json("tenant/sandbox.json")["reset"] == "20260301T120000Z"
    reset(staging, LATER)
    assert staging.names("archive") == [f"{ARCHIVE}{name}" for name in OF_SANDBOX]
    assert not staging.exists("tenant/sandbox.json")


def test_where_nothing_was_written_there_is_nothing_to_reset(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="nothing was written yet"):
        reset_environment(Staging(tmp_path), "sandbox", tenant_id="w-1", holder="me", now=NOON)
