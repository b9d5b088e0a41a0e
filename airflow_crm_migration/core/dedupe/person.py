"""A contact as far as it is compared with others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_crm_migration.core.dedupe.agreement import PersonName, person_name
from airflow_crm_migration.core.dedupe.company import company_key
from airflow_crm_migration.core.values.domains import registrable_domain
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
    from collections.abc import Iterator, Sequence

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
    mailboxes: frozenset[str]
    companies: frozenset[str]
    phones: frozenset[str]
    profile: str


def person_of(record: Values) -> Person:
    """
    Take a contact apart.

    :param record: typed contact with its id
    """
    emails = _emails(record)
    local_part = emails[0].rpartition("@")[0] if emails else ""
    return Person(
        id=str(record["id"]),
        name=person_name(_text(record, "first_name"), _text(record, "last_name"), local_part),
        mailboxes=frozenset(email for email in emails if not is_shared_mailbox(email)),
        companies=frozenset(_companies(record, emails)),
        phones=frozenset(_phones(record)),
        profile=_profile(record),
    )


def _emails(record: Values) -> list[str]:
    written = [*texts(record.get("email")), *texts(record.get("other_emails"))]
    found = [normal_email(piece) for text in written for piece in split_emails(text)]
    return [email for email in found if email]


def _companies(record: Values, emails: Sequence[str]) -> Iterator[str]:
    own = registrable_domain(_text(record, "company_domain"))
    domains = {own, *(registrable_domain(domain_of(email)) for email in emails)}
    yield from (f"domain {domain}" for domain in domains if domain and not is_free_mail(domain))
    name = company_key(_text(record, "company"))
    if (own and is_free_mail(own)) or is_free_mail(f"{name}.com"):
        return
    if name:
        yield f"name {name}"
    if record.get("company_id"):
        yield f"id {record['company_id']}"


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
    return " ".join(texts(record.get(field)))
