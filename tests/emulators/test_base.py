"""What all emulators share: clock, limits, faults, gate, journal, serving."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fastapi import FastAPI

from airflow_crm_migration.emulators.base import (
    Clock,
    Emulator,
    Faults,
    Plan,
    PortTaken,
    Rule,
    RunningEmulator,
    TokenBucket,
    WindowCounter,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0


class HandClock(Clock):
    """A clock that moves only when it is told to."""

    time = 1_750_000_000.0

    def now(self) -> float:
        return self.time


class Server:
    """A running emulator of one list of notes, called as a client would."""

    def __init__(self, **settings: Any) -> None:
        self.notes: list[str] = []
        app = FastAPI()

        @app.post("/notes/{note}")
        async def add(note: str) -> dict[str, int]:
            self.notes.append(note)
            return {"notes": len(self.notes)}

        self.emulator = Emulator(
            "notes", app, content=lambda: {"note": [{"id": n} for n in self.notes]}, **settings
        )
        self.running = start(self.emulator)

    def add(self, note: str) -> requests.Response:
        return requests.post(f"{self.running.base_url}/notes/{note}", timeout=PATIENCE)

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        url = f"{self.running.base_url}/_emulator/{path}"
        return requests.request(method, url, json=body, timeout=PATIENCE)

    def wait_until_held(self, held: bool) -> None:
        for _ in range(10_000):
            if self.control("GET", "gate").json()["held"] is held:
                return
        raise AssertionError(f"held was never {held}")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(full_log=True)
    yield made
    made.running.stop()


def test_a_scaled_clock_runs_faster_from_the_present_moment() -> None:
    real, fast = Clock(), Clock(1_000_000)
    began = fast.now()
    asyncio.run(fast.sleep(1000.0))
    assert fast.now() - began >= 1000.0
    assert abs(real.now() - began) < 60.0


@pytest.mark.parametrize("scale", [0, -1])
def test_a_clock_that_stands_still_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Clock(scale)


def test_a_bucket_refills_continuously_and_refusals_cost_nothing() -> None:
    clock = HandClock()
    bucket = TokenBucket(clock, 100, 60.0)
    assert [bucket.take() for _ in range(100)] == [0.0] * 100
    assert bucket.take() == pytest.approx(0.6)
    assert bucket.take(5) == pytest.approx(3.0)
    clock.time += 0.6
    assert bucket.take() == 0.0
    clock.time += 10.0
    assert [bucket.take() for _ in range(17)] == [0.0] * 16 + [pytest.approx(0.2)]
    clock.time += 10_000.0
    assert bucket.take(100) == 0.0
    assert bucket.take() > 0.0


def test_a_window_starts_anew_when_it_has_passed() -> None:
    clock = HandClock()
    window = WindowCounter(clock, 3, 60.0)
    assert [window.take() for _ in range(3)] == [0.0] * 3
    clock.time += 10.0
    assert window.take() == pytest.approx(50.0)
    assert (window.remaining, window.reset) == (0, clock.time + 50.0)
    clock.time += 50.0
    assert window.take(2) == 0.0
    assert window.remaining == 1


def test_rules_hit_after_their_skips_and_as_often_as_told() -> None:
    faults = Faults()
    faults.program([{"kind": "5xx", "method": "POST", "path": "^/a$", "times": 2, "skip": 1}])
    asked = ["/a", "/b", "/a", "/a", "/a"]
    kinds = [faults.decide(n, "POST", path).kind for n, path in enumerate(asked, 1)]
    assert kinds == ["", "", "5xx", "5xx", ""]
    assert faults.decide(9, "GET", "/a").kind == ""
    assert faults.log == [
        {"kind": "5xx", "method": "POST", "path": "/a", "request": n} for n in (3, 4)
    ]


def test_a_random_plan_repeats_from_its_seed_and_keeps_its_shares() -> None:
    plan = Plan(rates={"429": 0.05, "5xx": 0.05}, p50=0.15, p99=0.8)
    runs = [
        [Faults(seed, plan).decide(n, "GET", "/") for n in range(1, 4001)] for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    latencies = sorted(f.latency for f in runs[0])
    assert latencies[2000] == pytest.approx(0.15, rel=0.1)
    assert latencies[3960] == pytest.approx(0.8, rel=0.25)
    assert sum(f.kind == "429" for f in runs[0]) == pytest.approx(200, rel=0.3)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([{"kind": "quake"}], "fault kind 'quake'"),
        ([{"kind": "429", "path": "("}], "fault path '('"),
        ([{"kind": "429", "asks": "("}], "fault asks '('"),
        ([{"kind": "429", "often": 3}], "known: kind, method"),
        ({"rates": {"latency": 1}}, "fault kind 'latency'"),
        ({"share": 1}, "known: rates"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_what_would(
    server: Server, wanted: Any, told: str
) -> None:
    reply = server.control("POST", "faults", wanted)
    assert reply.status_code == 400
    assert told in reply.json()["error"]


def test_refusals_are_injected_before_the_handler(server: Server) -> None:
    server.control("POST", "faults", [{"kind": "429"}, {"kind": "5xx", "status": 502, "skip": 1}])
    assert [server.add("x").status_code for _ in range(3)] == [429, 502, 200]
    assert server.notes == ["x"]
    assert server.control("GET", "requests").json()["injected"] == 2


def test_a_lost_reply_comes_after_the_commit(server: Server) -> None:
    server.control("POST", "faults", [{"kind": "reply_lost"}])
    with pytest.raises(requests.ConnectionError):
        server.add("x")
    assert server.notes == ["x"]
    assert server.add("y").json() == {"notes": 2}


def test_a_timeout_holds_and_then_closes_without_handling(server: Server) -> None:
    server.control("POST", "faults", [{"kind": "timeout", "seconds": 0.01}])
    with pytest.raises(requests.ConnectionError):
        server.add("x")
    assert server.notes == []


def test_a_late_commit_comes_after_the_connection_was_cut(server: Server) -> None:
    server.control("POST", "faults", [{"kind": "late", "seconds": 0.05}])
    with pytest.raises(requests.ConnectionError):
        server.add("x")
    assert server.notes == []
    server.control("DELETE", "faults")  # waits for it
    assert server.notes == ["x"]


def test_half_a_reply_comes_after_the_commit(server: Server) -> None:
    server.control("POST", "faults", [{"kind": "half_reply"}])
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        server.add("x")
    assert server.notes == ["x"]


def test_a_server_error_can_come_after_the_commit(server: Server) -> None:
    server.control("POST", "faults", [{"kind": "5xx_after", "status": 502}])
    assert server.add("x").status_code == 502
    assert server.notes == ["x"]


@pytest.mark.parametrize("kind", ["400", "401"])
def test_a_refusal_comes_instead_of_the_commit(server: Server, kind: str) -> None:
    server.control("POST", "faults", [{"kind": kind}])
    assert server.add("x").status_code == int(kind)
    assert server.notes == []


def test_how_long_to_wait_is_told_in_the_scaled_seconds_of_the_client() -> None:
    made = Server(clock=Clock(600))
    try:
        made.control("POST", "faults", [{"kind": "429", "retry_after": 30}, {"kind": "429"}])
        assert made.add("x").headers["Retry-After"] == "0.05"
        assert "Retry-After" not in made.add("x").headers
    finally:
        made.running.stop()


def test_of_two_rules_for_one_request_the_second_waits_for_the_next(server: Server) -> None:
    rules = [
        {"kind": "latency", "seconds": 0.0, "label": "slow"},
        {"kind": "5xx", "status": 502, "label": "bad"},
        {"kind": "5xx", "status": 503, "label": "worse"},
    ]
    server.control("POST", "faults", rules)
    assert [server.add("x").status_code for _ in range(3)] == [502, 503, 200]
    log = server.control("GET", "faults").json()["log"]
    assert [(entry["label"], entry["request"]) for entry in log] == [
        ("slow", 1),
        ("bad", 1),
        ("worse", 2),
    ]


def test_a_refusal_goes_along_with_what_else_happens(server: Server) -> None:
    refusal = {"kind": "400", "times": 9}
    server.control("POST", "faults", [refusal, {"kind": "5xx"}, {"kind": "reply_lost"}])
    assert server.add("x").status_code == 503
    with pytest.raises(requests.ConnectionError):
        server.add("x")
    assert server.add("x").status_code == 400
    assert server.notes == []


def test_a_rule_may_look_at_the_query_and_the_body(server: Server) -> None:
    url = f"{server.running.base_url}/notes/x"
    server.control("POST", "faults", [{"kind": "400", "asks": "bad.*\\n|poison", "times": 9}])
    sent = [{"params": {"a": "b"}}, {"params": {"a": "bad"}}, {"data": b"poison"}, {"data": b"tea"}]
    statuses = [requests.post(url, timeout=PATIENCE, **more).status_code for more in sent]
    assert statuses == [200, 400, 400, 200]


def test_latency_is_emulated_time() -> None:
    made = Server(clock=Clock(1_000_000))
    try:
        made.control("POST", "faults", [{"kind": "latency", "seconds": 1000.0}])
        before = made.emulator.clock.now()
        assert made.add("x").status_code == 200
        assert made.emulator.clock.now() - before >= 1000.0
    finally:
        made.running.stop()


@pytest.mark.parametrize(("when", "stored"), [("before", 0), ("after", 1)])
def test_a_gate_holds_until_released(server: Server, when: str, stored: int) -> None:
    server.control("POST", "gate", {"method": "POST", "path": "/notes", "when": when})
    replies: list[int] = []
    caller = threading.Thread(target=lambda: replies.append(server.add("x").status_code))
    caller.start()
    server.wait_until_held(True)
    assert len(server.notes) == stored
    assert not replies
    server.control("POST", "release")
    caller.join(PATIENCE)
    assert replies == [200]
    assert server.notes == ["x"]


@pytest.mark.parametrize(("when", "stored"), [("before", []), ("after", ["y"])])
def test_a_gate_notices_that_the_client_is_gone(
    server: Server, when: str, stored: list[str]
) -> None:
    gate = {"method": "POST", "path": "/notes", "when": when, "skip": 1}
    server.control("POST", "gate", gate)
    server.add("x")
    client = http.client.HTTPConnection(server.running.base_url.removeprefix("http://"))
    client.request("POST", "/notes/y")
    server.wait_until_held(True)
    client.close()
    server.wait_until_held(False)
    assert server.notes == ["x", *stored]


def test_requests_are_counted_by_template_and_status(server: Server) -> None:
    for note in ("1", "2", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"):
        server.add(note)
    requests.get(f"{server.running.base_url}/nowhere", timeout=PATIENCE)
    told = server.control("GET", "requests").json()
    assert told["calls"] == {"POST /notes/{id}": {"200": 3}, "GET /nowhere": {"404": 1}}
    assert told["statuses"] == {"200": 3, "404": 1}
    assert [r["path"] for r in told["requests"]][:2] == ["/notes/1", "/notes/2"]
    assert server.control("GET", "content").json()["note"][0] == {"id": "1"}
    assert server.control("GET", "health").json()["name"] == "notes"
    assert server.control("POST", "reset-counters").json()["total"] == 0


def test_notifications_are_counted_by_kind(server: Server) -> None:
    server.emulator.journal.notify("mail", 2)
    server.emulator.journal.notify("webhook")
    told = server.control("GET", "notifications").json()
    assert told == {"count": 3, "kinds": {"mail": 2, "webhook": 1}}


def test_control_endpoints_are_never_faulted(server: Server) -> None:
    server.control("POST", "faults", {"rates": {"5xx": 1.0}})
    assert server.control("GET", "health").status_code == 200
    assert server.add("x").status_code == 503
    server.control("DELETE", "faults")
    assert server.add("x").status_code == 200


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .* choose another"):
            start(Emulator("x", FastAPI()), port=port)


def test_stopping_frees_the_port_even_while_a_request_is_held(server: Server) -> None:
    other = Server()
    other.control("POST", "gate", {"method": "POST"})
    caller = threading.Thread(target=lambda: other.add("x"))
    caller.start()
    other.wait_until_held(True)
    other.running.stop()
    caller.join(PATIENCE)
    port = int(other.running.base_url.rpartition(":")[2])
    with start(Emulator("again", FastAPI()), port=port) as running:
        assert isinstance(running, RunningEmulator)
        assert running.base_url == other.running.base_url


def _command(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "airflow_crm_migration.emulators", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal(number: signal.Signals) -> None:
    with _command("twenty", "--scale", "20", "--api-key", "k") as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        headers = {"Authorization": "Bearer k"}
        reply = requests.get(f"{url}/rest/people", headers=headers, timeout=PATIENCE)
        assert reply.json()["totalCount"] == 5
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def test_mistakes_on_the_command_line_cost_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        for arguments, told in (
            (("hubspot",), "emulator 'hubspot' is unknown: one of klipy, twenty"),
            (("twenty", "--port", port), f"port {port} on 127.0.0.1 is taken"),
            (("twenty", "--member", "x@y.example"), "write EMAIL:FIRST:LAST"),
        ):
            with _command(*arguments) as process:
                _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode != 0
            assert told in errors
            assert len(errors.splitlines()) == 1


def test_rule_defaults_hit_the_next_request_once() -> None:
    faults = Faults()
    faults.rules = [Rule("429")]
    assert [faults.decide(n, "GET", "/x").kind for n in (1, 2)] == ["429", ""]
