from __future__ import annotations

import json
import random
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import (
    CrmError,
    NoAnswer,
    QuotaSpent,
    Refused,
    ServerError,
    Throttled,
    Unauthorised,
    Unreachable,
    Unsettled,
    UserMistake,
)
from airflow_crm_migration.core.limits import Left
from airflow_crm_migration.hooks.base import CrmHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.sdk import Connection

KEY = "key-that-nobody-may-see"


class ToyHook(CrmHook):
    conn_type = "toy"
    default_conn_name = "toy_default"
    default_windows = "1000/1s"

    def auth_headers(self, connection: Connection) -> dict[str, str]:
        return {"Authorization": f"Bearer {connection.password}"}

    def greeting(self) -> str:
        return str(self.call("GET", "/me")["name"])

    def left(self, response: Any) -> list[Left]:
        told = response.headers.get("Left")
        return [Left(*map(float, told.split()))] if told else []


class Crm(ThreadingHTTPServer):
    """A server that plays a script: each reply is a status, or what to do with the handler."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[int | Callable[[Handler], None]] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Crm

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        step = self.server.script.pop(0) if self.server.script else 200
        if callable(step):
            step(self)
        else:
            self.reply(step)

    def reply(self, status: int, headers: dict[str, str] | None = None, body: Any = None) -> None:
        content = json.dumps(body if body is not None else {"name": "Acme"}).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - names that http.server asks for

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def crm() -> Iterator[Crm]:
    server = Crm()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ToyHook]:
    def made(host: str, **extra: Any) -> ToyHook:
        connection = {"conn_type": "toy", "host": host, "password": KEY, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_TOY", json.dumps(connection))
        hook = ToyHook("toy")
        hook.waits = []
        hook.sleep = hook.waits.append
        hook.clock = lambda: sum(hook.waits)
        return hook

    return made


def cut(handler: Handler) -> None:
    """Close the connection without a reply, as a crashed server does."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_in_half(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"name": "Ac')
    handler.wfile.flush()
    cut(handler)


