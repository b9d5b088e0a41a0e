"""A credential that expired or was revoked fails every call at once, with one clear line."""

from __future__ import annotations

import io
import json
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import Unauthorised
from airflow_crm_migration.core.protocols import Write
from airflow_crm_migration.emulators import klipy, twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.get_provider_info import get_provider_info
from airflow_crm_migration.hooks.registry import hook_class
from tests.support.customer import customer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.emulators.base import Emulator

KEY = "key-of-the-emulator"
ROWS = [Write(str(uuid.uuid4()), {"jobTitle": "Poet"})]
FILE = ("a.txt", 3, io.BytesIO(b"abc"), print)

#: Platform -> its emulator, and every call that a step makes.
PLATFORMS: dict[str, tuple[Callable[[], Emulator], dict[str, Callable[[Any], Any]]]] = {
    "klipy": (
        lambda: klipy.create(customer(), api_key=KEY),
        {
            "greeting": lambda hook: hook.greeting(),
            "tenant": lambda hook: hook.tenant(),
            "probe": lambda hook: hook.probe(),
            "read": lambda hook: list(hook.read("contact", lambda name, field: [])),
        },
    ),
    "twenty": (
        lambda: twenty.create(api_key=KEY),
        {
            "greeting": lambda hook: hook.greeting(),
            "tenant": lambda hook: hook.tenant(),
            "describe": lambda hook: hook.describe(),
            "members": lambda hook: hook.members(),
            "count": lambda hook: hook.count("person"),
            "listing": lambda hook: list(hook.listing("person")),
            "find": lambda hook: hook.find("person", "emails", ["a@b.example"]),
            "read": lambda hook: hook.read("person", [str(ROWS[0].id)]),
            "create": lambda hook: hook.create("person", ROWS),
            "update": lambda hook: hook.update("person", ROWS),
            "restore": lambda hook: hook.restore("person", [str(ROWS[0].id)]),
            "upload": lambda hook: hook.upload(*FILE),
        },
    ),
}
CALLS = [(name, call) for name, (_, calls) in PLATFORMS.items() for call in calls]


@contextmanager
def connected(platform: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a hook of a running emulator, which counts its waits instead of waiting."""
    with start(PLATFORMS[platform][0]()) as server:
        value = {"conn_type": platform, "host": server.base_url, "password": KEY}
        value["extra"] = {"rate_limits": "100000/1s"}
        monkeypatch.setenv("AIRFLOW_CONN_CREDENTIALS", json.dumps(value))
        hook = hook_class(platform)("credentials")
        hook.waits = []
        hook.sleep = hook.waits.append
        hook.server = server.emulator
        yield hook


def test_every_hook_is_here() -> None:
    types = get_provider_info()["connection-types"]
    assert set(PLATFORMS) == {entry["connection-type"] for entry in types}


@pytest.mark.parametrize(("platform", "call"), CALLS)
def test_it_fails_at_once(monkeypatch: pytest.MonkeyPatch, platform: str, call: str) -> None:
    with connected(platform, monkeypatch) as hook:
        if platform == "twenty" and call not in ("greeting", "tenant"):
            hook.describe()  # as every step that comes after preflight
        hook.requests_made.clear()
        hook.server.faults.program([{"kind": "401", "times": 1000}])
        with pytest.raises(Unauthorised) as caught:
            PLATFORMS[platform][1][call](hook)
    assert hook.waits == []
    assert max(hook.requests_made.values()) == 1
    assert len(caught.value.message.splitlines()) == 1
    assert KEY not in caught.value.message
