"""A load that is killed and run again ends as if nothing had happened: nothing lost or doubled."""

from __future__ import annotations

import random
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.killing import Case, Undisturbed

pytestmark = pytest.mark.faults

KILLED = -signal.SIGKILL
NUMBERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+")
INTENT = r"ledger/sandbox/person/.*\.intent\."
RESULT = r"ledger/sandbox/person/.*\.result\."
SNAPSHOT = r"ledger/sandbox/snapshot/"
#: Where a load dies by its own hand: what, its name, which of them, and when.
POINTS = {
    "before the intent": ("staging", INTENT, 1, "before"),
    "in the middle of the intent": ("staging", INTENT, 1, "during"),
    "after the intent": ("staging", INTENT, 1, "after"),
    "before the second intent": ("staging", INTENT, 2, "before"),
    "after the reply, before the result": ("http", "POST /rest/batch/people", 1, "after"),
    "in the middle of the result": ("staging", RESULT, 1, "during"),
    "after the result": ("staging", RESULT, 2, "after"),
    "after the reply about links": ("http", "POST /rest/batch/taskTargets", 3, "after"),
    "before compacting": ("staging", SNAPSHOT, 2, "before"),
    "while compacting": ("staging", SNAPSHOT, 2, "during"),
    "after compacting, before the older one goes": ("staging", SNAPSHOT, 2, "after"),
    "before an upload": ("http", "createFileUpload", 4, "before"),
    "after an upload was declared": ("http", "createFileUpload", 4, "after"),
    "after the bytes of an upload": ("http", "PUT /file-upload", 4, "after"),
    "after an upload, before its id is told": ("http", "completeFileUpload", 4, "after"),
    "before attaching": ("http", "POST /rest/batch/attachments", 1, "before"),
    "after attaching": ("http", "POST /rest/batch/attachments", 1, "after"),
    "while files are read back": ("http", "GET /file", 3, "before"),
}
#: Requests that are held while somebody else kills the load.
HELD = {
    "committed before the reply": {"path": "/rest/batch/people", "when": "after"},
    "sent and not committed": {"path": "/rest/batch/people", "when": "before"},
    "links committed before the reply": {"path": "/rest/batch/taskTargets", "when": "after"},
    "during an upload": {"path": "/file-upload", "when": "before", "skip": 3},
    "attached before the reply": {"path": "/rest/batch/attachments", "when": "after"},
}


def rule(what: str, match: str, nth: int, when: str) -> dict[str, Any]:
    return {"what": what, "match": match, "nth": nth, "when": when}


def test_a_load_moves_about_300_records(undisturbed: Undisturbed) -> None:
    arrived = [
        key for key, entry in undisturbed.ending.ledger.items() if entry.get("id") and not key[-1]
    ]
    assert 300 <= len(arrived) <= 400
    assert undisturbed.ending.complaints(undisturbed.ending) == []


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(undisturbed: Undisturbed, case: Case, point: str) -> None:
    assert case.load(rule(*POINTS[point])) == KILLED
    case.load()
    assert case.ending().complaints(undisturbed.ending) == []


@pytest.mark.parametrize("point", HELD)
def test_killed_when(undisturbed: Undisturbed, case: Case, point: str) -> None:
    assert case.load_and_kill(**HELD[point]) == KILLED
    case.load()
    assert case.ending().complaints(undisturbed.ending) == []


@pytest.mark.parametrize("seed", range(20))
def test_killed_anywhere(undisturbed: Undisturbed, case: Case, seed: int) -> None:
    """Each seed stands for a kind of event that the undisturbed load lived through, and for one."""
    dice = random.Random(seed)
    what = dice.choice(["http", "staging"])
    names = [name for kind, name in undisturbed.events if kind == what]
    kinds: dict[str, list[int]] = {}
    for number, name in enumerate(names, start=1):
        kinds.setdefault(NUMBERS.sub("", name), []).append(number)
    nth = dice.choice(kinds[dice.choice(sorted(kinds))])
    name = names[nth - 1]
    torn = ["during"] if name.startswith("ledger/") else []
    when = dice.choice(["before", "after", *torn])
    print(f"seed {seed}: {when} {what} {nth} of {len(names)}: {name[:80]}")
    assert case.load(rule(what, "", nth, when)) == KILLED
    case.load()
    assert case.ending().complaints(undisturbed.ending) == []


def test_killed_again_and_again(undisturbed: Undisturbed, case: Case) -> None:
    for nth in (30, 20, 25, 15, 40):
        assert case.load(rule("staging", "", nth, "after")) == KILLED
    case.load()
    assert case.ending().complaints(undisturbed.ending) == []


@pytest.mark.parametrize(
    "point",
    ["after the reply, before the result", "after the reply about links", "after attaching"],
)
def test_without_settling_these_tests_would_fail(
    undisturbed: Undisturbed, case: Case, point: str
) -> None:
    assert case.load(rule(*POINTS[point])) == KILLED
    case.load(settle=False)
    assert case.ending().complaints(undisturbed.ending) != []
