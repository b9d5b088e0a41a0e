"""Values of LINKS fields."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from airflow_crm_migration.emulators.twenty.errors import ApiError, inspect, invalid

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+-]*):(?!\d)")
_PARTS = ("primaryLinkLabel", "primaryLinkUrl", "secondaryLinks")


def links(name: str, value: Any) -> dict[str, Any]:
    """Normalise a LINKS value, which always replaces the stored one whole.

    :param name: of the field
    :param value: what the client sent
    :return: what is stored
    :raises ApiError: when Twenty refuses it
    """
    if not isinstance(value, dict) or set(value) - set(_PARTS):
        raise ApiError(f'Invalid value {inspect(value)} for links field "{name}"')
    url, label = value.get("primaryLinkUrl") or "", value.get("primaryLinkLabel") or ""
    if not isinstance(url, str) or not isinstance(label, str):
        raise ApiError(f'Invalid value {inspect(value)} for links field "{name}"')
    sent = value.get("secondaryLinks") or []
    secondary = [s for s in sent if isinstance(s, dict)] if isinstance(sent, list) else []
    if not url and secondary:
        first, *secondary = secondary
        url, label = first.get("url") or "", first.get("label") or ""
    return {
        "primaryLinkLabel": label,
        "primaryLinkUrl": normal_url(url),
        "secondaryLinks": secondary,
    }


def normal_url(url: str) -> str:
    """Normalise a URL: only one with http(s) has its host lowercased and its last slash cut.

    :param url: what the client sent
    :return: what is stored
    :raises ApiError: INVALID_URL
    """
    scheme = _SCHEME.match(url)
    if re.search(r"\s", url) or (scheme and scheme[1].lower() not in ("http", "https")):
        raise _bad_url()
    if not scheme:
        return url
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError as e:
        raise _bad_url() from e
    if not host:
        raise _bad_url()
    whole = urlunsplit((parts.scheme.lower(), host + port, parts.path, parts.query, parts.fragment))
    return whole.removesuffix("/")


def _bad_url() -> ApiError:
    return invalid("The URL of the link is not valid", "INVALID_URL")
