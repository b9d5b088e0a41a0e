"""E-mail addresses: found in text, brought to one spelling, told apart by whom they identify."""

from __future__ import annotations

import re
from functools import lru_cache

from airflow_crm_migration.core.values.lists import words
from airflow_crm_migration.core.values.text import fold, one_line

_PLAIN = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
)
_ANGLES = re.compile(r"<([^<>]*@[^<>]*)>")
_MAILTO = re.compile(r"^mailto:([^?]*).*$", re.IGNORECASE)
_SEPARATORS = re.compile(r"[;,|\n\r\t]+")
_TIGHT = re.compile(r"([;,|])(?=\S)")
_PARTS = re.compile(r"[._\-]+")
_DIGITS = "0123456789"
_COUNTRY_CODE = 2
_LONGEST = 254
_LONGEST_LOCAL_PART = 64


def split_emails(text: str) -> list[str]:
    """
    Return the pieces of a cell that are meant as addresses, as written.

    Names around addresses in angle brackets are dropped; a piece that is no address is kept,
    so that it can be reported.

    :param text: such as ``"Ann <a@x.org>; b@x.org, c@x.org"``
    """
    found = _ANGLES.findall(text)
    if found:
        rest = _SEPARATORS.split(_ANGLES.sub(";", text))
        found += [piece for piece in rest if "@" in piece]
    else:
        found = _SEPARATORS.split(text)
    return [piece for part in found for piece in _at_blanks(part)]


def addresses_in(text: str) -> list[str]:
    """
    Return the addresses of a cell; where it holds anything else, the whole cell comes last.

    It gets blanks between its pieces, so that nobody takes it for one long address.
    """
    pieces = split_emails(text)
    good = [piece for piece in pieces if normal_email(piece)]
    whole = _TIGHT.sub(r"\1 ", text.strip())
    return good if pieces and len(good) == len(pieces) else [*good, whole]


def normal_email(text: str) -> str | None:
    """
    Return the one spelling of an address: small letters, the domain in ASCII.

    :param text: an address, also as ``Name <address>`` or ``mailto:address``
    :return: None where it is no address, or several
    """
    bare = text.strip().lower()
    # what obviously passes need not be parsed: the library takes 40 microseconds per address
    if _PLAIN.fullmatch(bare) and len(bare) <= _LONGEST and "--" not in bare:
        return bare
    return _checked(_unwrapped(text).lower())


def identity_email(email: str) -> str:
    """
    Return what variants of one address share: no tag, at Gmail no dots and one domain.

    A hint only. Most providers ignore what follows a plus sign, but people also use it to tell
    several readers of one mailbox apart.

    :param email: normalised
    """
    local, _, domain = split_tag(email)[0].rpartition("@")
    if domain in ("gmail.com", "googlemail.com"):
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def split_tag(email: str) -> tuple[str, str]:
    """
    Return an address without its tag, and the tag.

    :param email: such as ``ann+news@x.org``, normalised
    """
    local, _, domain = email.rpartition("@")
    name, _, tag = local.partition("+")
    return (f"{name}@{domain}", tag) if name else (email, "")


def domain_of(email: str) -> str:
    """Return what follows the last at sign."""
    return email.rpartition("@")[2]


def is_shared_mailbox(email: str) -> bool:
    """Tell whether an address belongs to a role (info@, sales.de@): it identifies nobody."""
    local = fold(split_tag(email)[0].rpartition("@")[0]).strip(_DIGITS)
    roles = words("shared_mailbox")
    if local in roles or local.isalnum():
        return local in roles
    named = [part.strip(_DIGITS) for part in _PARTS.split(local) if part.strip(_DIGITS)]
    others = [part for part in named if part not in roles]
    few = len(others) < len(named) and all(len(part) == _COUNTRY_CODE for part in others)
    return few or "".join(named) in roles


@lru_cache(maxsize=100_000)
def is_free_mail(domain: str) -> bool:
    """Tell whether anybody can have an address at a domain: it identifies no company."""
    if domain in words("free_mail"):
        return True
    label, _, suffix = domain.partition(".")
    ending = suffix.rpartition(".")[2]
    return label in words("free_mail_labels") and (len(ending) == _COUNTRY_CODE or suffix == "com")


def _at_blanks(part: str) -> list[str]:
    pieces = part.split()
    if len(pieces) > 1 and all("@" in piece for piece in pieces):
        return pieces
    return [" ".join(pieces)] if pieces else []


def _unwrapped(text: str) -> str:
    line = one_line(text)
    if found := _ANGLES.findall(line):
        line = found[0] if len(found) == 1 else ""
    return _MAILTO.sub(r"\1", line.strip("\"'<>,;. ")).strip()


def _checked(bare: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(bare, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    if "." not in checked.domain or len(checked.local_part) > _LONGEST_LOCAL_PART:
        return None
    return f"{checked.local_part}@{checked.ascii_domain}".lower()
