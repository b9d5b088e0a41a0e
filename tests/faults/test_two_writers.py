"""One writer at a time: a second stops, and one that slept past its lease writes nothing."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.writers import Desk, desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.faults

#: Requests at which the first load is held, and then put to sleep.
HELD = {
    "committed before the reply": {"path": "/rest/batch/people", "when": "after"},
    "sent and not committed": {"path": "/rest/batch/people", "when": "before"},
    "links committed before the reply": {"path": "/rest/batch/taskTargets", "when": "after"},
    "while it looks": {"path": "/rest/people", "method": "GET", "when": "after"},
    "during an upload": {"path": "/file-upload", "when": "after", "skip": 1},
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    with desk(tmp_path_factory.mktemp("undisturbed")) as alone:
        assert alone.begin("run-1").end() == 0
        return alone.ending()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path) as made:
        yield made


def test_of_two_at_once_one_works_and_the_other_names_it(
    undisturbed: tuple[Any, Any], office: Desk
) -> None:
    first = office.begin_until_held("run-1", HELD["sent and not committed"])
    second = office.begin("run-2", lease=(0.05, 60.0))
    assert second.end() == 1
    holder = f"load person (process {first.pid} on {os.uname().nodename}) of run run-1 since 20"
    assert second.failure.startswith(f"lease/sandbox: {holder}")
    assert "\n" not in second.failure
    office.control("release", {})
    assert first.end() == 0
    assert office.ending() == undisturbed


def sleep_past_the_lease(office: Desk, point: str, *, guarded: bool = True) -> tuple[Any, Any]:
    """Put a load to sleep, let another finish, and return what is written before and after."""
    first = office.begin_until_held("run-1", HELD[point], guarded=guarded)
    first.send(signal.SIGSTOP)
    if HELD[point]["when"] == "after":
        office.control("release", {})
    assert office.begin("run-2").end() == 0, office.writers[1].failure
    office.control("release", {})
    before = office.written()
    first.send(signal.SIGCONT)
    status = first.end()
    assert not guarded or status == 1
    return before, office.written()


@pytest.mark.parametrize("point", HELD)
def test_who_slept_past_its_lease_writes_nothing(
    undisturbed: tuple[Any, Any], office: Desk, point: str
) -> None:
    before, after = sleep_past_the_lease(office, point)
    assert after == before
    assert office.ending() == undisturbed
    first = office.writers[0]
    assert "was taken over by load attachment (process" in first.failure
    assert "\n" not in first.failure
    assert list(first.job.temporary.iterdir()) == []


def test_without_the_guard_it_would(office: Desk) -> None:
    before, after = sleep_past_the_lease(office, "committed before the reply", guarded=False)
    assert after != before
