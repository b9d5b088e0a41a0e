"""The registrable domain: what a company owns, whatever stands before it or behind it."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from airflow_crm_migration.core.values.emails import is_free_mail
from airflow_crm_migration.core.values.lists import words
from airflow_crm_migration.core.values.text import one_line

if TYPE_CHECKING:
    from tldextract import TLDExtract

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")


@lru_cache(maxsize=200_000)
def registrable_domain(text: str) -> str | None:
    """
    Return the registrable domain in ASCII: ``brightwell.co.uk`` of ``https://www.brightwell.co.uk/x``.

    Suffixes that a company lets to others (``github.io``) count as suffixes. Uses the list of
    suffixes in the wheel of tldextract and never the network.

    :param text: a domain, a host, an URL or an e-mail address
    :return: None for an IP address, a host without a public suffix and anything else
    """
    host = _host(text)
    if host is None:
        return None
    found = _extract().extract_str(host)
    return f"{found.domain}.{found.suffix}" if found.domain and found.suffix else None


def is_shared_host(domain: str) -> bool:
    """Tell whether many companies have a page on a registrable domain (facebook.com)."""
    return domain in words("shared_hosts")


def names_no_company(domain: str) -> bool:
    """Tell whether a registrable domain is open to anybody: for an address, or for a page."""
    return is_free_mail(domain) or is_shared_host(domain)


def own_domain(text: str) -> str | None:
    """
    Return the registrable domain of a text where it can be one company's alone.

    :param text: as for :func:`registrable_domain`
    """
    domain = registrable_domain(text)
    return None if domain is None or names_no_company(domain) else domain


def _host(text: str) -> str | None:
    rest = one_line(text).strip("<>\"' ").lower()
    rest = rest.partition("://")[2] or rest.removeprefix("mailto:").removeprefix("//")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    name = authority.rpartition("@")[2].partition(":")[0].rstrip(".")
    ascii_name = name if name.isascii() else _punycode(name)
    return ascii_name if _HOST.fullmatch(ascii_name) else None


def _punycode(name: str) -> str:
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return ""


@cache
def _extract() -> TLDExtract:
    from tldextract import TLDExtract

    return TLDExtract(
        suffix_list_urls=(),
        cache_dir=None,
        fallback_to_snapshot=True,
        include_psl_private_domains=True,
    )
