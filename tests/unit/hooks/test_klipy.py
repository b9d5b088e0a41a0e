from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from airflow_crm_migration.core.errors import (
    CrmError,
    ForbiddenAddress,
    Refused,
    Unauthorised,
    UserMistake,
)
from airflow_crm_migration.core.protocols import Access, Route
from airflow_crm_migration.emulators import klipy
from airflow_crm_migration.emulators.base import Emulator, Faults, start
from airflow_crm_migration.emulators.klipy.access import SCOPES
from airflow_crm_migration.emulators.messy import World, generate
from airflow_crm_migration.hooks.klipy import KlipyHook
from airflow_crm_migration.hooks.klipy import hook as module
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

FAST = 1e6
"""So fast that a window of a minute is over at the next request."""


class ConnectedHook(KlipyHook):
    """A hook together with the server that it is connected to."""

    emulator: Emulator


Connect = Callable[..., ConnectedHook]


@pytest.fixture(scope="module")
def world() -> World:
    return generate(5, 250)


@pytest.fixture
def connect(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that starts an emulator and gives a hook for it."""
    running = []

    def begin(password: str = klipy.API_KEY, path: str = "", **settings: Any) -> ConnectedHook:
        server = start(klipy.create(world, **{"scale": FAST, **settings}))
        running.append(server)
        connection = {"conn_type": "klipy", "host": server.base_url + path, "password": password}
        extra = {"rate_limits": "100000/1s"}
        monkeypatch.setenv("AIRFLOW_CONN_KLIPY_TEST", json.dumps({**connection, "extra": extra}))
        hook = ConnectedHook("klipy_test")
        hook.emulator = server.emulator
        return hook

    yield begin
    for server in running:
        server.stop()


def requests(hook: KlipyHook) -> list[str]:
    return [k for k, n in hook.requests_made.items() for _ in range(n)]


def routes(accesses: list[Access]) -> dict[str, Route]:
    return {access.object: access.route for access in accesses}


def nobody(object_name: str, field: str) -> list[str]:
    return []


def records(hook: KlipyHook, name: str, seen: Any = nobody) -> list[dict[str, Any]]:
    return [hook.fields_of(name, raw) for page in hook.read(name, seen) for raw in page.records]


# -- the table of objects ------------------------------------------------------------------


def test_the_table_is_light() -> None:
    heavy = "{'requests', 'pandas', 'pyarrow', 'airflow.sdk'} & set(sys.modules)"
    code = f"import sys, airflow_crm_migration.hooks.klipy.objects; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parents_come_first() -> None:
    assert list(OBJECTS) == ["company", "contact", "deal", "activity", "note", "tag", "attachment"]


# -- who is asked, and what ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/people"),
        ("PUT", "/people"),
        ("PATCH", "/people/p1"),
        ("DELETE", "/people/p1"),
        ("POST", "/interactions"),
        ("DELETE", "/companies/c1"),
        ("GET", "/people"),
        ("GET", "/people/p1/../../x"),
        ("GET", "/companies/.."),
        ("GET", "/companies/c1?x=1"),
        ("POST", "/people/query/x"),
        ("GET", "/deals"),
    ],
)
def test_calls_outside_the_list_of_reads_are_never_sent(
    connect: Connect, method: str, path: str
) -> None:
    hook = connect()
    with pytest.raises(Refused, match="not among the reads"):
        hook.request(method, path)
    with pytest.raises(Refused, match="not among the reads"):
        hook.call(method, path, json={})
    assert requests(hook) == []


def test_nothing_is_uploaded(connect: Connect) -> None:
    with pytest.raises(Refused):
        connect().transfer("PUT", "/files/f1/x", data=b"x")


def test_reading_everything_notifies_nobody(connect: Connect, world: World) -> None:
    hook = connect()
    hook.probe()
    for name in ("contact", "activity"):
        records(hook, name)
    records(hook, "company", lambda o, f: list(world.companies)[:20])
    assert hook.emulator.notifications == 0


@pytest.mark.parametrize("path", ["", "/", "/api/v1", "/api/v1/"])
def test_the_host_may_be_given_with_or_without_the_path(connect: Connect, path: str) -> None:
    assert connect(path=path).tenant() == "org_5"


def test_the_test_button_tells_the_organisation_or_the_mistake(connect: Connect) -> None:
    assert connect().test_connection() == (True, "Klipy organisation org_5")
    assert connect(password="wrong").test_connection() == (False, "The API key is not valid.")
    worked, told = connect(password="").test_connection()
    assert (worked, "give the API key" in told) == (False, True)


# -- probing -------------------------------------------------------------------------------

API = {"company", "contact", "activity"}


def test_what_the_api_gives_is_read_there_and_the_rest_from_csv(connect: Connect) -> None:
    found = routes(connect().probe())
    assert list(found) == list(OBJECTS)
    assert {name for name, route in found.items() if route is Route.API_AND_CSV} == API
    assert {route for name, route in found.items() if name not in API} == {Route.CSV}


@pytest.mark.parametrize(
    ("missing", "lost"),
    [
        ("people:read", {"contact"}),
        ("companies:read", {"company"}),
        ("interactions:read", {"activity", "company"}),
    ],
)
def test_a_missing_scope_sends_its_object_to_csv(
    connect: Connect, missing: str, lost: set[str]
) -> None:
    accesses = connect(scopes=[s for s in SCOPES if s not in ("ALL", missing)]).probe()
    assert {a.object for a in accesses if a.route is Route.API_AND_CSV} == API - lost
    assert all(missing in a.reason for a in accesses if a.object in lost)


def test_without_a_key_everything_comes_from_csv_and_nobody_is_asked(connect: Connect) -> None:
    hook = connect(password="")
    assert set(routes(hook.probe()).values()) == {Route.CSV}
    assert requests(hook) == []


def test_a_wrong_key_is_a_mistake_and_no_reason_for_csv(connect: Connect) -> None:
    with pytest.raises(Unauthorised, match="The API key is not valid"):
        connect(password="wrong").probe()


def test_a_server_without_the_api_sends_everything_to_csv(connect: Connect) -> None:
    accesses = connect(path="/elsewhere").probe()
    assert set(routes(accesses).values()) == {Route.CSV}
    assert accesses[0].reason.startswith("no API: ")


# -- reading -------------------------------------------------------------------------------


@pytest.mark.parametrize("older", [False, True])
def test_everything_is_read_in_both_envelopes(connect: Connect, world: World, older: bool) -> None:
    hook = connect(older_envelope=older)
    assert hook.tenant() == "org_5"
    assert [r["id"] for r in records(hook, "contact")] == list(world.contacts)
    assert [r["id"] for r in records(hook, "activity")] == list(world.activities)
    some = sorted(world.companies)[:5]
    assert [r["id"] for r in records(hook, "company", lambda o, f: some)] == some


@pytest.mark.parametrize("name", ["contact", "company"])
def test_reading_goes_on_after_any_page(
    connect: Connect, world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COMPANIES_A_PAGE", 20)

    def seen(object_name: str, field_name: str) -> list[str]:
        return list(world.companies)

    pages = list(connect().read(name, seen))
    assert len(pages) > 2
    for number, page in enumerate(pages[:-1], start=1):
        rest = list(connect().read(name, seen, begin=page.following))
        assert [p.records for p in rest] == [p.records for p in pages[number:]]


def test_a_cursor_that_klipy_does_not_know_is_refused_at_any_size(connect: Connect) -> None:
    hook = connect()
    with pytest.raises(Refused):
        next(hook.read("contact", nobody, begin="from-last-year"))
    assert hook.page_size == 100


def test_pages_are_as_large_as_they_may_be(connect: Connect, world: World) -> None:
    hook = connect()
    assert [len(page.records) for page in hook.read("contact", nobody)] == [100, 100, 50]
    hook.page_size = 500
    assert sum(len(page.records) for page in hook.read("contact", nobody)) == len(world.contacts)
    assert hook.page_size == 20


def test_companies_are_those_that_others_name_and_the_missing_are_left_out(
    connect: Connect, world: World
) -> None:
    known = sorted(world.companies)[:2]
    named = {
        ("activity", "company_ids"): [known[0], "gone", ".."],
        ("contact", "company_id"): known,
    }
    found = records(connect(), "company", lambda *of: named[of])
    assert [r["id"] for r in found] == known


def test_an_id_cannot_lead_to_another_resource(connect: Connect) -> None:
    hook = connect()
    names = ["../people/p000001", "a/b", "x?y=1", "c1#z", "%2e%2e"]
    assert records(hook, "company", lambda o, f: names) == []
    assert len(requests(hook)) == len(names)


def test_what_the_api_does_not_give_cannot_be_read(connect: Connect) -> None:
    with pytest.raises(CrmError, match="deal: Klipy's API does not give it"):
        records(connect(), "deal")


def test_a_query_is_asked_again_after_a_fault(connect: Connect, world: World) -> None:
    faults = Faults()
    faults.program([{"kind": "5xx", "skip": 1}, {"kind": "reply_lost", "skip": 1}])
    hook = connect(faults=faults)
    hook.sleep = lambda seconds: None
    assert len(records(hook, "contact")) == len(world.contacts)


def test_channels_have_the_names_that_exports_give_them(connect: Connect, world: World) -> None:
    found = {r["id"]: r["type"] for r in records(connect(), "activity")}
    assert found == {a.id: a.kind.upper() for a in world.activities.values()}


def test_ids_and_names_are_fields_of_their_own(connect: Connect) -> None:
    cells = records(connect(), "activity")[0]
    assert {"contact_ids", "company_ids", "created_by_id", "interaction_date"} <= set(cells)
    assert set(cells) <= set(OBJECTS["activity"].fields)


# -- files ---------------------------------------------------------------------------------


def test_a_file_of_klipy_itself_is_opened(connect: Connect, world: World) -> None:
    hook = connect()
    file = next(f for f in world.files.values() if f.place == "source")
    with hook.open_file(f"{hook.address}/files/{file.id}/{file.name}") as stream:
        assert stream.read() == file.content()


def test_a_file_that_is_gone_is_an_error(connect: Connect) -> None:
    hook = connect()
    with pytest.raises(CrmError) as caught:
        hook.open_file(f"{hook.address}/files/f1/gone.pdf")
    assert caught.value.status == 404


def test_an_address_in_a_private_network_is_not_opened(connect: Connect, world: World) -> None:
    hook = connect()
    for file in (f for f in world.files.values() if f.place == "url"):
        with pytest.raises((ForbiddenAddress, CrmError)):
            hook.open_file(file.url)
    with pytest.raises(ForbiddenAddress):
        hook.open_file(hook.address.replace("127.0.0.1", "localhost") + "/files/f1/x")
    assert requests(hook) == []


def test_a_connection_without_a_host_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KLIPY_TEST", '{"conn_type": "klipy", "password": "x"}')
    with pytest.raises(UserMistake, match="host is empty"):
        KlipyHook("klipy_test").tenant()


def test_what_klipy_says_is_left_is_obeyed(connect: Connect) -> None:
    hook = connect(scale=1)
    seen: list[Any] = []

    def sleep(seconds: float) -> None:
        seen.append((dict(hook.emulator.journal.summary()["statuses"]), seconds))
        raise InterruptedError

    hook.sleep = sleep
    hook.clock = itertools.count(step=0.001).__next__
    for _ in range(200):
        hook.call("GET", "/authenticate")
    with pytest.raises(InterruptedError):
        hook.call("GET", "/authenticate")
    [(statuses, seconds)] = seen
    assert statuses == {"200": 200}
    assert 50 < seconds < 62
