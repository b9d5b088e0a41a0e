"""A running Twenty stand-in with a hook that is connected to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.twenty import create
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support import toy
from tests.support.loading import loadings
from tests.support.messy import moved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from airflow_crm_migration.emulators.base import RunningEmulator
    from tests.support.messy import MessyRun
    from tests.support.migration import Migration

KEY = "key-of-the-emulator"
UNLIMITED = {"short_limit": (1e9, 1.0), "long_limit": (1e9, 60.0)}


class Bench:
    """A running workspace and a hook that is connected to it."""

    def __init__(self, server: RunningEmulator, hook: TwentyHook) -> None:
        self.server = server
        self.hook = hook

    def control(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        url = f"{self.server.base_url}/_emulator/{path}"
        return requests.request(method, url, json=body, timeout=10).json()

    def statuses(self) -> dict[str, int]:
        return self.control("requests")["statuses"]

    def content(self, object_name: str) -> list[dict[str, Any]]:
        return self.control("content")[object_name]


def _workspaces() -> Iterator[Callable[..., Bench]]:
    """Give what starts a workspace and connects a hook to it."""
    patch = pytest.MonkeyPatch()
    running: list[RunningEmulator] = []

    def run(key: str = KEY, extra: dict[str, Any] | None = None, **options: Any) -> Bench:
        server = start(create(api_key=KEY, **{"demo_records": False, **UNLIMITED, **options}))
        running.append(server)
        connection = {
            "conn_type": "twenty",
            "host": server.base_url,
            "password": key,
            "extra": {"rate_limits": "100000/1s", **(extra or {})},
        }
        name = f"twenty_{server.base_url.rpartition(':')[2]}"
        patch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
        return Bench(server, TwentyHook(name))

    yield run
    for server in running:
        server.stop()
    patch.undo()


twenty = pytest.fixture(_workspaces)
shared_twenty = pytest.fixture(_workspaces, scope="module")
make_loading = pytest.fixture(loadings)


@pytest.fixture
def bench(twenty: Callable[..., Bench]) -> Bench:
    """Return a workspace without records and limits."""
    return twenty()


@pytest.fixture(scope="session")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MessyRun]:
    """Move a messy customer once; tests only look at it, or add a run that changes nothing."""
    with moved(tmp_path_factory.mktemp("messy")) as run:
        yield run


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the toy distribution and return where."""
    toy.install(tmp_path / "site", monkeypatch)
    return tmp_path / "site"


@pytest.fixture
def shop(site: Path) -> ModuleType:
    """Return the module of the toy source with something in it."""
    return toy.stock()


@pytest.fixture
def migration(shop: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migration:
    """Return a migration between the toy platforms."""
    return toy.begin(tmp_path, monkeypatch)
