"""What the hooks of all CRMs share: a session, a budget, and errors that steps can tell apart."""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import cached_property
from io import BufferedReader
from typing import IO, TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

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
from airflow_crm_migration.core.limits import Left, Limiter
from airflow_crm_migration.core.protocols import Usage
from airflow_crm_migration.hooks.connected import ConnectedHook
from airflow_crm_migration.hooks.replies import (
    BoundedBody,
    Download,
    failure,
    retry_after,
    template,
)
from airflow_crm_migration.hooks.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")

_READS = ("GET", "HEAD")
_CONNECT_SECONDS = 10.0
_BEFORE_THE_SERVER = (502, 503, 504)
"""What is said in the place of a server that does not answer, whatever was asked."""
_WORDS = 500


class CrmHook(ConnectedHook):
    """
    Base of every CRM hook.

    A subclass gives the connection type's names, :attr:`default_windows`, :meth:`auth_headers`,
    :meth:`greeting`, for a platform's own words :meth:`words` or :meth:`translate`, and
    :meth:`left` where replies tell what is left of a limit.

    The extra of the connection may hold, and none of it ever becomes an HTTP header:

    - ``rate_limits``: for example ``80 calls/2s, 30000/86400s``, instead of the documented ones
    - ``budget_share``: part of these limits to use, 0.8 when left out
    - ``timeout``: seconds to wait for a reply, 60 when left out
    - ``verify``: false, or the path of a file with trusted certificate authorities
    - ``file_hosts``: hosts beside the connection's own that binaries may come from and go to

    :param conn_id: id of the Airflow connection
    """

    #: A larger reply to a call is an error; downloads are streamed and have no bound.
    max_reply_bytes: ClassVar[int] = 64 << 20
    #: Seconds of waiting after which a call gives up on faults.
    patience: float = 120.0
    #: The same where the host never answered: more likely than an outage is a wrong address.
    first_patience: float = 5.0

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__(conn_id)
        # Replaced by forecasts and tests, which do not wait.
        self.clock: Callable[[], float] = time.monotonic
        self.sleep: Callable[[float], None] = time.sleep
        #: Called right before each request is sent: what it raises keeps the request back.
        self.guard: Callable[[], None] = lambda: None
        self.requests_made: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._seconds_asking = 0.0
        self._answered = False

    @cached_property
    def limiter(self) -> Limiter:
        """What holds this process to the budget of the connection."""
        return Limiter(self.budget, clock=self.clock, sleep=self.sleep)

    @property
    def usage(self) -> Usage:
        """What the CRM was asked so far."""
        requests_made = self.requests_made.total()
        return Usage(requests_made, self.limiter.spent, self._seconds_asking)

    def greeting(self) -> str:
        """Ask the CRM who is behind the connection, for the test button."""
        raise NotImplementedError

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        weight: float = 1,
        limited: bool = True,
        repeatable: bool | None = None,
        name: str = "",
    ) -> requests.Response:
        """
        Ask the CRM, patiently where that is safe.

        A write is sent again only when the CRM said that its limit is reached or when no connection
        came about; what else goes wrong leaves open whether it was written.

        :param path: below the base address
        :param data: body where it is not ``json``
        :param weight: what the call costs of the budget
        :param limited: whether it counts against the budget at all
        :param repeatable: whether asking twice is as good as once; reads are when left out
        :param name: of the operation, for counters and logs, where the path does not tell
        :return: a successful reply, read whole
        :raises Refused: nothing was written
        :raises Unsettled: a write may or may not have happened
        :raises Throttled: the CRM asked to slow down for too long
        :raises QuotaSpent: only the reset of a long budget helps
        """
        again = method in _READS if repeatable is None else repeatable
        kind = f"{method} {template(path)} {name}".rstrip()
        sending = {"params": params, "json": json, "data": data, "headers": headers}

        def once() -> requests.Response:
            if limited:
                self.limiter.acquire(weight)
            url = self.address + path
            reply = self._send(self.session, method, url, kind, sending)
            for left in self.left(reply):
                self.limiter.told(left)
            return self._checked(reply)

        return self.patiently(kind, once, repeatable=again)

    def patiently(self, kind: str, call: Callable[[], T], *, repeatable: bool) -> T:
        """
        Make a call, again where that is safe.

        :param kind: of the call, for logs
        :param call: to be made
        :param repeatable: whether making it twice is as good as once
        :return: what it returns
        :raises NoAnswer: instead of Unsettled when it was repeatable: nothing is left open
        """
        retries = Retries(
            self.budget,
            patience=self._patience,
            sleep=self.sleep,
            tell=lambda error, wait: self._tell(kind, error, wait),
        )
        try:
            return retries.loop(repeatable)(call)
        except Unsettled as e:
            if repeatable:
                raise NoAnswer(e.message, status=e.status, code=e.code) from None
            raise
        except Throttled as e:
            wait = e.retry_after or 0.0
            if isinstance(e, QuotaSpent) or wait <= self.throttle_patience:
                raise
            self.limiter.penalise(wait)
            raise QuotaSpent(e.message, retry_after=wait) from None

    def _patience(self, error: BaseException | None) -> float:
        if isinstance(error, Throttled):
            return self.throttle_patience
        first = isinstance(error, Unreachable) and not self._answered
        return self.first_patience if first else self.patience

    def call(self, method: str, path: str, **options: Any) -> Any:
        """
        Ask the CRM for JSON.

        :param options: of :meth:`request`
        :return: the reply's JSON
        """
        response = self.request(method, path, **options)
        try:
            return response.json()
        except requests.JSONDecodeError:
            again = options.get("repeatable", method in _READS)
            message = f"{method} {template(path)}: the reply is not JSON"
            raise (CrmError if again else Unsettled)(message, status=response.status_code) from None

    def transfer(
        self, method: str, url: str, *, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """
        Move a binary, once, by an address that the CRM gave; no credential is sent along.

        :param url: on the connection's host, or one of its ``file_hosts``
        :param data: what to send
        :return: a successful reply, its body not read yet
        :raises UserMistake: for another host
        """
        absolute = urljoin(self.address + "/", url)
        self._allow(absolute)
        kind = f"{method} {template(urlsplit(absolute).path)}"
        sending = {"data": data, "headers": {"Accept-Encoding": "identity", **(headers or {})}}
        reply = self._send(self._anonymous, method, absolute, kind, sending, whole=False)
        return self._checked(reply)

    def fetch(self, url: str) -> IO[bytes]:
        """
        Open a binary by an address that the CRM gave.

        :param url: as for :meth:`transfer`
        """
        kind = f"GET {template(urlsplit(url).path)}"
        reply = self.patiently(kind, lambda: self.transfer("GET", url), repeatable=True)
        return BufferedReader(Download(reply))

    def test_connection(self) -> tuple[bool, str]:
        """Say for the connection form whether the CRM can be reached, and who is behind it."""
        self.patience = self.throttle_patience = 5.0
        try:
            return True, self.greeting()
        except (CrmError, UserMistake) as e:
            return False, str(e)

    def left(self, response: requests.Response) -> Iterable[Left]:
        """
        Return what a reply says is left of the limits, where the platform tells.

        :param response: any reply
        """
        return ()

    def words(self, response: requests.Response) -> tuple[str, str | None]:
        """
        Return the platform's own words and error code in a refusal.

        :param response: with an error status
        """
        return response.text[:_WORDS] or response.reason, None

    def translate(self, response: requests.Response) -> Exception | None:
        """
        Return the error that a reply means, None for a success.

        :param response: read whole
        """
        status = response.status_code
        if status < requests.codes.multiple_choices:
            return None
        if status < requests.codes.bad_request:
            return self._redirected(response)
        message, code = self.words(response)
        if status == requests.codes.too_many_requests:
            return Throttled(message, retry_after=retry_after(response))
        kind: type[CrmError] = Refused
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            kind = Unauthorised
        elif status >= requests.codes.server_error:
            kind = Unsettled if status in _BEFORE_THE_SERVER else ServerError
        return kind(message, status=status, code=code)

    def _redirected(self, response: requests.Response) -> UserMistake:
        # Not followed: the credential would go where nobody sent it.
        target = urlsplit(urljoin(response.url, response.headers.get("Location", "")))
        return UserMistake(
            f"connection {self.conn_id}: the CRM answers from {target.scheme}://{target.netloc}; "
            "if that is right make it the host of the connection"
        )

    def _allow(self, url: str) -> None:
        target, own = urlsplit(url), urlsplit(self.address)
        same = (target.scheme, target.netloc) == (own.scheme, own.netloc)
        others = self.setting("file_hosts", "").replace(",", " ").split()
        if not same and not (target.scheme == "https" and target.netloc in others):
            raise UserMistake(
                f"connection {self.conn_id}: the CRM keeps files at {target.scheme}://"
                f"{target.netloc}; if you trust it add that host to file_hosts in the extra"
            )

    def _send(
        self,
        session: requests.Session,
        method: str,
        url: str,
        kind: str,
        sending: Mapping[str, Any],
        *,
        whole: bool = True,
    ) -> requests.Response:
        self.guard()
        with self._counting:
            self.requests_made[kind] += 1
        timeout = (_CONNECT_SECONDS, self.setting("timeout", 60.0, float))
        begun = self.clock()
        try:
            response = session.request(
                method, url, timeout=timeout, allow_redirects=False, stream=True, **sending
            )
            if whole or not response.ok:
                response.raw = BoundedBody(response.raw, self.max_reply_bytes)
                _ = response.content  # reads it, within the bound
        except requests.RequestException as e:
            raise failure(e, urlsplit(url).netloc) from None
        finally:
            with self._counting:
                self._seconds_asking += self.clock() - begun
        self._answered = True
        return response

    def _checked(self, response: requests.Response) -> requests.Response:
        error = self.translate(response)
        if error is not None:
            response.close()
            raise error
        return response

    def _tell(self, kind: str, error: BaseException | None, wait: float) -> None:
        if isinstance(error, Throttled):
            self.limiter.penalise(wait)
        status = getattr(error, "status", None) or ""
        self.log.warning("%s: %s %s, again in %.1f s", kind, type(error).__name__, status, wait)
