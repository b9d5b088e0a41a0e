"""Whatever happens to the loads of two runs, they end as if nothing had: nothing lost or doubled.

``--seeds 100`` draws a hundred schedules instead of a few, ``--seed 17`` repeats a single one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.faulty.matrix import HITS
from tests.support.faulty.undergo import undergo

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.conftest import Undisturbed
    from tests.support.faulty.case import Case
    from tests.support.faulty.matrix import Matrix
    from tests.support.faulty.schedule import Drawing

pytestmark = pytest.mark.faults

LEAST_HITS = 3
MANY = 100
SHOWN = 10
REPEAT = "to repeat it: python -m pytest tests/faults/test_schedules.py --seed"


def chosen_seeds(config: pytest.Config) -> list[int]:
    """Return the seeds that the command line asks for."""
    one = config.getoption("--seed")
    return list(range(config.getoption("--seeds"))) if one is None else [one]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", chosen_seeds(metafunc.config))


def test_ends_as_if_nothing_had_happened(
    undisturbed: Undisturbed, case: Case, drawing: Drawing, matrix: Matrix, seed: int
) -> None:
    schedule = drawing.schedule(seed)
    began = time.monotonic()
    complaints = undergo(case, schedule, undisturbed.endings)
    matrix.add(case.struck, time.monotonic() - began)
    if complaints:
        told = [*complaints[:SHOWN], f"{len(complaints)} in all", str(schedule)]
        pytest.fail("\n".join([*told, f"{REPEAT} {seed}"]), pytrace=False)


def test_every_kind_of_write_was_struck(
    matrix: Matrix,
    drawing: Drawing,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    record_property(HITS, matrix.lines())
    if len(chosen_seeds(pytestconfig)) < 2:
        pytest.skip("a single seed strikes what it strikes")
    struck = {kind for _, kind in matrix.hits}
    assert struck == {kind for _, kind in drawing.cells}


def test_every_fault_struck_every_kind_of_write(
    matrix: Matrix, pytestconfig: pytest.Config
) -> None:
    if len(chosen_seeds(pytestconfig)) < MANY:
        pytest.skip(f"fewer than {MANY} seeds; give --seeds {MANY}")
    assert matrix.lacking(LEAST_HITS) == []
