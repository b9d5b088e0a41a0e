"""What happens to jobs, drawn from a seed."""

from __future__ import annotations

import itertools
import random
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.faulty.fate import Strike

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from tests.support.faulty.kinds import Request

STRIKES = 9
"""Dealt to each seed: every cell of the matrix comes up more than three times in a hundred."""

FOREVER = 10**6

Cell = tuple[str, str]
"""A fault and a kind of write."""


@dataclass
class Schedule:
    """
    What happens during the jobs.

    :param cells: that it strikes, if it comes to it
    :param rules: of each job, faults at the destination
    :param strikes: of each job, what happens to the process
    :param plan: what happens to every request at random, too
    """

    seed: int
    cells: list[Cell]
    rules: list[list[dict[str, Any]]]
    strikes: list[list[Strike]]
    plan: dict[str, Any] = field(default_factory=dict)


def dealt(cells: Sequence[Cell], seed: int) -> list[Cell]:
    """Deal a seed its cells, from packs that hold each cell once."""
    first = seed * STRIKES
    packs = range(first // len(cells), (first + STRIKES - 1) // len(cells) + 1)
    order = [cell for pack in packs for cell in _shuffled(cells, pack)]
    return order[first % len(cells) :][:STRIKES]


def _shuffled(cells: Sequence[Cell], pack: int) -> list[Cell]:
    cells = list(cells)
    random.Random(f"pack {pack}").shuffle(cells)
    return cells


class Drawing:
    """
    Draws schedules.

    :param requests: kind of write -> what its requests look like
    :param counts: per job (where, kind) -> how many such events it has undisturbed
    """

    def __init__(self, requests: Mapping[str, Request], counts: Sequence[Counter[Cell]]) -> None:
        self._requests = requests
        self.counts = counts
        self.cells = list(itertools.product(FAULTS, requests))

    def schedule(self, seed: int) -> Schedule:
        """Draw what happens under a seed."""
        dice = random.Random(seed)
        nothing: list[list[Any]] = [[] for _ in self.counts]
        schedule = Schedule(seed, dealt(self.cells, seed), nothing, deepcopy(nothing))
        at_once = dice.random() < 0.25
        for number, (fault, kind) in enumerate(schedule.cells):
            jobs = [n for n, counts in enumerate(self.counts) if counts["request", kind]]
            job = jobs[0] if at_once else dice.choice(jobs)
            label = f"{number}|{fault}|{kind}"
            dealer = _Dealer(dice, self.counts[job], self._requests[kind], kind, label, at_once)
            struck = FAULTS[fault](dealer)
            (schedule.strikes if isinstance(struck, Strike) else schedule.rules)[job].append(struck)
        if dice.random() < 0.3:
            schedule.plan = {**_PLAN, "seed": seed}
        return schedule


_PLAN = {
    "rates": {"429": 0.01, "5xx": 0.01, "reply_lost": 0.005, "half_reply": 0.005, "late": 0.005},
    "p50": 0.3,
    "p99": 6.0,
    "timeout_seconds": 12.0,
}


@dataclass(frozen=True)
class _Dealer:
    dice: random.Random
    counts: Counter[Cell]
    request: Request
    kind: str
    label: str
    at_once: bool

    def rule(self, kind: str, **more: Any) -> dict[str, Any]:
        """Strike a request at the destination."""
        skip = self._skip("request")
        return {"kind": kind, "label": self.label, "skip": skip, **asdict(self.request), **more}

    def strike(self, does: str, points: Sequence[tuple[str, str]], times: int = 1) -> Strike:
        """Strike the process at one of some points that the kind has."""
        found = [(where, when) for where, when in points if self.counts[where, self.kind]]
        where, when = self.dice.choice(found)
        skip = self._skip(where)
        return Strike(self.label, does, where, when, self.kind, skip=skip, times=times)

    def _skip(self, where: str) -> int:
        """Let none pass, or up to half of what there would be undisturbed."""
        most = self.counts[where, self.kind] // 2
        return 0 if self.at_once else self.dice.randint(0, most)


def _some(dealer: _Dealer) -> int:
    """Return how often a fault that goes away comes: once, a few times, or a storm."""
    return dealer.dice.choice((1, 1, 2, 3, 6))


_MOMENTS = ("before", "during", "after")
_POINTS = [(w, m) for w in ("request", "intent", "image", "result", "other") for m in _MOMENTS]
_WRITING = [(w, "before") for w in ("intent", "image", "result", "other", "read")]
_HELD = [("request", "during"), ("request", "after")]
_HELD += [(w, "after") for w in ("intent", "image", "result", "other")]
_TORN = [(w, m) for w in ("intent", "image", "result", "other") for m in ("during", "after")]

FAULTS: Mapping[str, Callable[[_Dealer], dict[str, Any] | Strike]] = {
    "429": lambda d: d.rule("429", times=_some(d)),
    "429 told": lambda d: d.rule("429", times=_some(d), retry_after=6.0),
    "5xx": lambda d: d.rule("5xx", times=_some(d), status=d.dice.choice((500, 502, 503))),
    "5xx done": lambda d: d.rule("5xx_after", times=_some(d), status=d.dice.choice((500, 504))),
    "latency": lambda d: d.rule("latency", times=_some(d), seconds=d.dice.uniform(1, 30)),
    "cut": lambda d: d.rule("timeout", times=_some(d), seconds=d.dice.choice((0.0, 6.0))),
    "reply lost": lambda d: d.rule("reply_lost", times=_some(d)),
    "half reply": lambda d: d.rule("half_reply", times=_some(d)),
    "late commit": lambda d: d.rule("late", times=_some(d), seconds=d.dice.uniform(0, 20)),
    "token": lambda d: d.rule("401", times=d.dice.choice((1, 2, FOREVER))),
    "killed": lambda d: d.strike("die", _POINTS),
    "asleep": lambda d: d.strike("sleep", _HELD),
    "slow store": lambda d: d.strike("slow", _WRITING, _some(d)),
    "bad store": lambda d: d.strike("fail", [*_WRITING, *_TORN], d.dice.choice((1, 1, 2))),
}
"""What happens, each a column of the matrix; it is dealt to a kind of write.

Told is a 429 that says how long to wait, done a 5xx after the commit. Who is asleep loses its lease
to the retry, and wakes when everything is over.
"""
