"""Foretells what a run will ask of its destination, and how long that takes.

A dry run notes, call by call, what it asked and what it would have asked. These calls are then made
once more of nobody, with the limiter that the real run will have, on a clock that only waiting
moves.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from airflow_crm_migration.core.errors import QuotaSpent
from airflow_crm_migration.core.limits import Budget, Limiter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_crm_migration.core.protocols import Usage
    from airflow_crm_migration.core.run import Run

FORMAT = 1
FILE = "forecast.json"


@dataclass
class Calls:
    """
    Calls in their order.

    :param runs: cost of the budget, and how many calls of that cost follow one another
    """

    runs: list[tuple[float, int]] = field(default_factory=list)

    def add(self, costs: Iterable[float]) -> None:
        """Append calls by their costs, 0 for what no limit counts."""
        for cost in costs:
            last, times = self.runs[-1] if self.runs else (None, 0)
            if last == cost:
                self.runs[-1] = (cost, times + 1)
            else:
                self.runs.append((cost, 1))

    def add_made(self, before: Usage, after: Usage) -> None:
        """Append the calls that were made between two looks."""
        requests, weight = after.requests - before.requests, after.weight - before.weight
        counted = min(requests, round(weight))
        self.add([weight / counted] * counted if counted else ())
        self.add([0.0] * (requests - counted))

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(times for _, times in self.runs)


@dataclass(frozen=True)
class Step:
    """
    What one task asks of the destination.

    :param calls: as in :class:`Calls`
    :param seconds_a_call: that a reply took, as the dry run's own ones did
    """

    phase: str
    step: str
    calls: list[tuple[float, int]]
    seconds_a_call: float


@dataclass(frozen=True)
class Prediction:
    """
    What is foretold of a step or of a run.

    :param requests: all of them, those that no limit counts too
    :param weight: what they cost of the budget
    :param seconds: from the first to the last, those included that the task is deferred
    :param deferrals: how often a long budget is spent
    """

    phase: str
    step: str
    requests: int = 0
    weight: float = 0.0
    seconds: float = 0.0
    deferrals: int = 0


class _VirtualTime:
    """A clock that moves when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def predict(steps: Sequence[Step], budget: Budget) -> list[Prediction]:
    """
    Make the calls of steps, one after another, on a virtual clock.

    :param budget: of the connection
    :return: one prediction per step
    """
    time = _VirtualTime()
    limiter = Limiter(budget, clock=time.clock, sleep=time.wait)
    found = []
    for step in steps:
        # Each task is a process of its own, which starts without a burst.
        limiter.penalise(0)
        begun, deferrals, calls = time.now, 0, Calls(step.calls)
        for cost, times in step.calls:
            for _ in range(times):
                deferrals += _acquire(limiter, cost, time)
                time.wait(step.seconds_a_call)
        weight = sum(cost * times for cost, times in step.calls)
        seconds = time.now - begun
        found.append(
            Prediction(step.phase, step.step, calls.number, weight, round(seconds, 3), deferrals)
        )
    return found


def _acquire(limiter: Limiter, cost: float, time: _VirtualTime) -> int:
    """Wait for a call, deferred as often as it takes, and return how often that was."""
    deferrals = 0
    while cost:
        try:
            limiter.acquire(cost)
        except QuotaSpent as spent:
            time.wait(spent.retry_after or 0.0)
            deferrals += 1
        else:
            break
    return deferrals


def total(found: Sequence[Prediction]) -> Prediction:
    """Add predictions up."""
    return Prediction(
        "",
        "",
        sum(one.requests for one in found),
        sum(one.weight for one in found),
        round(sum(one.seconds for one in found), 3),
        sum(one.deferrals for one in found),
    )


@dataclass(frozen=True)
class Forecast:
    """
    What a dry run foretells, as it stands in ``<run>/forecast.json``.

    :param budget: of the connection, in words
    :param steps: the calls of each
    :param predicted: what comes of them, likewise
    :param total: of all steps
    """

    format: int
    budget: str
    steps: list[Step]
    predicted: list[Prediction]
    total: Prediction


def foretell(run: Run, step: Step, budget: Budget) -> Forecast:
    """
    Add a step to the forecast of a run, or put it in the place of its last attempt.

    :param budget: of the connection
    """
    known = read_forecast(run)
    others = [
        other
        for other in (known.steps if known else ())
        if (other.phase, other.step) != (step.phase, step.step)
    ]
    steps = [*others, step]
    predicted = predict(steps, budget)
    forecast = Forecast(FORMAT, str(budget), steps, predicted, total(predicted))
    run.write(FILE, asdict(forecast))
    return forecast


def read_forecast(run: Run) -> Forecast | None:
    """Return the forecast of a run as far as it has come, None of a run that made none."""
    content: Any = run.read_if_there(FILE, None)
    return None if content is None else TypeAdapter(Forecast).validate_python(content)


def forecast_line(forecast: Forecast) -> str:
    """Return what is foretold of a run until now, in words for the log."""
    told, budget = forecast.total, forecast.budget
    line = f"{told.requests:,} requests in {duration(told.seconds)} at {budget}"
    if told.deferrals:
        line += f", {told.deferrals} times deferred until a budget starts anew"
    return line


def duration(seconds: float) -> str:
    """Return seconds in words, in the two largest units that there are."""
    left, parts = round(seconds), list[str]()
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{number} {name}")
    return " ".join(parts[:2]) or "0 s"
