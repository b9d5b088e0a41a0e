"""What Twenty makes of e-mail addresses, phone numbers and links.

Facts observed on Twenty 2.21 unless said otherwise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import idna
import phonenumbers

from airflow_crm_migration.core.protocols import Normalised
from airflow_crm_migration.hooks.twenty.values import cleaned, unusable

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.core.fields import FieldSpec

# Laxer than any RFC: a..b@c.com and a@localhost are taken, blanks and quotes are not.
_EMAIL = re.compile(r'[^\s@"\ufeff\0-\x1f\x7f]{1,64}@[^\s@\ufeff\0-\x1f\x7f]{1,255}')
_LONGEST_EMAIL = 255
_HTTP = re.compile(r"(https?):/{2,}", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://|[a-z][a-z0-9+-]*:(?!\d)", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_IPV4 = re.compile(r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.|$)){4}")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_MOST_PORT = 65535
_FORBIDDEN = re.compile(r"[\s\0-\x1f\x7f\\]")


def emails(_: FieldSpec, value: Any) -> Normalised:
    """Trim addresses and write them in lower case, each once."""
    return _each(value, _email)


def phones(_: FieldSpec, value: Any) -> Normalised:
    """
    Take phone numbers apart into national number, country and calling code.

    With all three given Twenty stores a number unchecked, therefore only valid ones are let
    through. It drops extensions in silence: a number that has one is told as unusable too.
    """
    return _each(value, _phone)


def links(field: FieldSpec, value: Any) -> Normalised:
    """
    Write addresses in one spelling.

    Twenty compares unique links as text, and example.com, http://example.com and
    https://www.example.com would be three companies: there the scheme is https and www is dropped.
    """

    def one(link: Any) -> tuple[Any, str | None]:
        given = str(link.get("url") or "") if isinstance(link, dict) else ""
        url = canonical_url(given, domain=field.unique)
        label = cleaned(str(link.get("label") or ""))[0] if url else ""
        return ({"url": url, "label": label or None}, None) if url else (None, given or str(link))

    return _each(value, one)


def canonical_url(text: str, *, domain: bool) -> str | None:
    """
    Return the one spelling of a web address, None where Twenty or a browser would refuse it.

    :param text: with or without a scheme
    :param domain: whether it stands for a company
    """
    rest = text.strip()
    if not rest or _FORBIDDEN.search(rest):
        return None
    found = _HTTP.match(rest)
    if not found and _OTHER_SCHEME.match(rest):
        return None
    scheme = found[1].lower() if found and not domain else "https"
    rest = rest[found.end() :] if found else rest.removeprefix("//")
    end = min((i for i in map(rest.find, "/?#") if i >= 0), default=len(rest))
    host = _authority(rest[:end], scheme)
    if not host or (not found and "." not in host):
        return None
    if domain and host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    return f"{scheme}://{host}{_tail(rest[end:])}"


def _tail(rest: str) -> str:
    if rest and rest[0] != "/":
        rest = "/" + rest
    end = min((i for i in map(rest.find, "?#") if i >= 0), default=len(rest))
    segments: list[str] = []
    for segment in rest[:end].split("/"):
        if segment == "..":
            del segments[max(1, len(segments) - 1) :]
        elif segment != ".":
            segments.append(segment)
    return ("/".join(segments) + rest[end:]).rstrip("/?#")


def _authority(text: str, scheme: str) -> str | None:
    host, colon, port = text.partition(":")
    name = _host(host.removesuffix("."))
    if name is None or not colon or not port:
        return name
    if not (port.isascii() and port.isdigit()) or int(port) > _MOST_PORT:
        return None
    return name if int(port) == _DEFAULT_PORTS[scheme] else f"{name}:{int(port)}"


def _host(text: str) -> str | None:
    host = text.lower()
    if not host.isascii():
        try:
            parts = idna.uts46_remap(host, std3_rules=False).split(".")
            host = ".".join(p if p.isascii() else idna.alabel(p).decode() for p in parts)
        except (idna.IDNAError, UnicodeError):
            return None
    if not _HOST.fullmatch(host):
        return None
    numeric = re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2])
    return None if numeric and not _IPV4.fullmatch(host) else host


def _email(address: Any) -> tuple[Any, str | None]:
    lower = address.strip().lower() if isinstance(address, str) else ""
    if len(lower) <= _LONGEST_EMAIL and _EMAIL.fullmatch(lower):
        return lower, None
    return None, str(address)


def _phone(phone: Any) -> tuple[Any, str | None]:
    if not isinstance(phone, dict):
        return None, str(phone)
    given = str(phone.get("number") or "")
    parsed = _parsed(given, phone.get("country"), phone.get("calling_code"))
    if parsed is None:
        return None, given
    kept = {
        "number": phonenumbers.national_significant_number(parsed),
        "country": phonenumbers.region_code_for_number(parsed),
        "calling_code": f"+{parsed.country_code}",
    }
    return kept, given if parsed.extension else None


def _parsed(
    given: str, country: str | None, calling_code: str | None
) -> phonenumbers.PhoneNumber | None:
    text = given.strip()
    code = (calling_code or "").strip().lstrip("+")
    if code and not text.startswith("+"):
        text = f"+{code}{text}"
    region = (country or "").strip().upper() or None
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    known = phonenumbers.region_code_for_number(parsed)
    # 001 is what libphonenumber calls numbers of no country; Twenty wants a country.
    valid = known not in (None, "001") and phonenumbers.is_valid_number(parsed)
    return parsed if valid else None


def _each(value: Any, one: Callable[[Any], tuple[Any, str | None]]) -> Normalised:
    if not isinstance(value, list):
        return unusable(value)
    kept: list[Any] = []
    refused: list[str] = []
    for element in value:
        good, bad = one(element)
        if good is not None and good not in kept:
            kept.append(good)
        if bad is not None:
            refused.append(bad)
    return Normalised(kept or None, tuple(refused))
