"""The Twenty emulator answers as a real server did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDING = "twenty-2.21.0.json"


@pytest.fixture
def recordings() -> Path:
    directory = os.environ.get("CRM_RECORDINGS_DIR")
    if not directory:
        pytest.skip("CRM_RECORDINGS_DIR names no directory of recordings")
    return Path(directory)


def test_every_recorded_step_is_answered_as_the_real_server_did(
    recordings: Path, make_twenty: Callable[..., Any]
) -> None:
    twenty = make_twenty(demo_records=True, short_limit=(100, 1.0), long_limit=(100, 60.0))
    tool = recordings.parent / "tools" / "replay.py"
    command = [sys.executable, str(tool), str(recordings / RECORDING), twenty.base, "emulator-key"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    steps = len(json.loads((recordings / RECORDING).read_text(encoding="utf-8"))["steps"])
    assert f"{steps} of {steps} steps like the real server" in done.stdout, done.stdout


def test_the_schema_carries_what_the_real_server_shows(recordings: Path, twenty: Any) -> None:
    steps = json.loads((recordings / RECORDING).read_text(encoding="utf-8"))["steps"]
    real = next(s["response"] for s in steps if s["name"] == "metadata objects")["data"]
    mine = {o["nameSingular"]: o for o in twenty.get("metadata/objects")["data"]}
    assert len(mine) == 28
    keys = ("type", "label", "isNullable", "isUnique", "isSystem", "isUIReadOnly", "defaultValue")
    for owner in real:
        ours = mine[owner["nameSingular"]]
        assert set(owner) == set(ours)
        for key in ("namePlural", "labelSingular", "isSystem", "isUICreatable", "isSearchable"):
            assert ours[key] == owner[key]
        fields = {f["name"]: f for f in ours["fields"]}
        assert {f["name"] for f in owner["fields"]} == set(fields)
        for field in owner["fields"]:
            same = fields[field["name"]]
            told = (owner["nameSingular"], field["name"])
            assert [same.get(k) for k in keys] == [field.get(k) for k in keys], told
            values = [(o["value"], o["label"], o["color"]) for o in field.get("options", ())]
            assert [(o["value"], o["label"], o["color"]) for o in same.get("options", ())] == values
            relation = (field.get("settings") or {}).get("joinColumnName")
            assert (same.get("settings") or {}).get("joinColumnName") == relation, told
            on_delete = (field.get("settings") or {}).get("onDelete")
            assert (same.get("settings") or {}).get("onDelete") == on_delete, told
