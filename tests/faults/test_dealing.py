"""Schedules are drawn fairly: no seed is favoured, none is drawn twice differently."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from tests.support.faulty.kinds import Request
from tests.support.faulty.matrix import Matrix
from tests.support.faulty.schedule import FAULTS, STRIKES, Drawing, dealt

CELLS = list(itertools.product(FAULTS, ["create a", "fill", "update", "beside"]))
WHERE = ("request", "intent", "image", "result", "other", "read")


def test_every_cell_comes_up_once_before_any_comes_up_twice() -> None:
    hands = [dealt(CELLS, seed) for seed in range(100)]
    assert {len(hand) for hand in hands} == {STRIKES}
    flat = [cell for hand in hands for cell in hand]
    for start in range(0, len(flat) - len(CELLS), len(CELLS)):
        assert Counter(flat[start : start + len(CELLS)]) == Counter(CELLS)


def test_a_seed_draws_the_same_schedule_alone_and_among_others() -> None:
    kinds = {kind: Request("POST", "/x") for _, kind in CELLS}
    counts = [Counter({(where, kind): 4 for where in WHERE for kind in kinds})] * 2
    drawn = [Drawing(kinds, counts).schedule(seed) for seed in (7, 8, 7)]
    assert drawn[0] == drawn[2]
    assert drawn[0] != drawn[1]


def test_a_matrix_counts_each_thing_that_happened_once_and_names_what_lacks() -> None:
    matrix = Matrix([("cut", "fill"), ("reply lost", "fill")])
    matrix.add({"0|cut|fill", "3|cut|fill"}, 2.0)
    assert matrix.hits == {("cut", "fill"): 2}
    assert matrix.lacking(2) == [("reply lost", "fill")]
    assert matrix.lines()[2:] == ["fill   2     0", "1 seeds, 2.0 s each, 2.0 s at most"]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_can_be_dealt_to_every_kind(fault: str) -> None:
    kinds = {"fill": Request("POST", "/x")}
    once = Counter({("request", "fill"): 1, ("intent", "fill"): 1})
    drawing = Drawing(kinds, [once, Counter()])
    drawing.cells = [(fault, "fill")] * 7
    schedule = drawing.schedule(1)
    assert len(schedule.rules[0]) + len(schedule.strikes[0]) == STRIKES
