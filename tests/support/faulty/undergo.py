"""Does every job under a schedule, again and again as Airflow's retries would."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.faulty.case import Case
    from tests.support.faulty.ending import Ending
    from tests.support.faulty.schedule import Schedule

ATTEMPTS = 10
"""More than the faults of one schedule can end."""


def undergo(case: Case, schedule: Schedule, undisturbed: Sequence[Ending]) -> list[str]:
    """
    Let a schedule happen, and return in words what is not as if it had not.

    Who fell asleep wakes when all is done: whatever it still wrote would be too late to be mended.

    :param undisturbed: how it looks after each job that nothing happened to
    """
    for number, job in enumerate(case.prepared.jobs):
        case.program(schedule.rules[number], schedule.plan)
        if not _done(case, schedule, number):
            return [f"{job.run} never ended: {case.failures[-1:]}"]
        if complaints := case.ending().complaints(undisturbed[number]):
            return [f"after {job.run}: {complaint}" for complaint in complaints]
    case.wake()
    return case.ending().complaints(undisturbed[-1])


def _done(case: Case, schedule: Schedule, number: int) -> bool:
    for _ in range(ATTEMPTS):
        if case.work(number, schedule.strikes[number]) == 0:
            return True
        case.mend()
    return False
