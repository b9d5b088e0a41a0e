from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.emulators import twenty as twenty_emulator
from airflow_crm_migration.emulators.base import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.emulators.base import RunningEmulator

KEY = "emulator-key"
PATIENCE = 30.0


class Twenty:
    """A bare client of the Twenty emulator: what it sends is what the test says."""

    def __init__(self, running: RunningEmulator) -> None:
        self.running = running
        self.base = running.base_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {KEY}"

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        json = {} if body is None else {"json": body}
        url = f"{self.base}{path}"
        return self.session.request(method, url, params=query, timeout=PATIENCE, **json)

    def get(self, path: str, **query: Any) -> Any:
        reply = self.call("GET", f"/rest/{path}", **query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def rows(self, plural: str, **query: Any) -> list[dict[str, Any]]:
        return list(self.get(plural, **query)["data"][plural])

    def one(self, plural: str, record_id: str, **query: Any) -> dict[str, Any]:
        data = self.get(f"{plural}/{record_id}", **query)["data"]
        return dict(next(iter(data.values())))

    def create(self, plural: str, body: dict[str, Any], **query: Any) -> dict[str, Any]:
        reply = self.call("POST", f"/rest/{plural}", body, **query)
        assert reply.status_code == 201, reply.text
        return dict(next(iter(reply.json()["data"].values())))

    def batch(
        self, plural: str, bodies: list[dict[str, Any]], **query: Any
    ) -> list[dict[str, Any]]:
        reply = self.call("POST", f"/rest/batch/{plural}", bodies, **query)
        assert reply.status_code == 201, reply.text
        return list(next(iter(reply.json()["data"].values())))

    def patch(self, plural: str, record_id: str, body: dict[str, Any]) -> dict[str, Any]:
        reply = self.call("PATCH", f"/rest/{plural}/{record_id}", body)
        assert reply.status_code == 200, reply.text
        return dict(next(iter(reply.json()["data"].values())))

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        """Send what must be refused with 400 and give the server's words."""
        reply = self.call(method, f"/rest/{path}", body, **query)
        assert reply.status_code == 400, reply.text
        return str(reply.json()["messages"][0])

    def gql(self, query: str, path: str = "/graphql", **variables: Any) -> dict[str, Any]:
        reply = self.call("POST", path, {"query": query, "variables": variables})
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def object(self, name: str) -> dict[str, Any]:
        every = self.call("GET", "/rest/metadata/objects").json()["data"]
        return next(o for o in every if o["nameSingular"] == name)

    def field(self, object_name: str, name: str) -> dict[str, Any]:
        return next(f for f in self.object(object_name)["fields"] if f["name"] == name)

    def add_field(self, object_name: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
        body = {"objectMetadataId": self.object(object_name)["id"], "type": kind, "name": name}
        reply = self.call("POST", "/rest/metadata/fields", {**body, "label": name, **more})
        assert reply.status_code == 201, reply.text
        return dict(reply.json())

    def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.call(method, f"/_emulator/{path}", body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def wait_until_held(self, held: bool = True) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            state = self.control("GET", "gate")
            if state["held"] is held:
                return dict(state)
        raise AssertionError(f"held was never {held}")


def _made() -> Iterator[Callable[..., Twenty]]:
    started: list[Twenty] = []

    def make(**settings: Any) -> Twenty:
        free = {"short_limit": (1e9, 1.0), "long_limit": (1e9, 60.0), "demo_records": False}
        client = Twenty(start(twenty_emulator.create(**{**free, **settings})))
        started.append(client)
        return client

    yield make
    for client in started:
        client.session.close()
        client.running.stop()


@pytest.fixture
def make_twenty() -> Iterator[Callable[..., Twenty]]:
    """Start Twenty emulators; with limits out of the way unless the test sets some."""
    yield from _made()


@pytest.fixture(scope="module")
def shared_twenty() -> Iterator[Twenty]:
    """One emulator for all tests of a module that leave nothing behind that another would meet."""
    for make in _made():
        yield make()


@pytest.fixture
def twenty(make_twenty: Callable[..., Twenty]) -> Twenty:
    return make_twenty()
