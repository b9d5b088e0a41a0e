"""The records of an invented customer, in no CRM's own shape."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.truth import Truth

CustomValue = str | Decimal | date | bool
Kind = Literal["contact", "company", "deal", "activity", "note", "file"]
NOW = datetime(2025, 7, 1, tzinfo=UTC)
"""The moment at which the world was exported: nothing in it is younger."""


@dataclass(slots=True)
class User:
    """
    Somebody who works with the source CRM.

    :param email: None where the CRM knows a name only
    :param active: whether the user can still log in
    :param member: whether the destination has a member with this e-mail
    """

    id: str
    name: str
    email: str | None
    active: bool = True
    member: bool = True


@dataclass(slots=True)
class Company:
    """
    A company as the source holds it; several records may be one company.

    :param domain: as it was captured: bare, with ``www.`` or as a URL; empty where unknown
    :param size: range of employees such as ``11-50``
    """

    id: str
    name: str
    domain: str
    created_at: datetime
    updated_at: datetime
    owner_id: str | None
    website: str = ""
    industry: str = ""
    size: str = ""
    revenue: Decimal | None = None
    city: str = ""
    state: str = ""
    country: str = ""
    linkedin: str = ""
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Contact:
    """
    A person as the source holds it; several records may be one human.

    :param company_id: linked company; None where the source knows at most its name or domain
    :param company_name: the company as written on the contact
    :param company_domain: as written on the contact
    :param strength: strength of the relationship in the source's words
    :param notes: the free text field of the contact, not a note of its own
    """

    id: str
    first_name: str
    last_name: str
    email: str
    created_at: datetime
    updated_at: datetime
    owner_id: str | None
    other_emails: list[str] = field(default_factory=list)
    phone: str = ""
    title: str = ""
    company_id: str | None = None
    company_name: str = ""
    company_domain: str = ""
    linkedin: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    strength: str = ""
    last_contacted_at: datetime | None = None
    source: str = ""
    notes: str = ""
    tags: list[str] = field(default_factory=list)
    custom: dict[str, CustomValue] = field(default_factory=dict)


@dataclass(slots=True)
class Deal:
    """
    A deal.

    :param outcome: ``won``, ``lost`` or empty while open
    :param contact_ids: every stakeholder, the primary contact among them
    :param private: whether only its owner sees it
    """

    id: str
    name: str
    pipeline: str
    stage: str
    created_at: datetime
    updated_at: datetime
    owner_id: str | None
    amount: Decimal | None = None
    currency: str = ""
    expected_close: date | None = None
    outcome: str = ""
    closed_at: datetime | None = None
    company_id: str | None = None
    primary_contact_id: str | None = None
    contact_ids: list[str] = field(default_factory=list)
    next_step: str = ""
    private: bool = False
    tags: list[str] = field(default_factory=list)
    custom: dict[str, CustomValue] = field(default_factory=dict)


@dataclass(slots=True)
class Activity:
    """
    Something that happened.

    :param kind: ``email``, ``call``, ``meeting``, ``linkedin``, ``whatsapp``, ``telegram``,
        ``memo``, ``voice_note`` or ``booking_created``
    :param direction: ``inbound``, ``outbound`` or ``internal``
    :param body: HTML for e-mails and meetings, text otherwise
    :param at: when it happened
    :param created_by: user id
    :param duration: seconds of a call or meeting
    :param disposition: how a call ended
    """

    id: str
    kind: str
    direction: str
    title: str
    body: str
    at: datetime
    created_at: datetime
    created_by: str
    contact_ids: list[str] = field(default_factory=list)
    company_ids: list[str] = field(default_factory=list)
    deal_id: str | None = None
    sentiment: str = ""
    duration: int | None = None
    disposition: str = ""


@dataclass(frozen=True, slots=True)
class Parent:
    """
    What a note or a file belongs to.

    :param id: of a record, or of a ghost
    :param by_name: whether the source names it by e-mail, domain or deal name instead of the id
    """

    kind: Kind
    id: str
    by_name: bool = False


@dataclass(slots=True)
class Note:
    """
    A note.

    :param kind: ``manual`` or ``ai_draft``
    :param channel: where an AI draft was to be sent, else empty
    :param draft_status: ``draft``, ``sent`` or ``discarded``, empty for manual notes
    """

    id: str
    author_id: str
    created_at: datetime
    parent: Parent
    content: str
    kind: str = "manual"
    channel: str = ""
    draft_status: str = ""


@dataclass(slots=True)
class File:
    """
    An attachment.

    :param size: in bytes as the source declares it
    :param place: ``file`` (comes with an export), ``missing`` (listed only), ``source`` (the source
        serves it by URL), ``url`` (``url`` leads elsewhere) or ``outside`` (``url`` is a path that
        leaves the export)
    """

    id: str
    parent: Parent
    name: str
    size: int
    content_type: str
    created_at: datetime
    place: str = "file"
    url: str = ""
    head: bytes = b""

    def content(self) -> bytes:
        """
        Make the binary.

        :return: ``size`` bytes, always the same ones
        """
        body = hashlib.shake_256(self.id.encode()).hexdigest(self.size // 2 + 1).encode()
        return (self.head + body)[: self.size]


@dataclass(frozen=True, slots=True)
class CustomColumn:
    """
    A field that the customer added to contacts or deals.

    :param type: ``text``, ``number``, ``date``, ``picklist`` or ``boolean``
    :param options: of a picklist
    """

    kind: Kind
    name: str
    type: str
    options: tuple[str, ...] = ()


@dataclass(slots=True)
class World:
    """
    Everything the customer has in the source CRM, keyed by id, and what is true about it.

    An id is one letter and a number, so that a platform with numeric ids can use the number.

    :param ghosts: ids of records that others name and that are gone, with the e-mail, domain or
        name that they had
    """

    seed: int
    truth: Truth
    users: dict[str, User] = field(default_factory=dict)
    companies: dict[str, Company] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    deals: dict[str, Deal] = field(default_factory=dict)
    activities: dict[str, Activity] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    columns: list[CustomColumn] = field(default_factory=list)
    ghosts: dict[str, str] = field(default_factory=dict)

    def natural_name(self, kind: Kind, record_id: str) -> str:
        """
        Tell how people name a record.

        :param kind: ``contact``, ``company`` or ``deal``
        :param record_id: of a record or a ghost
        :return: the e-mail of a contact, the domain of a company, the name of a deal
        """
        if record_id in self.ghosts:
            return self.ghosts[record_id]
        if kind == "contact":
            return self.contacts[record_id].email
        if kind == "company":
            return self.companies[record_id].domain
        return self.deals[record_id].name

    def named(self, parent: Parent) -> str:
        """
        Tell how the source names a parent.

        :param parent: of a note or a file
        :return: its id or its natural name
        """
        return self.natural_name(parent.kind, parent.id) if parent.by_name else parent.id
