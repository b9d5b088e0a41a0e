"""Klipy over HTTP: what its open beta gives, and nothing that could change anything there."""

from __future__ import annotations

import re
import time
from typing import IO, TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

from airflow_crm_migration.core.errors import CrmError, Refused, Unauthorised, UserMistake
from airflow_crm_migration.core.limits import Left
from airflow_crm_migration.core.protocols import Access, Page, Route
from airflow_crm_migration.hooks.base import CrmHook
from airflow_crm_migration.hooks.klipy.objects import API_KEYS, OBJECTS
from airflow_crm_migration.hooks.safe_download import open_public

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    import requests
    from airflow.sdk import Connection

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.protocols import Values

BASE = "/api/v1"
_ID = r"(?!\.+$)[^/?#]+"
READS = (
    ("GET", "/authenticate"),
    ("GET", f"/people/{_ID}"),
    ("POST", "/people/query"),
    ("GET", f"/companies/{_ID}"),
    ("GET", f"/interactions/{_ID}"),
    ("POST", "/interactions/query"),
)
"""Every call that this hook may make; the paths below :data:`BASE`."""

_QUERIES = {"contact": "people", "activity": "interactions"}
_DOCUMENTED_PAGE = 20
"""Records that a page holds when nothing is asked; the most that may be asked is not published."""

_COMPANIES_A_PAGE = 100
_NOT_FOUND = 404
_BAD_REQUEST = 400
_INSTANTS = 1e9
"""No number of seconds is as large; a Unix time is larger since 2001."""

_VAGUE_TYPES = ("DIRECT_MESSAGE", "MANUAL")
_TYPE_OF_SOURCE = {
    "LINKEDIN": "LINKEDIN",
    "WHATSAPP": "WHATSAPP",
    "TELEGRAM": "TELEGRAM",
    "PHONE": "CALL",
}
"""Exports name the channel as the type where the API calls it a message or manual."""


