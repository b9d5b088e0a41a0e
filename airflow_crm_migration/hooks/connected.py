"""What the Airflow connection of a CRM says: address, credential, limits, settings."""

from __future__ import annotations

from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk.log import mask_secret

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.limits import Budget, Window, parse_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk import Connection


class _Headers(requests.auth.AuthBase):
    """Credentials as a session's auth: else a netrc file of the machine would overrule them."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class ConnectedHook(HttpHook):
    """
    A hook by its connection; :class:`.CrmHook` makes the calls.

    :param conn_id: id of the Airflow connection
    """

    conn_name_attr = "conn_id"
    #: Documented limits, for example ``100/60s``.
    default_windows: ClassVar[str]
    #: Seconds of being asked to slow down after which a call gives up.
    throttle_patience: float = 600.0

    def __init__(self, conn_id: str | None = None) -> None:
        super().__init__(http_conn_id=conn_id or self.default_conn_name)
        self.conn_id = self.http_conn_id

    def auth_headers(self, connection: Connection) -> dict[str, str]:
        """
        Return the headers that carry the credential.

        :param connection: the Airflow connection
        """
        raise NotImplementedError

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection."""
        return self.get_connection(self.conn_id)

    def setting(self, name: str, default: Any, kind: Callable[[Any], Any] = str) -> Any:
        """
        Return a setting from the extra of the connection.

        :param name: key in the extra
        :param default: where it is missing or blank
        :param kind: makes the value of what is written there
        :raises UserMistake: when it does not
        """
        value = self.connection.extra_dejson.get(name)
        if value is None or value == "":
            return default
        try:
            return kind(value)
        except (ValueError, TypeError) as e:
            raise UserMistake(f"connection {self.conn_id}: {name} {value!r}: {e}") from None

    @cached_property
    def address(self) -> str:
        """Base address of the CRM, without a slash at the end; https where no scheme is given."""
        host = (self.connection.host or "").strip().rstrip("/")
        if not host:
            raise UserMistake(f"connection {self.conn_id}: host is empty; give the CRM's base URL")
        scheme = self.connection.schema or "https"
        parts = urlsplit(host if "://" in host else f"{scheme}://{host}")
        if self.connection.port and parts.port is None:
            parts = parts._replace(netloc=f"{parts.netloc}:{self.connection.port}")
        return parts.geturl()

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Limits that the connection is held to."""
        default = parse_windows(self.default_windows)
        windows: tuple[Window, ...] = self.setting("rate_limits", default, parse_windows)
        return windows

    @cached_property
    def budget(self) -> Budget:
        """What the connection may be asked."""
        share = self.setting("budget_share", 0.8, float)
        try:
            return Budget(self.windows, share, self.throttle_patience)
        except ValueError as e:
            raise UserMistake(f"connection {self.conn_id}: {e}") from None

    @cached_property
    def session(self) -> requests.Session:
        """The session of all calls to the CRM, keeping its connections alive."""
        return self.get_conn()

    @cached_property
    def _anonymous(self) -> requests.Session:
        return self._session({})

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> requests.Session:
        """
        Return a session that carries the credential and nothing of the connection's extra.

        :param headers: further headers
        :param extra_options: not used: the settings of the connection hold
        """
        credentials = self.auth_headers(self.connection)
        for value in credentials.values():
            mask_secret(value.split()[-1])
        session = self._session(credentials)
        session.headers.update(headers or {})
        return session

    def _session(self, credentials: Mapping[str, str]) -> requests.Session:
        self.base_url, self._base_url_initialized = self.address, True
        session = requests.Session()
        session.auth = _Headers(credentials)
        session.verify = self.setting("verify", True, lambda value: value)
        # Threads share the session; a cookie of one call has no business in another.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self._configure_session_from_mount_adapters(session)
