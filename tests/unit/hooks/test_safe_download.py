from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, TypeVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from airflow_crm_migration.core.errors import CrmError, DeadHost, ForbiddenAddress
from airflow_crm_migration.hooks.safe_download import is_public, open_public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Files(ThreadingHTTPServer):
    """Serves /file, redirects /to?<address>, and refuses the rest."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, dict[str, str]]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


T = TypeVar("T", bound=Files)


class SecureFiles(Files):
    """The same behind a certificate that names files.example."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.authority = folder / "certificate.pem"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(_certificate(self.authority, "files.example"))
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that break off because they do not trust it."""


def _certificate(place: Path, host: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(*form, serialization.NoEncryption())
    place.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return place


class Handler(BaseHTTPRequestHandler):
    server: Files

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        path, _, target = self.path.partition("?")
        status = {"/file": 200, "/to": 302}.get(path, 404)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", target)
        body = b"binary" if status == 200 else b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def files() -> Iterator[Files]:
    with serving(Files()) as server:
        yield server


@pytest.fixture
def secure_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecureFiles]:
    with serving(SecureFiles(tmp_path)) as server:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(server.authority))
        yield server


@contextmanager
def serving(server: T) -> Iterator[T]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def here(host: str, port: int) -> list[str]:
    """Find every name on this machine, and that of the inner host in a private network."""
    return ["10.0.0.5"] if host == "inner.example" else ["127.0.0.1"]


def fetch(url: str) -> bytes:
    """Open an address in a world where this machine is public."""
    with open_public(
        url, resolve=here, public=lambda ip: ip == "127.0.0.1" or is_public(ip)
    ) as stream:
        return stream.read()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - as an attacker writes it
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
    ],
)
def test_addresses_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "127.1"])
def test_this_machine_is_refused_by_any_name_and_never_connected_to(
    files: Files, host: str
) -> None:
    with pytest.raises((ForbiddenAddress, CrmError)):
        open_public(f"http://{host}:{files.port}/file")
    assert files.seen == []


def test_localhost_is_refused_as_forbidden(files: Files) -> None:
    with pytest.raises(ForbiddenAddress, match="localhost: is no public address"):
        open_public(f"http://localhost:{files.port}/file")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.com/a", "http://", "a.pdf", "http://[::1", "http://a:x/"],
)
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(ForbiddenAddress):
        open_public(url)


def test_the_judged_address_is_connected_to_under_the_hosts_name(files: Files) -> None:
    assert fetch(f"http://user:secret@files.example:{files.port}/file#part") == b"binary"
    [(path, headers)] = files.seen
    assert path == "/file"
    assert headers["Host"] == f"files.example:{files.port}"
    assert "Authorization" not in headers


def test_a_name_is_resolved_once(files: Files) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.5"]])
    url = f"http://files.example:{files.port}/file"
    with open_public(
        url, resolve=lambda host, port: next(answers), public=lambda ip: True
    ) as stream:
        assert stream.read() == b"binary"
    assert next(answers) == ["10.0.0.5"]


def test_one_private_address_among_several_condemns_the_host(files: Files) -> None:
    with pytest.raises(ForbiddenAddress):
        open_public(
            f"http://files.example:{files.port}/file",
            resolve=lambda host, port: ["93.184.216.34", "10.0.0.5"],
        )


def test_a_redirect_is_followed_when_it_is_public(files: Files) -> None:
    assert fetch(f"http://a.example:{files.port}/to?/file") == b"binary"


@pytest.mark.parametrize(
    "target", ["http://inner.example/file", "//inner.example/x", "file:///etc/passwd"]
)
def test_a_redirect_into_a_private_network_is_refused(files: Files, target: str) -> None:
    with pytest.raises(ForbiddenAddress):
        fetch(f"http://a.example:{files.port}/to?{target}")
    assert len(files.seen) == 1


def test_redirects_end(files: Files) -> None:
    url = f"http://a.example:{files.port}/to?"
    with pytest.raises(CrmError, match="redirects more than 5 times"):
        fetch(url + "/to?/to?/to?/to?/to?/to?/to?/file")


def test_what_is_not_there_keeps_its_status(files: Files) -> None:
    with pytest.raises(CrmError) as caught:
        fetch(f"http://a.example:{files.port}/gone?token=secret")
    assert caught.value.status == 404
    assert "secret" not in str(caught.value)


def test_a_host_that_does_not_exist_is_unreachable() -> None:
    with pytest.raises(DeadHost, match="there is no such host") as caught:
        open_public("http://no-such-host.invalid/a")
    assert caught.value.host == "no-such-host.invalid"


def test_a_port_where_nobody_listens_is_unreachable(files: Files) -> None:
    with pytest.raises(DeadHost, match="no reply"):
        fetch("http://a.example:1/file?token=secret")


def test_proxies_of_the_environment_are_not_asked(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert fetch(f"http://a.example:{files.port}/file") == b"binary"


def test_the_certificate_is_that_of_the_host_though_an_address_is_connected_to(
    secure_files: SecureFiles,
) -> None:
    assert fetch(f"https://files.example:{secure_files.port}/file") == b"binary"


def test_another_hosts_certificate_is_refused(secure_files: SecureFiles) -> None:
    with pytest.raises(CrmError, match="SSLError"):
        fetch(f"https://other.example:{secure_files.port}/file")
    assert secure_files.seen == []
