"""A load that is killed at a named point and run again ends as if nothing had happened."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.faulty.fate import Strike
from tests.support.faulty.kinds import ATTACH, BESIDE, FILL, LINK, RESTORE, UPLOAD, create

if TYPE_CHECKING:
    from tests.faults.conftest import Undisturbed
    from tests.support.faulty.case import Case
    from tests.support.faulty.schedule import Drawing

pytestmark = pytest.mark.faults

KILLED = -signal.SIGKILL
CREATE = create("")
"""Of whatever object the pair creates in most batches."""
SNAPSHOT = "/snapshot/"
#: Where a load dies: what, when, of which kind of write or of what name, how many pass before.
POINTS = {
    "before the intent": ("intent", "before", CREATE, "", 0),
    "in the middle of the intent": ("intent", "during", CREATE, "", 0),
    "after the intent": ("intent", "after", CREATE, "", 0),
    "before the second intent": ("intent", "before", CREATE, "", 1),
    "sent and no reply yet": ("request", "during", CREATE, "", 0),
    "after the reply, before the result": ("request", "after", CREATE, "", 1),
    "in the middle of the result": ("result", "during", CREATE, "", 0),
    "after the result": ("result", "after", CREATE, "", 1),
    "after the reply about a restored record": ("request", "after", RESTORE, "", 0),
    "in the middle of an image": ("image", "during", FILL, "", 0),
    "filled and no reply yet": ("request", "during", FILL, "", 0),
    "after the reply about links": ("request", "after", LINK, "", 2),
    "before compacting": ("other", "before", BESIDE, SNAPSHOT, 1),
    "while compacting": ("other", "during", BESIDE, SNAPSHOT, 1),
    "after compacting, before the older one goes": ("other", "after", BESIDE, SNAPSHOT, 1),
    "before an upload": ("request", "before", UPLOAD, "", 9),
    "after an upload was declared": ("request", "after", UPLOAD, "", 9),
    "after the bytes of an upload": ("request", "after", UPLOAD, "", 10),
    "after an upload, before its id is told": ("request", "after", UPLOAD, "", 11),
    "before attaching": ("request", "before", ATTACH, "", 0),
    "attached and no reply yet": ("request", "during", ATTACH, "", 0),
    "after files were read back": ("result", "before", ATTACH, "", 0),
}


@pytest.fixture(scope="session")
def busiest(drawing: Drawing) -> str:
    """The kind of write that creates records in most batches."""
    counts = drawing.counts[0]
    kinds = {kind for _, kind in drawing.cells if kind.startswith(CREATE)}
    return max(kinds, key=lambda kind: counts["intent", kind])


def death(where: str, when: str, kind: str, match: str, skip: int) -> Strike:
    return Strike("death", "die", where, when, kind, match, skip)


def test_loads_move_about_300_records_and_a_rollback_takes_them_back(
    undisturbed: Undisturbed,
) -> None:
    for ending in undisturbed.endings:
        assert ending.complaints(ending) == []
    *loads, undone = undisturbed.endings
    for ending, least, most in ((loads[0], 250, 350), (loads[1], 300, 400), (undone, 0, 0)):
        arrived = [key for key, entry in ending.ledger.items() if entry["origin"] and not key[-1]]
        assert least <= len(arrived) <= most


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(undisturbed: Undisturbed, case: Case, busiest: str, point: str) -> None:
    where, when, kind, match, skip = POINTS[point]
    strike = death(where, when, busiest if kind == CREATE else kind, match, skip)
    assert case.work(0, [strike]) == KILLED
    assert case.work() == 0
    assert case.ending().complaints(undisturbed.endings[0]) == []


def test_killed_again_and_again(undisturbed: Undisturbed, case: Case) -> None:
    for where in ("intent", "request", "result", "intent", "other"):
        assert case.work(0, [Strike(where, "die", where, "after", skip=4, times=9)]) == KILLED
    assert case.work() == 0
    assert case.ending().complaints(undisturbed.endings[0]) == []
