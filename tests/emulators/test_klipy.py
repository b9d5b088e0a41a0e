"""The emulator of Klipy's API keeps to what is published of it."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from airflow_crm_migration.emulators import klipy
from airflow_crm_migration.emulators.base import Clock, Faults, start
from airflow_crm_migration.emulators.klipy import WRITE, Key
from airflow_crm_migration.emulators.klipy.access import SCOPES
from airflow_crm_migration.emulators.messy import World, generate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_crm_migration.emulators.base import Emulator

KEY = {"X-Klipy-Api-Key": "klipy_api_emulator"}
FAST = 1e6
"""So fast that a window of a minute is over at the next request."""


class StillClock(Clock):
    """A clock that moves only when it is told to."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.time = 1_750_000_000.0

    def now(self) -> float:
        return self.time


@pytest.fixture(scope="module")
def world() -> World:
    return generate(5, 250)


@pytest.fixture
def serve(world: World) -> Iterator[Callable[..., httpx.Client]]:
    """Return a function that starts an emulator and gives a client with its key."""
    running: list[Any] = []

    def begin(emulator: Emulator | None = None, **settings: Any) -> httpx.Client:
        emulator = emulator or klipy.create(world, **{"scale": FAST, **settings})
        server = start(emulator)
        client = httpx.Client(base_url=server.base_url, headers=KEY)
        running.extend((client.close, server.stop))
        return client

    yield begin
    for end in running:
        end()


def read_all(client: httpx.Client, name: str, **query: Any) -> list[dict[str, Any]]:
    records, cursor = [], None
    while True:
        reply = client.post(f"/api/v1/{name}/query", json={"cursor": cursor, **query})
        assert reply.status_code == 200, reply.text
        body = reply.json()
        records += body["data"]
        cursor = body["page_info"]["next_cursor"]
        assert body["page_info"]["has_more"] is (cursor is not None)
        if cursor is None:
            return records


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_paging_reads_every_person_once(serve, world, limit):
    people = read_all(serve(), "people", limit=limit)
    assert [p["id"] for p in people] == list(world.contacts)


def test_paging_reads_every_interaction_once(serve, world):
    interactions = read_all(serve(), "interactions", limit=100)
    assert [i["id"] for i in interactions] == list(world.activities)


def test_a_page_has_20_records_unless_asked_otherwise(serve):
    body = serve().post("/api/v1/interactions/query", json={}).json()
    assert len(body["data"]) == 20


@pytest.mark.parametrize("query", [{"limit": 101}, {"limit": 0}, {"filter": {"since": "2024"}}])
def test_unknown_filters_and_limits_are_refused(serve, query):
    reply = serve().post("/api/v1/interactions/query", json=query)
    assert reply.status_code == 400
    assert reply.json()["code"] == "VALIDATION_ERROR"
    assert reply.json()["details"]


def test_interactions_by_company_and_contact(serve, world):
    client = serve()
    activity = next(a for a in world.activities.values() if a.company_ids)
    company, contact = activity.company_ids[0], activity.contact_ids[0]
    wanted = {"companyId": company, "contactId": contact}
    found = read_all(client, "interactions", filter=wanted)
    expected = [
        a.id
        for a in world.activities.values()
        if company in a.company_ids and contact in a.contact_ids
    ]
    assert [i["id"] for i in found] == expected
    assert activity.id in expected


@pytest.mark.parametrize("cursor", ["nonsense", "WzFd", "MQ=="])
def test_a_cursor_of_nobody_is_refused(serve, cursor):
    reply = serve().post("/api/v1/people/query", json={"cursor": cursor})
    assert (reply.status_code, reply.json()["code"]) == (400, "INVALID_CURSOR")


def test_a_cursor_is_bound_to_its_query(serve):
    client = serve()
    cursor = client.post("/api/v1/people/query", json={}).json()["page_info"]["next_cursor"]
    reply = client.post("/api/v1/interactions/query", json={"cursor": cursor})
    assert reply.json()["code"] == "INVALID_CURSOR"


