"""Downloads from addresses that strangers wrote: a record may name any server, also one of ours.

The address is resolved once, judged, and then connected to as judged: a name that resolves
differently a moment later gains nothing. Every redirect is judged anew. Proxies of the environment
are not used, because behind one nobody knows what is connected to.
"""

from __future__ import annotations

import ipaddress
import socket
from io import BufferedReader
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from airflow_crm_migration.core.errors import CrmError, DeadHost, ForbiddenAddress
from airflow_crm_migration.hooks.replies import Download

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from urllib3.connectionpool import HTTPConnectionPool

_PORTS = {"http": 80, "https": 443}
_MOST_REDIRECTS = 5
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """
    Tell whether an IP address is one that anybody on the internet can reach.

    :param address: of either version; an IPv4 address within an IPv6 one counts as itself
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(ip) if isinstance(ip, ipaddress.IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def resolve(host: str, port: int) -> list[str]:
    """
    Return the IP addresses of a host.

    :raises OSError: when it has none
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(info[4][0]) for info in found]


def open_public(
    url: str,
    *,
    timeout: float = 60.0,
    resolve: Callable[[str, int], list[str]] = resolve,
    public: Callable[[str], bool] = is_public,
) -> IO[bytes]:
    """
    Open a binary at a public address; no credential is sent.

    :param url: as a record names it
    :param timeout: seconds to wait for a connection, and for each piece
    :param resolve: returns the IP addresses of host and port
    :param public: judges an IP address
    :raises ForbiddenAddress: when the address, or one that it leads to, is not public
    :raises DeadHost: when its server cannot be reached
    :raises CrmError: when there is no such file
    """
    for _ in range(_MOST_REDIRECTS + 1):
        parts = _split(url)
        address = _judged(parts, resolve, public)
        response = _get(parts, address, timeout)
        if not response.is_redirect:
            return _opened(parts, response)
        url = urljoin(url, response.headers["Location"])
        response.close()
    raise CrmError(f"{parts.hostname}: redirects more than {_MOST_REDIRECTS} times")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ForbiddenAddress("files are taken from http and https addresses only")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]


def _judged(
    parts: SplitResult,
    resolve: Callable[[str, int], list[str]],
    public: Callable[[str], bool],
) -> str:
    """Return the address to connect to; one bad address among several condemns the host."""
    host = cast("str", parts.hostname)
    try:
        addresses = resolve(host, _port(parts))
    except (OSError, UnicodeError):
        raise DeadHost(f"{host}: there is no such host", host=host) from None
    if not addresses or not all(public(address) for address in addresses):
        raise ForbiddenAddress(f"{host}: is no public address")
    return addresses[0]


class _Pinned(HTTPAdapter):
    """Connects to one IP address, while name and certificate stay those of the host."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__()
        self._host = host
        self._address = address

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,
    ) -> HTTPConnectionPool:
        """Return the pool of connections for a request."""
        place, tls = self.build_connection_pool_key_attributes(
            request, cast("bool | str", verify), cert
        )
        names = {"server_hostname": self._host, "assert_hostname": self._host}
        pool = self.poolmanager.connection_from_host(
            self._address,
            place["port"],
            place["scheme"],
            pool_kwargs={**tls, **(names if place["scheme"] == "https" else {})},
        )
        return cast("HTTPConnectionPool", pool)


def _get(parts: SplitResult, address: str, timeout: float) -> requests.Response:
    host = cast("str", parts.hostname)
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    with requests.Session() as session:
        session.trust_env = False
        session.mount(f"{parts.scheme}://", _Pinned(host, address))
        headers = {"Host": bare.netloc, "Accept-Encoding": "identity"}
        try:
            return session.get(
                bare.geturl(), headers=headers, timeout=timeout, allow_redirects=False, stream=True
            )
        # The words of the library quote the address, which is a customer's value.
        except requests.ConnectionError as error:
            raise DeadHost(f"{host}: no reply ({type(error).__name__})", host=host) from None
        except requests.RequestException as error:
            raise CrmError(f"{host}: no reply ({type(error).__name__})") from None


def _opened(parts: SplitResult, response: requests.Response) -> IO[bytes]:
    if response.ok:
        return BufferedReader(Download(response))
    response.close()
    raise CrmError(f"{parts.hostname}: {response.reason}", status=response.status_code)