class KlipyHook(CrmHook):
    """
    Reads Klipy.

    The connection has the base URL as host and the API key as password.
    """

    conn_type = "klipy"
    hook_name = "Klipy"
    default_conn_name = "klipy_default"
    #: Of one key; an organisation has 1000/60s for all of its keys.
    default_windows: ClassVar[str] = "200/60s"
    #: Records to ask for at once; lowered when Klipy refuses.
    page_size: int = 100
    objects: Mapping[str, ObjectSpec] = OBJECTS
    reads_since: Collection[str] = ()

    def auth_headers(self, connection: Connection) -> dict[str, str]:
        """
        Return the headers that carry the credential.

        :param connection: the Airflow connection
        """
        if not connection.password:
            raise UserMistake(f"connection {self.conn_id}: password is empty; give the API key")
        return {"X-Klipy-Api-Key": connection.password}

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """
        Ask Klipy for something to read.

        :param path: below ``/api/v1``
        :param options: of the base class
        :raises Refused: for any call outside :data:`READS`; nothing was sent
        """
        if not any(method == m and re.fullmatch(p, path) for m, p in READS):
            raise Refused(f"{method} {path}: not among the reads of this hook")
        prefix = "" if self.address.endswith(BASE) else BASE
        return super().request(method, prefix + path, **{"repeatable": True, **options})

    def transfer(self, method: str, url: str, **options: Any) -> requests.Response:
        """
        Fetch a binary.

        :param options: of the base class
        :raises Refused: for any method but GET; nothing was sent
        """
        if method != "GET":
            raise Refused(f"{method}: not among the reads of this hook")
        return super().transfer(method, url, **options)

    def left(self, response: requests.Response) -> Iterable[Left]:
        """
        Return what is left of the minute, which Klipy tells with every reply.

        :param response: any reply
        """
        try:
            left = float(response.headers["X-RateLimit-Remaining"])
            reset = float(response.headers["X-RateLimit-Reset"])
        except (KeyError, ValueError):
            return ()
        # Whether it is an instant or a number of seconds is not published.
        seconds = reset - time.time() if reset > _INSTANTS else reset
        return (Left(left, max(0.0, seconds)),)

    def words(self, response: requests.Response) -> tuple[str, str | None]:
        """
        Return the platform's own words and error code in a refusal.

        :param response: with an error status
        """
        try:
            body = response.json()
            error = body.get("error", body)
            return str(error["message"]), str(error["code"])
        except (ValueError, KeyError, AttributeError, TypeError):
            return super().words(response)

    # -- what is there ---------------------------------------------------------------------

    def greeting(self) -> str:
        """Ask who is behind the connection."""
        return f"Klipy organisation {self.tenant()}"

    def tenant(self) -> str:
        """Return the id of the organisation; the address where Klipy does not tell it."""
        data = _payload(self.call("GET", "/authenticate"))
        organisation = data.get("organization") if isinstance(data, dict) else None
        found = organisation.get("id") if isinstance(organisation, dict) else None
        return str(found or urlsplit(self.address).netloc)

    def probe(self) -> list[Access]:
        """
        Ask which objects the API gives; what it does not give comes from CSV files.

        :raises Unauthorised: when the key is wrong, expired or revoked
        """
        if not self.connection.password:
            return [Access(name, Route.CSV, "the connection has no API key") for name in OBJECTS]
        try:
            self.call("GET", "/authenticate")
        except Refused as error:
            return [Access(name, Route.CSV, f"no API: {error.message}") for name in OBJECTS]
        return [self._access(name) for name in OBJECTS]

    def _access(self, name: str) -> Access:
        if name not in API_KEYS:
            return Access(name, Route.CSV, "Klipy's API does not give it")
        try:
            reason = self._try_company() if name == "company" else self._try_query(name)
        except (Unauthorised, Refused) as error:
            return Access(name, Route.CSV, error.message)
        return Access(name, Route.API_AND_CSV, reason)

    def _try_query(self, name: str) -> str:
        self._page(_QUERIES[name], None)
        return "the API gives it; a CSV file adds what the API leaves out"

    def _try_company(self) -> str:
        rows, _ = self._page("interactions", None)
        ids = [i for row in rows for i in row.get("companies") or []]
        self._company(ids[0] if ids else "none")
        return "the API gives those that contacts and interactions name; a CSV file adds the rest"

    # -- reading ---------------------------------------------------------------------------

    def read(
        self,
        object_name: str,
        seen: Callable[[str, str], Iterable[str]],
        since: datetime | None = None,
        begin: str | None = None,
    ) -> Iterator[Page]:
        """
        Read an object page by page, as received.

        :param seen: distinct values of a field of an object that was read before
        :param since: never given: Klipy documents no filter by time of change
        :param begin: ``following`` of the last page that was received
        :raises CrmError: for an object that the API does not give
        """
        if object_name in _QUERIES:
            yield from self._pages(_QUERIES[object_name], begin)
        elif object_name == "company":
            yield from self._companies(seen, begin)
        else:
            raise CrmError(f"{object_name}: Klipy's API does not give it")

    def _pages(self, resource: str, cursor: str | None) -> Iterator[Page]:
        while True:
            rows, following = self._page(resource, cursor)
            yield Page(rows, following)
            if following is None:
                return
            if following == cursor:
                raise CrmError(f"{resource}: the cursor of the next page is that of this one")
            cursor = following

    def _page(self, resource: str, cursor: str | None) -> tuple[list[Values], str | None]:
        """Return one page and the cursor of the next; a limit that is too high is lowered."""
        try:
            query = {"cursor": cursor, "limit": self.page_size}
            reply = self.call("POST", f"/{resource}/query", json=query)
        except Refused as error:
            if error.status != _BAD_REQUEST or self.page_size <= _DOCUMENTED_PAGE:
                raise
            refused, self.page_size = self.page_size, _DOCUMENTED_PAGE
            try:
                return self._page(resource, cursor)
            except Refused:  # it was not the size
                self.page_size = refused
                raise
        rows = _payload(reply)
        if not isinstance(rows, list):
            raise CrmError(f"{resource}: the reply holds no list")
        info = (reply["data"] if _older(reply) else reply).get("page_info") or {}
        return rows, info.get("next_cursor") if info.get("has_more", True) else None

    def _companies(
        self, seen: Callable[[str, str], Iterable[str]], begin: str | None
    ) -> Iterator[Page]:
        named = {*seen("activity", "company_ids"), *seen("contact", "company_id")}
        ids = sorted(company_id for company_id in named if begin is None or company_id > begin)
        for start in range(0, len(ids), _COMPANIES_A_PAGE):
            batch = ids[start : start + _COMPANIES_A_PAGE]
            found = (self._company(company_id) for company_id in batch)
            yield Page([company for company in found if company is not None], batch[-1])

    def _company(self, company_id: str) -> Values | None:
        if not company_id.strip("."):
            return None
        try:
            reply = self.call("GET", f"/companies/{quote(company_id, safe='')}")
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        company: Values = _payload(reply)
        return company

    def fields_of(self, object_name: str, raw: Values) -> Values:
        """
        Return a received record by declared field names, cells still as received.

        :param raw: as the API sent it
        """
        keys = API_KEYS[object_name]
        cells = {keys.get(key, key): cell for key, cell in raw.items()}
        if cells.get("type") in _VAGUE_TYPES:
            cells["type"] = _TYPE_OF_SOURCE.get(str(cells.get("source")), cells["type"])
        return cells

    def newest_change(self, object_name: str) -> datetime | None:
        """
        Say that Klipy cannot be asked: its public reference has no order and no filter by time.

        :param object_name: any
        """
        return None

    def open_file(self, url: str) -> IO[bytes]:
        """
        Open a binary as a stream.

        :param url: of Klipy itself, or of any public server
        :raises ForbiddenAddress: when it leads into a private network
        """
        target, own = urlsplit(url), urlsplit(self.address)
        if (target.scheme, target.netloc) == (own.scheme, own.netloc):
            return self.fetch(url)
        return open_public(url, timeout=self.setting("timeout", 60.0, float))


def _older(reply: Any) -> bool:
    return "success" in reply


def _payload(reply: Any) -> Any:
    """Return what a reply is about; the older envelope names it: ``{"data": {"people": …}}``."""
    if not isinstance(reply, dict) or "data" not in reply:
        raise CrmError("the reply is in none of Klipy's envelopes")
    data = reply["data"]
    if not _older(reply):
        return data
    named = [value for key, value in data.items() if key != "page_info"]
    return named[0] if len(named) == 1 else data