def test_records_carry_the_published_keys_only(serve, world):
    client = serve()
    person = client.get(f"/api/v1/people/{next(iter(world.contacts))}").json()["data"]
    place = ["city", "state", "country", "linkedin"]
    figures = ["industry", "employee_count", "estimated_revenue"]
    own = ["id", "first_name", "last_name", "email", "title", "company_name", "company_domain"]
    assert list(person) == [*own, *figures, *place]
    company = client.get(f"/api/v1/companies/{next(iter(world.companies))}").json()["data"]
    assert list(company) == ["id", "name", "domain", *figures, *place]
    activity = next(a for a in world.activities.values() if a.deal_id and a.kind == "call")
    interaction = client.get(f"/api/v1/interactions/{activity.id}").json()["data"]
    assert set(interaction) == {
        "id",
        "companies",
        "contacts",
        "direction",
        "sentiment",
        "source",
        "summary",
        "title",
        "type",
        "createdBy",
        "creationTime",
        "interactionDate",
    }


def test_types_and_directions_are_published_ones(serve):
    interactions = read_all(serve(), "interactions", limit=100)
    assert {i["type"] for i in interactions} <= {
        "DIRECT_MESSAGE",
        "EMAIL",
        "MEETING",
        "MEMO",
        "BOOKING_CREATED",
        "MANUAL",
        "VOICE_NOTE",
    }
    assert {i["direction"] for i in interactions} <= {"INBOUND", "OUTBOUND", "INTERNAL"}


def test_envelope(serve, world):
    body = serve().get(f"/api/v1/people/{next(iter(world.contacts))}").json()
    assert body["object"] == "person"
    assert set(body["meta"]) == {"request_id", "api_version", "timestamp"}
    assert body["meta"]["api_version"] == "1"


def test_older_envelope(serve, world):
    client = serve(older_envelope=True)
    body = client.post("/api/v1/interactions/query", json={"limit": 3}).json()
    assert body["success"] is True
    assert [i["id"] for i in body["data"]["interactions"]] == list(world.activities)[:3]
    assert client.get("/api/v1/deals").json()["success"] is False


def test_authenticate_with_either_header(serve):
    client = serve()
    assert client.get("/api/v1/authenticate").status_code == 200
    bearer = {"Authorization": "Bearer klipy_api_emulator", "X-Klipy-Api-Key": ""}
    assert client.get("/api/v1/authenticate", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"X-Klipy-Api-Key": ""}, {"X-Klipy-Api-Key": "klipy_api_other"}]
)
def test_without_a_good_key_401(serve, headers):
    reply = serve().get("/api/v1/authenticate", headers=headers)
    assert reply.status_code == 401
    assert set(reply.json()) == {"code", "message"}
    assert "X-RateLimit-Limit" not in reply.headers


def test_an_expired_key_401(serve):
    clock = StillClock()
    key = Key("klipy_api_short", expires_at=clock.time + 60)
    client = serve(clock=clock, more_keys=[key])
    client.headers = {"X-Klipy-Api-Key": key.text}
    assert client.get("/api/v1/authenticate").status_code == 200
    clock.time += 61
    assert client.get("/api/v1/authenticate").status_code == 401


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("people:read", "POST", "/people/query"),
        ("people:read", "GET", "/people/{contact}"),
        ("companies:read", "GET", "/companies/{company}"),
        ("interactions:read", "POST", "/interactions/query"),
        ("interactions:read", "GET", "/interactions/{activity}"),
    ],
)
def test_each_read_wants_its_scope(serve, world, scope, method, path):
    ids = {
        "contact": next(iter(world.contacts)),
        "company": next(iter(world.companies)),
        "activity": next(iter(world.activities)),
    }
    body = {} if method == "POST" else None
    others = [s for s in SCOPES if s not in ("ALL", scope)]
    url = f"/api/v1{path.format(**ids)}"
    assert serve(scopes=[scope]).request(method, url, json=body).status_code == 200
    refused = serve(scopes=others).request(method, url, json=body)
    assert refused.status_code == 403
    assert refused.json()["code"] == "FORBIDDEN"
    assert refused.json()["details"] == {"required_scope": scope}


def test_an_unknown_scope_is_a_mistake(world):
    with pytest.raises(ValueError, match="'people'"):
        klipy.create(world, scopes=["people"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/companies"),
        ("POST", "/companies/query"),
        ("GET", "/people"),
        ("GET", "/deals"),
        ("POST", "/deals/query"),
        ("GET", "/tags"),
        ("GET", "/attachments"),
        ("GET", "/notes"),
        ("GET", "/companies/c99999999"),
        ("GET", "/people/p99999999"),
    ],
)
def test_what_the_api_does_not_have_is_404(serve, method, path):
    reply = serve().request(method, f"/api/v1{path}")
    assert reply.status_code == 404
    assert set(reply.json()) == {"code", "message"}
    assert reply.json()["code"] == "NOT_FOUND"


