"""Prepared runs that wait for their loads, and what loads them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.faulty.case import Case
from tests.support.faulty.matrix import HITS, Matrix
from tests.support.faulty.pairs import NAMES, load_pair
from tests.support.faulty.prepared import prepare
from tests.support.faulty.processes import LoadProcesses
from tests.support.faulty.schedule import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.faulty.ending import Ending
    from tests.support.faulty.prepared import Prepared


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have told of their matrices, in whatever process they ran."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, lines in getattr(report, "user_properties", ()):
                if name == HITS and report.when == "teardown":
                    terminalreporter.section(HITS)
                    terminalreporter.write_line("\n".join(lines))


@dataclass(frozen=True)
class Undisturbed:
    """
    Jobs that nothing happened to.

    :param endings: how it looked after each job
    :param seen: what each job lived through
    """

    endings: list[Ending]
    seen: list[list[tuple[str, list[str], str]]]


@pytest.fixture(scope="session", params=NAMES)
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(load_pair(request.param), tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="session")
def processes(prepared: Prepared) -> Iterator[LoadProcesses]:
    made = LoadProcesses(prepared.pair.connection("http://127.0.0.1:9", limited=True)["conn_type"])
    yield made
    made.stop()


@pytest.fixture(scope="session")
def undisturbed(
    prepared: Prepared, processes: LoadProcesses, tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    endings, seen = [], []
    with Case(prepared, processes, tmp_path_factory.mktemp("undisturbed")) as case:
        for number in range(len(prepared.jobs)):
            assert case.work(number) == 0, case.failures
            endings.append(case.ending())
            seen.append(case.seen())
    return Undisturbed(endings, seen)


@pytest.fixture(scope="session")
def drawing(prepared: Prepared, undisturbed: Undisturbed) -> Drawing:
    counts = [
        Counter((where, kind) for where, kinds, _ in seen for kind in kinds)
        for seen in undisturbed.seen
    ]
    return Drawing(prepared.pair.requests, counts)


@pytest.fixture(scope="session")
def matrix(drawing: Drawing) -> Matrix:
    """Count hits over all seeds."""
    return Matrix(drawing.cells)


@pytest.fixture
def new_case(
    prepared: Prepared, processes: LoadProcesses, tmp_path: Path
) -> Iterator[Callable[..., Case]]:
    """Make cases, which are ended with the test."""
    made: list[Case] = []

    def make(*without: str) -> Case:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Case(prepared, processes, folder, without))
        return made[-1]

    yield make
    for case in made:
        case.end()


@pytest.fixture
def case(new_case: Callable[..., Case]) -> Case:
    return new_case()
