"""A run of which nothing is in staging yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.staging import Staging
from tests.support.report import MadeRun

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> MadeRun:
    return MadeRun(Staging(tmp_path))
