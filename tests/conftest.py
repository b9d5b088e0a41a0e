"""A throwaway Airflow for the whole run: its settings are read at the first import of it."""

from __future__ import annotations

import atexit
import base64
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import DAG

    from tests.support.bucket import Bucket

HOME = Path(tempfile.mkdtemp(prefix="airflow-crm-migration-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
DAGS = HOME / "dags"
DAGS.mkdir()


def _key(letter: bytes) -> str:
    return base64.urlsafe_b64encode(letter * 32).decode()


os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__API_AUTH__JWT_SECRET": _key(b"j"),  # Airflow 3.2 runs no task without one
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__FERNET_KEY": _key(b"f"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__LOGGING__NAMESPACE_LEVELS": "airflow.task=INFO task=INFO",
        "AIRFLOW__CRM_MIGRATION__SIGNING_KEYS": f"test:{_key(b's')}",
    }
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the fault suite be asked for more than the few schedules of an ordinary run."""
    group = parser.getgroup("faults")
    group.addoption("--seeds", type=int, default=12, help="schedules of faults to draw")
    group.addoption("--seed", type=int, default=None, help="repeat one schedule")


@pytest.fixture(scope="session")
def airflow_db() -> None:
    """Make Airflow's database, once."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def register_dag(airflow_db: None) -> Callable[[DAG], DAG]:
    """Return a function that makes Airflow know a DAG, so that ``dag.test()`` runs it."""
    from tests.support.dags import register

    return register


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    """Serve an object store on this machine."""
    from tests.support.bucket import serving

    with serving() as found:
        yield found
