"""What keeps the promise is switched off, part by part: the suite must notice.

The switches are in ``load_process.py``. Tried are the first seeds that strike where a part is
needed; with everything switched on they end without complaint.
"""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING

import pytest

from tests.support.faulty.kinds import RESTORE, UPLOAD
from tests.support.faulty.undergo import undergo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.conftest import Undisturbed
    from tests.support.faulty.case import Case
    from tests.support.faulty.schedule import Drawing, Schedule

pytestmark = pytest.mark.faults

TRIES = 4
#: Faults and kinds of write, one of which a schedule must hold; no kinds stand for all.
TELLING: dict[str, tuple[set[str], set[str]]] = {
    "intents": ({"killed"}, {RESTORE, UPLOAD}),
    "settling": ({"reply lost", "half reply", "5xx done"}, set()),
    "lease": ({"asleep"}, set()),
    "bisection": (set(), set()),  # each run has records that the destination refuses
}


def telling(drawing: Drawing, part: str) -> Iterator[Schedule]:
    """Yield the schedules that strike where a part is needed."""
    faults, kinds = TELLING[part]
    for schedule in map(drawing.schedule, count()):
        if any(
            (not faults or fault in faults) and (not kinds or kind in kinds)
            for fault, kind in schedule.cells
        ):
            yield schedule


@pytest.mark.parametrize("part", TELLING)
def test_the_suite_notices_what_is_switched_off(
    undisturbed: Undisturbed, new_case: Callable[..., Case], drawing: Drawing, part: str
) -> None:
    for schedule in islice(telling(drawing, part), TRIES):
        if undergo(new_case(part), schedule, undisturbed.endings):
            return
    pytest.fail(f"nobody notices that {part} are switched off")
