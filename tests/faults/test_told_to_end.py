"""A load that is told to end leaves at once, and the next one goes on without waiting for it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.writers import desk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.faults

#: Nobody who had to wait for it would see the end of the test.
FOR_EVER = (0.05, 36000.0)
LEFT = 128 + signal.SIGTERM


@pytest.mark.parametrize("when", ["before", "after"])
def test_sigterm_while_a_request_is_held(tmp_path: Path, when: str) -> None:
    (tmp_path / "alone").mkdir()
    with desk(tmp_path / "alone") as alone:
        assert alone.begin("run-1").end() == 0
        undisturbed = alone.ending()
    with desk(tmp_path) as office:
        gate = {"path": "/rest/batch/people", "when": when, "skip": 1}
        first = office.begin_until_held("run-1", gate, lease=FOR_EVER)
        first.send(signal.SIGTERM)
        assert first.end() == LEFT
        assert list(first.job.temporary.iterdir()) == []
        lease = office.staging.names("lease/sandbox")[-1]
        assert office.staging.read_json(lease)["released"] is True
        assert 0 < len(office.entries("person")) < 200
        assert office.open_intents("person")
        assert office.begin("run-2", lease=FOR_EVER).end() == 0
        assert office.ending() == undisturbed
