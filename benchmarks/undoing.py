"""What a rollback asks: the deletes, beside the fewest that there could be, and the reads."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from airflow_crm_migration.core.steps.load import load_step
from airflow_crm_migration.core.steps.rollback import forecast_rollback, undo_phase
from benchmarks.bench import workspace
from benchmarks.workload import mapping, write_drafts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bench import TimedHook

_DELETES = ("destroy", "DELETE ")


@dataclass(frozen=True)
class Undone:
    """
    A rollback of records that nobody touched.

    :param records: that were deleted, rows that link them not counted: they go along
    :param deletes: requests that delete
    :param fewest: requests that full batches of them would take
    :param reads: requests that look whether a record may go, the forecast's included
    :param left: records that stand afterwards
    """

    records: int
    deletes: int
    fewest: int
    reads: int
    left: int


def undone(scale: float, phases: dict[str, Sequence[str]], batches: int) -> Undone:
    """
    Load a small mix and take it back.

    :param scale: of the workspace's clock
    :param phases: object -> plurals of what stands of it
    """

    def say(line: str) -> None:
        """Say nothing."""

    with workspace(scale) as bench:
        run = bench.run("run")
        size = bench.hook().capabilities.batch_size
        for phase in phases:
            write_drafts(run, phase, batches * size)
            load_step(run, bench.hook(), mapping(), phase, owners={}, say=say)
        back, hooks = bench.run("back"), [bench.hook()]
        forecast_rollback(back, hooks[0], mapping(), list(phases), say)
        signed = back.read("rollback/forecast.json")["decisions"]
        for phase in reversed(phases):
            hooks.append(bench.hook())
            undo_phase(back, hooks[-1], mapping(), phase, signed=signed, say=say)
        left = sum(bench.count(name) for names in phases.values() for name in names)
    deletes = sum(map(_deletes, hooks))
    made = sum(hook.usage.requests for hook in hooks)
    records = batches * size * len(phases)
    return Undone(records, deletes, len(phases) * ceil(batches * size / size), made - deletes, left)


def _deletes(hook: TimedHook) -> int:
    made = hook.requests_made.items()
    return sum(number for kind, number in made if any(name in kind for name in _DELETES))