def test_a_key_has_200_requests_a_minute(serve):
    clock = StillClock(scale=10)
    client = serve(clock=clock)
    before = time.time()
    replies = [client.get("/api/v1/authenticate") for _ in range(200)]
    assert {r.status_code for r in replies} == {200}
    assert replies[0].headers["X-RateLimit-Limit"] == "200"
    assert [int(r.headers["X-RateLimit-Remaining"]) for r in replies] == list(range(199, -1, -1))
    assert int(replies[0].headers["X-RateLimit-Reset"]) >= before
    clock.time += 1
    refused = client.get("/api/v1/authenticate")
    assert refused.status_code == 429
    assert refused.json()["code"] == "RATE_LIMIT_EXCEEDED"
    assert refused.headers["Retry-After"] == "6"  # 59 emulated seconds, ten times as fast
    clock.time += 59
    assert client.get("/api/v1/authenticate").status_code == 200


def test_an_organisation_has_1000_requests_a_minute(serve):
    keys = [Key(f"klipy_api_{n}") for n in range(6)]
    client = serve(clock=StillClock(), more_keys=keys)
    statuses = []
    for key in keys:
        headers = {"X-Klipy-Api-Key": key.text}
        replies = (client.get("/api/v1/authenticate", headers=headers) for _ in range(170))
        statuses += [r.status_code for r in replies]
    assert statuses == [200] * 1000 + [429] * 20


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/people"),
        ("PUT", "/people"),
        ("PATCH", "/people/p000001"),
        ("DELETE", "/people/p000001"),
        ("POST", "/companies"),
        ("PATCH", "/companies/c000001"),
        ("DELETE", "/companies/c000001"),
        ("POST", "/interactions"),
    ],
)
def test_writes_succeed_and_are_counted(serve, world, method, path):
    emulator = klipy.create(world)
    client = serve(emulator)
    before = len(world.contacts)
    assert client.request(method, f"/api/v1{path}", json={}).status_code == 200
    assert emulator.journal.notifications[WRITE] == emulator.notifications == 1
    assert len(world.contacts) == before


def test_reading_counts_no_write(serve, world):
    emulator = klipy.create(world, scale=FAST)
    client = serve(emulator)
    read_all(client, "people", limit=100)
    client.get("/api/v1/companies/c000001")
    assert client.get("/_emulator/notifications").json()["count"] == 0


def test_files_of_the_source_are_served(serve, world):
    client = serve()
    file = next(f for f in world.files.values() if f.place == "source")
    reply = client.get(f"/files/{file.id}/{file.name}")
    assert reply.content == file.content()
    assert reply.headers["content-type"].startswith(file.content_type)
    other = next(f for f in world.files.values() if f.place == "missing")
    assert client.get(f"/files/{other.id}/{other.name}").status_code == 404


def test_changes_of_the_world_are_seen(serve):
    world = generate(6, 100)
    client = serve(klipy.create(world))
    world.contacts["p000001"].title = "Changed since"
    assert client.get("/api/v1/people/p000001").json()["data"]["title"] == "Changed since"
    del world.contacts["p000001"]
    assert client.get("/api/v1/people/p000001").status_code == 404


def test_injected_faults_have_the_shape_of_the_api(serve, world):
    faults = Faults()
    faults.program([{"kind": "429", "times": 1}, {"kind": "5xx", "status": 502, "skip": 1}])
    client = serve(klipy.create(world, faults=faults))
    first, second = (client.get("/api/v1/authenticate") for _ in range(2))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert (second.status_code, set(second.json())) == (502, {"code", "message"})


def test_command_line_writes_the_export_and_builds(serve, tmp_path):
    parser = argparse.ArgumentParser()
    klipy.add_arguments(parser)
    args = parser.parse_args(["--contacts", "100", "--api-key", "k", "--export", str(tmp_path)])
    args.__dict__.update(seed=2, scale=FAST, host="127.0.0.1", port=0)
    client = serve(klipy.build(args))
    client.headers = {"Authorization": "Bearer k"}
    assert len(read_all(client, "people", limit=100)) == 100
    assert (tmp_path / "contacts.csv").is_file()
    assert (tmp_path / "files").is_dir()