def slow_down(**headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.reply(429, headers, {"error": "slow down"})


@pytest.mark.parametrize("trouble", [500, 503, cut, cut_in_half, slow_down()])
def test_a_read_is_made_again_after_trouble(crm, connect, trouble):
    crm.script = [trouble, trouble]
    assert connect(crm.url).call("GET", "/people") == {"name": "Acme"}
    assert len(crm.seen) == 3


@pytest.mark.parametrize("trouble", [500, 503, cut, cut_in_half])
def test_a_write_with_an_unknown_end_is_never_sent_twice(crm, connect, trouble):
    crm.script = [trouble]
    with pytest.raises(Unsettled):
        connect(crm.url).call("POST", "/people", json={"name": "Ana"})
    assert len(crm.seen) == 1


@pytest.mark.parametrize(("status", "itself"), [(500, True), (502, False), (504, False)])
def test_a_server_that_fails_is_told_from_one_that_is_not_reached(crm, connect, status, itself):
    crm.script = [status]
    with pytest.raises(Unsettled) as caught:
        connect(crm.url).call("POST", "/people", json={})
    assert isinstance(caught.value, ServerError) is itself


def test_a_write_that_its_caller_calls_repeatable_is_made_again(crm, connect):
    crm.script = [cut, 500]
    connect(crm.url).call("POST", "/graphql", json={"query": "{people}"}, repeatable=True)
    assert len(crm.seen) == 3


def test_a_write_is_sent_again_when_it_came_too_fast(crm, connect):
    crm.script = [slow_down(**{"Retry-After": "7"})]
    hook = connect(crm.url)
    hook.call("POST", "/people", json={"name": "Ana"})
    assert [body for *_, body in crm.seen] == [b'{"name": "Ana"}'] * 2
    assert hook.waits[0] == 7


def test_a_date_in_retry_after_is_obeyed(crm, connect):
    crm.script = [slow_down(**{"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})]
    hook = connect(crm.url)
    hook.call("GET", "/people")
    assert hook.waits[0] == 0


def test_without_retry_after_the_waits_grow_from_the_window(crm, connect):
    crm.script = [slow_down()] * 6
    hook = connect(crm.url, rate_limits="100/60s", budget_share=1)
    random.seed(1)
    hook.call("GET", "/people")
    assert all(0.6 <= w <= 0.6 + 0.6 * 2**n for n, w in enumerate(hook.waits))
    assert max(hook.waits) > 5


def test_one_that_is_told_to_slow_down_holds_back_every_other_call(crm, connect):
    crm.script = [slow_down(**{"Retry-After": "50"})]
    hook = connect(crm.url)
    hook.call("GET", "/a")
    penalty = hook.limiter._closed_until
    assert penalty == pytest.approx(50, abs=0.1)


def test_a_wait_beyond_the_patience_is_told_and_nobody_sleeps(crm, connect):
    crm.script = [slow_down(**{"Retry-After": "86400"})]
    hook = connect(crm.url)
    for _ in range(2):
        with pytest.raises(QuotaSpent) as caught:
            hook.call("POST", "/people", json={})
        assert caught.value.retry_after == pytest.approx(86400, abs=1)
    assert len(crm.seen) == 1
    assert hook.waits == []


def test_throttling_without_end_is_given_up_without_a_known_delay(crm, connect):
    crm.script = [slow_down()] * 500
    with pytest.raises(Throttled) as caught:
        connect(crm.url).call("GET", "/people")
    assert not isinstance(caught.value, QuotaSpent)


@pytest.mark.parametrize("status", [200, 404])
def test_what_any_reply_says_is_left_is_obeyed(crm, connect, status):
    crm.script = [lambda h: h.reply(status, {"Left": "0 30"})]
    hook = connect(crm.url)
    try:
        hook.call("GET", "/a")
    except Refused:
        assert status == 404
    hook.call("GET", "/b")
    assert hook.waits == [pytest.approx(30, abs=0.1)]


def test_a_budget_that_a_reply_says_is_spent_is_not_waited_for(crm, connect):
    crm.script = [lambda h: h.reply(200, {"Left": "6000 40000 30000"})]
    hook = connect(crm.url)
    hook.call("GET", "/a")
    with pytest.raises(QuotaSpent) as caught:
        hook.call("GET", "/b")
    assert caught.value.retry_after == pytest.approx(40000, abs=1)
    assert len(crm.seen) == 1


def test_a_server_that_stays_down_ends_a_read_with_an_error_of_its_own(crm, connect):
    crm.script = [503] * 500
    with pytest.raises(NoAnswer) as caught:
        connect(crm.url).call("GET", "/people")
    assert caught.value.status == 503


def nowhere() -> str:
    """Return an address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody know any name."""
    find = socket.getaddrinfo

    def unknown(host: str, *more: Any) -> Any:
        if host.endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return find(host, *more)

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize(
    ("name", "words"),
    [(None, "no connection is accepted"), ("crm.example", "nobody knows a host")],
)
def test_a_host_that_never_answered_is_told_after_seconds_with_the_fix(connect, name, words):
    host = name or nowhere()
    hook = connect(f"http://{host}")
    with pytest.raises(Unreachable, match=f"^{host}: {words}.*; check the host") as caught:
        hook.call("POST", "/people", json={})
    assert not isinstance(caught.value, Unsettled)
    assert hook.requests_made["POST /people"] > 3
    assert sum(hook.waits) <= hook.first_patience


def test_one_that_did_is_waited_for(crm, connect):
    hook = connect(crm.url)
    hook.call("GET", "/people")
    hook.address = f"http://{nowhere()}"
    with pytest.raises(Unreachable):
        hook.call("POST", "/people", json={})
    assert sum(hook.waits) > hook.patience / 2


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Unauthorised), (403, Unauthorised), (400, Refused), (422, Refused)]
)
def test_a_refusal_is_final(crm, connect, status, kind):
    crm.script = [status]
    with pytest.raises(kind) as caught:
        connect(crm.url).call("GET", "/people")
    assert caught.value.status == status
    assert len(crm.seen) == 1


def test_settings_never_become_headers(crm, connect):
    connect(crm.url, rate_limits="50/1s", token="hidden", budget_share=0.5).call("GET", "/people")
    headers = crm.seen[0][2]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert not {"rate_limits", "token", "budget_share"} & {h.lower() for h in headers}


def test_a_netrc_file_does_not_overrule_the_credential(crm, connect, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password wrong\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    connect(crm.url).call("GET", "/people")
    assert crm.seen[0][2]["Authorization"] == f"Bearer {KEY}"


def test_a_redirect_is_not_followed_and_names_the_other_host(crm, connect):
    crm.script = [lambda h: h.reply(302, {"Location": "https://evil.example/people"})]
    with pytest.raises(UserMistake, match=r"https://evil\.example"):
        connect(crm.url).call("GET", "/people")
    assert len(crm.seen) == 1


def test_a_binary_is_neither_sent_nor_fetched_elsewhere(crm, connect):
    hook = connect(crm.url)
    for url in ("https://evil.example/x", "http://127.0.0.1:1/x", "//evil.example/x"):
        with pytest.raises(UserMistake, match="file_hosts"):
            hook.transfer("PUT", url, data=b"secret")
    assert not crm.seen


def test_a_binary_travels_without_the_credential(crm, connect):
    hook = connect(crm.url)
    with hook.fetch(f"{crm.url}/file/1?token=abc") as content:
        assert content.read() == b'{"name": "Acme"}'
    assert "Authorization" not in crm.seen[0][2]


def test_a_download_that_breaks_is_an_error_not_a_short_file(crm, connect):
    crm.script = [cut_in_half]
    with connect(crm.url).fetch("/file/1") as content, pytest.raises(CrmError, match="download"):
        content.read()


def test_a_reply_beyond_the_bound_is_not_swallowed(crm, connect, monkeypatch):
    monkeypatch.setattr(ToyHook, "max_reply_bytes", 100)
    crm.script = [lambda h: h.reply(200, body=["x" * 500])]
    with pytest.raises(CrmError, match="larger than 100 bytes"):
        connect(crm.url).call("GET", "/people")
    assert len(crm.seen) == 1


def test_a_success_that_is_not_json_leaves_a_write_open(crm, connect):
    def page(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "6")
        handler.end_headers()
        handler.wfile.write(b"<html>")

    crm.script = [page, page]
    hook = connect(crm.url)
    with pytest.raises(Unsettled):
        hook.call("POST", "/people", json={})
    with pytest.raises(CrmError) as caught:
        hook.call("GET", "/people")
    assert not isinstance(caught.value, Unsettled)


def test_calls_are_counted_by_their_shape(crm, connect):
    hook = connect(crm.url)
    for path in ("/people/1", "/people/2", "/people/6f0b1f6e-3a53-5c8b-9b0a-5f8c7a1d2e44"):
        hook.call("GET", path, params={"q": "ana@acme.example"})
    assert hook.requests_made == {"GET /people/{id}": 3}


def test_the_usage_tells_requests_what_they_cost_and_how_long_they_took(crm, connect):
    hook = connect(crm.url)
    crm.script = [lambda h: (hook.waits.append(3.0), h.reply(503))]
    hook.call("GET", "/people", weight=10)
    hook.call("GET", "/me", limited=False)
    usage = hook.usage
    assert (usage.requests, usage.weight) == (3, 20)
    assert usage.seconds == pytest.approx(3.0)


def test_connections_are_kept_alive(crm, connect):
    ports: set[int] = set()
    crm.script = [lambda h: (ports.add(h.client_address[1]), h.reply(200))] * 5
    hook = connect(crm.url)
    for _ in range(5):
        hook.call("GET", "/people")
    assert len(ports) == 1


def test_neither_credential_nor_customers_values_reach_log_or_error(crm, connect, capsys):
    crm.script = [cut] * 500
    with pytest.raises(CrmError) as caught:
        connect(crm.url).call("GET", "/people", params={"filter": "ana@acme.example"})
    log = "".join(capsys.readouterr())
    told = log + str(caught.value) + repr(caught.value.__cause__)
    assert "GET /people" in log
    assert caught.value.__suppress_context__
    assert "ana" not in told
    assert KEY not in told


def test_the_credential_is_masked_in_task_logs(crm, connect):
    from airflow.sdk._shared.secrets_masker import redact

    connect(crm.url).call("GET", "/people")
    assert KEY not in redact(f"sent with {KEY}")


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"rate_limits": "fast"}, "connection toy: rate_limits 'fast'"),
        ({"budget_share": 3}, "connection toy: budget share 3"),
        ({"timeout": "soon"}, "connection toy: timeout 'soon'"),
    ],
)
def test_a_bad_setting_is_named(crm, connect, extra, told):
    with pytest.raises(UserMistake, match=told):
        connect(crm.url, **extra).call("GET", "/people")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("crm.example.com", "https://crm.example.com"),
        ("http://crm.example.com:3000/", "http://crm.example.com:3000"),
        ("https://example.com/crm/", "https://example.com/crm"),
    ],
)
def test_the_host_may_come_with_or_without_a_scheme(connect, host, address):
    assert connect(host).address == address


def test_an_empty_host_is_the_users_mistake(connect):
    with pytest.raises(UserMistake, match="host is empty"):
        connect("").call("GET", "/people")


def test_the_test_button_greets_or_says_why_not(crm, connect):
    assert connect(crm.url).test_connection() == (True, "Acme")
    crm.script = [401]
    assert connect(crm.url).test_connection()[0] is False
