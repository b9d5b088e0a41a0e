"""A workspace to load into."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.twenty import create
from tests.support.loading import KEY, Loading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_crm_migration.emulators.base import RunningEmulator


@pytest.fixture
def make_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Loading]]:
    """Return what starts a workspace to be loaded under a policy for existing records."""
    started: list[RunningEmulator] = []

    def make(policy: str = "link", **extra: Any) -> Loading:
        free = {"short_limit": (1e9, 1.0), "long_limit": (1e9, 60.0), "demo_records": False}
        server = start(create(api_key=KEY, scale=600, **free))
        started.append(server)
        name = f"twenty_{len(started)}"
        connection = {
            "conn_type": "twenty",
            "host": server.base_url,
            "password": KEY,
            "extra": {"rate_limits": "100000/1s", **extra},
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
        return Loading(server, tmp_path / name, name, policy)

    yield make
    for server in started:
        server.stop()


@pytest.fixture
def loading(make_loading: Callable[..., Loading]) -> Loading:
    return make_loading()
