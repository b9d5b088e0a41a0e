"""A hook asks its guard right before each request, and sends nothing that the guard keeps back."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.errors import LeaseLost
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.twenty import create
from airflow_crm_migration.hooks.twenty import TwentyHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.base import RunningEmulator

KEY = "emulator-key"


class Kept:
    """Lets some requests pass, then none."""

    def __init__(self, passing: int = 0) -> None:
        self.left = passing

    def __call__(self) -> None:
        if not self.left:
            raise LeaseLost("lost")
        self.left -= 1


@pytest.fixture(scope="module")
def server() -> Iterator[RunningEmulator]:
    made = start(create(api_key=KEY, scale=600, demo_records=False))
    yield made
    made.stop()


@pytest.fixture
def hook(server: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> TwentyHook:
    value = {"conn_type": "twenty", "host": server.base_url, "password": KEY}
    value["extra"] = {"rate_limits": "100000/1s"}
    monkeypatch.setenv("AIRFLOW_CONN_GUARDED", json.dumps(value))
    return TwentyHook("guarded")


def test_nothing_is_sent_nor_counted(hook: TwentyHook) -> None:
    hook.guard = Kept()
    with pytest.raises(LeaseLost):
        hook.tenant()
    assert hook.requests_made == {}


def test_it_is_asked_after_the_limiter_has_waited(hook: TwentyHook) -> None:
    told: list[str] = []
    acquire = hook.limiter.acquire
    hook.limiter.acquire = lambda weight=1: (told.append("limiter"), acquire(weight))[1]  # type: ignore[method-assign]
    hook.guard = lambda: told.append("guard")
    hook.count("person")
    assert told[-2:] == ["limiter", "guard"]


def test_it_is_asked_before_a_call_is_made_again(hook: TwentyHook, server: Any) -> None:
    server.emulator.faults.program([{"kind": "429", "path": "/rest/people"}])
    hook.sleep = lambda seconds: None
    hook.guard = Kept(1)
    with pytest.raises(LeaseLost):
        hook.call("GET", "/rest/people")
    assert hook.requests_made == {"GET /rest/people": 1}


@pytest.mark.parametrize("passing", [0, 1, 2])
def test_it_is_asked_before_each_step_of_an_upload(hook: TwentyHook, passing: int) -> None:
    hook.guard = Kept(passing)
    with pytest.raises(LeaseLost):
        hook.upload("a.txt", 3, io.BytesIO(b"abc"), print)
    assert sum(hook.requests_made.values()) == passing


def test_a_dry_run_hands_it_on(hook: TwentyHook) -> None:
    dry = DryDestination(hook)
    dry.guard = guard = Kept()
    assert dry.guard is hook.guard is guard
    with pytest.raises(LeaseLost):
        dry.tenant()
