"""A contact as far as it is compared with others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_crm_migration.core.dedupe.agreement import PersonName, person_name
from airflow_crm_migration.core.dedupe.company import company_key
from airflow_crm_migration.core.values.domains import (
    names_no_company,
    own_domain,
    registrable_domain,
)
from airflow_crm_migration.core.values.emails import (
    domain_of,
    is_free_mail,
    is_shared_mailbox,
    normal_email,
    split_emails,
)
from airflow_crm_migration.core.values.phones import phone_key, split_phones
from airflow_crm_migration.core.values.text import fold
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.protocols import Values

_PROFILE = re.compile(r"linkedin\.[a-z.]+/(?:in|pub)/([^/?#\s]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Person:
    """
    A contact taken apart.

    :param mailboxes: addresses that identify somebody
    :param companies: keys of where the person works: domain, name and id of the company
    :param phones: keys of numbers
    :param profile: last part of the address of the LinkedIn profile, empty where unknown
    """

    id: str
    name: PersonName
    mailboxes: tuple[str, ...]
    companies: tuple[str, ...]
    phones: tuple[str, ...]
    profile: str


def person_of(record: Values) -> Person:
    """
    Take a contact apart.

    :param record: typed contact with its id
    """
    emails = _emails(record)
    local_part = emails[0].rpartition("@")[0] if emails else ""
    employer = _employer(
        _text(record, "company_domain"), _text(record, "company"), _text(record, "company_id")
    )
    domains = (key for email in emails if (key := _domain_key(domain_of(email))))
    return Person(
        id=str(record["id"]),
        name=person_name(_text(record, "first_name"), _text(record, "last_name"), local_part),
        mailboxes=tuple(email for email in emails if not is_shared_mailbox(email)),
        companies=tuple(dict.fromkeys((*employer, *domains))),
        phones=tuple(dict.fromkeys(_phones(record))),
        profile=_profile(record),
    )


def _emails(record: Values) -> list[str]:
    found: dict[str, None] = {}
    for text in (*texts(record.get("email")), *texts(record.get("other_emails"))):
        if whole := normal_email(text):
            found[whole] = None
        else:
            found.update((e, None) for piece in split_emails(text) if (e := normal_email(piece)))
    return list(found)


@lru_cache(maxsize=200_000)
def _employer(domain: str, name: str, company_id: str) -> tuple[str, ...]:
    """Return the keys of a company; none where capturing made it of a free-mail domain."""
    own = registrable_domain(domain)
    key = company_key(name)
    if (own and names_no_company(own)) or is_free_mail(f"{key}.com"):
        return ()
    keys = (_domain_key(domain), key and f"name {key}", company_id and f"id {company_id}")
    return tuple(key for key in keys if key)


@lru_cache(maxsize=200_000)
def _domain_key(domain: str) -> str:
    found = own_domain(domain)
    return f"domain {found}" if found else ""


def _phones(record: Values) -> Iterator[str]:
    for text in texts(record.get("phone")):
        for number in split_phones(text):
            if key := phone_key(number):
                yield key


def _profile(record: Values) -> str:
    for text in texts(record.get("linkedin")):
        if found := _PROFILE.search(text):
            return fold(unquote(found.group(1)))
    return ""


def _text(record: Values, field: str) -> str:
    value = record.get(field)
    return value if isinstance(value, str) else " ".join(texts(value))
