"""What comes back over HTTP: how much of it is read, and what a failure to get it means."""

from __future__ import annotations

import io
import re
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)

from airflow_crm_migration.core.errors import CrmError, Unreachable, Unsettled, UserMistake

if TYPE_CHECKING:
    from collections.abc import Iterator

TOO_LARGE = "REPLY_TOO_LARGE"
_UNREACHABLE = {
    NameResolutionError: "nobody knows a host of this name",
    NewConnectionError: "no connection is accepted there",
    ConnectTimeoutError: "nothing answers there",
    ProxyError: "the proxy of this machine gives no connection",
}
_REACH = "check the host of the connection, and that the CRM runs and this machine may reach it"
_VARIABLE = re.compile(r"/(?:\d+|[0-9a-fA-F-]{32,36})(?=/|$)")


def template(path: str) -> str:
    """
    Return a path fit for logs and counters: without a query, ids and numbers as ``{id}``.

    :param path: of a request
    """
    return _VARIABLE.sub("/{id}", path.partition("?")[0])


def retry_after(response: requests.Response) -> float | None:
    """
    Return the seconds that a reply asks to wait, None where it does not say.

    :param response: any reply
    """
    text = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def failure(error: requests.RequestException, host: str) -> Exception:
    """
    Return what it means that a request got no whole reply.

    The words of the HTTP library are left out: they quote addresses with customers' values.

    :param error: what the HTTP library raised
    :param host: that was asked
    """
    if _caused_by(error, ssl.SSLCertVerificationError):
        return UserMistake(
            f"{host}: its TLS certificate is not trusted; install its authority, or name it in "
            '"verify" in the extra of the connection'
        )
    reason = getattr(error.args[0], "reason", None) if error.args else None
    for kind, words in _UNREACHABLE.items():
        if isinstance(reason, kind):
            return Unreachable(f"{host}: {words}; {_REACH}")
    if isinstance(error, ValueError) and not isinstance(error, requests.JSONDecodeError):
        return UserMistake(
            f"{host}: no request can be made ({type(error).__name__}); "
            "check host and password of the connection"
        )
    if isinstance(error, requests.Timeout):
        return Unsettled(f"{host}: no reply in time")
    return Unsettled(f"{host}: the connection broke before the whole reply was here")


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    seen: list[Any] = [error]
    for e in seen:
        links = [e.__cause__, e.__context__, *e.args, getattr(e, "reason", None)]
        seen += [x for x in links if isinstance(x, BaseException) and x not in seen]
    return any(isinstance(e, kind) for e in seen)


class BoundedBody:
    """
    A reply's body that ends with an error where it grows beyond a size.

    :param raw: urllib3's reply
    :param limit: most bytes
    """

    def __init__(self, raw: Any, limit: int) -> None:
        self._raw = raw
        self._limit = limit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, size: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """
        Give the body piece by piece.

        :param size: of a piece
        :param decode_content: whether to unpack it
        :raises Unsettled: when it is larger than the limit
        """
        seen = 0
        for piece in self._raw.stream(size, decode_content=decode_content):
            seen += len(piece)
            if seen > self._limit:
                raise Unsettled(f"the reply is larger than {self._limit} bytes", code=TOO_LARGE)
            yield piece


class Download(io.RawIOBase):
    """
    A binary as it arrives; closing it gives the connection back.

    :param response: a reply whose body was not read yet
    """

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self._host = urlsplit(response.url).hostname or ""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """
        Read into a buffer.

        :param buffer: to be filled
        :return: bytes read, 0 at the end
        :raises CrmError: when the connection breaks before the end
        """
        try:
            piece = self._response.raw.read(len(buffer))
        except (HTTPError, OSError) as e:
            raise CrmError(f"{self._host}: the download broke ({type(e).__name__})") from None
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Close the reply."""
        self._response.close()
        super().close()
