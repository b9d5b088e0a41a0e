"""A run of which nothing is in staging yet, and one that is complete."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from airflow_crm_migration.core.staging import Staging
from tests.support.report import MadeRun, Report


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    return MadeRun(Staging(tmp_path))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return the report of a complete run; nobody writes to it."""
    return MadeRun(Staging(tmp_path_factory.mktemp("complete"))).complete().report()


@pytest.fixture
def complete(report: Report, tmp_path: Path) -> MadeRun:
    """Return a complete run that the test may break."""
    shutil.copytree(Path(report.staging.root), tmp_path, dirs_exist_ok=True)
    return MadeRun(Staging(tmp_path))
