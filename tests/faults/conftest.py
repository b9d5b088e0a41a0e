"""A run that waits for its loads, and what loads it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.gates import Gate
from airflow_crm_migration.emulators.messy import generate
from airflow_crm_migration.emulators.twenty import ADMIN
from tests.support.emulated import emulated
from tests.support.killing import WORKSPACE, Case, LoadProcesses, Transformed, Undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTACTS = 100


@pytest.fixture(scope="session")
def transformed(tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """Read, decide and transform a small customer, once."""
    begun = time_text(datetime.now(UTC))
    folder = tmp_path_factory.mktemp("transformed")
    world = generate(1, CONTACTS)
    with emulated(world, folder, api=False, workspace_id=WORKSPACE) as both:
        migration = both.migration
        run = migration.new_run()
        migration.read_source(run)
        migration.decide(run)
        phases = migration.phases(run)
        for phase in phases:
            migration.transform(run, phase)
        people = both.records("workspaceMember")
        return Transformed(
            folder,
            run.folder,
            migration.engagement,
            migration.mapping(run),
            migration.signed(Gate(run.engagement, "mapping", "sandbox")),
            phases,
            [
                ADMIN,
                *(
                    (m["userEmail"], m["name"]["firstName"], m["name"]["lastName"])
                    for m in people
                    if m["userEmail"] != ADMIN[0]
                ),
            ],
            {m["userEmail"]: m["id"] for m in people},
            begun,
        )


@pytest.fixture(scope="session")
def processes() -> Iterator[LoadProcesses]:
    made = LoadProcesses()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def undisturbed(
    transformed: Transformed,
    processes: LoadProcesses,
    tmp_path_factory: pytest.TempPathFactory,
) -> Undisturbed:
    """A load that nothing happened to."""
    with Case(transformed, processes, tmp_path_factory.mktemp("undisturbed")) as case:
        assert case.load() == 0
        return Undisturbed(case.ending(), case.events())


@pytest.fixture
def case(transformed: Transformed, processes: LoadProcesses, tmp_path: Path) -> Iterator[Case]:
    with Case(transformed, processes, tmp_path) as made:
        yield made
