"""Contacts: one human under several records, different humans that look alike, and the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.messy.companies import bare_domain
from airflow_crm_migration.emulators.messy.words import NAMES, WORDS, Name, Region
from airflow_crm_migration.emulators.messy.world import Company, Contact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.messy.maker import Maker

_SOURCES = ("GMAIL", "MICROSOFT", "IMPORT", "LINKEDIN", "WHATSAPP", "TELEGRAM")
_LOCAL_ATTEMPTS, _ATTEMPTS = 8, 40
_LONG_ENOUGH = 5
_PATTERNS = ("{first}.{last}", "{first}{last}", "{initial}{last}", "{first}_{last}")


def make_contacts(maker: Maker) -> None:
    """
    Add the contacts to the world.

    :param maker: of the world, with its companies
    """
    people = _People(maker)
    shares = {
        people.same_email: 0.04,
        people.plus_address: 0.012,
        people.secondary_email: 0.012,
        people.nickname: 0.015,
        people.other_address: 0.015,
        people.shared_mailbox: 0.005,
    }
    for plant, share in shares.items():
        for _ in range(maker.some(share)):
            plant()
    for name in NAMES.common:
        people.equal_name(name)
    while people.left:
        people.somebody()
    maker.world.contacts = dict(sorted(maker.world.contacts.items()))
    maker.linkable = sorted(people.linkable)


class _People:
    """Makes humans and their contact records."""

    def __init__(self, maker: Maker) -> None:
        self.maker = maker
        self.ids = maker.ids("p", maker.contacts)
        self.emails: set[str] = set()
        self.surnames: set[tuple[str, str]] = set()
        self.linkable: set[str] = set()
        self.companies = [maker.world.companies[c] for c in maker.real_companies]
        self.employers = [c for c in self.companies if c.domain]

    @property
    def left(self) -> int:
        return len(self.ids)

    def somebody(self) -> Contact:
        """Make a contact without special relations: employed, private, or without an e-mail."""
        kinds = (self.colleague, self.private, self.unlinked, self.unmailed)
        return self.maker.rng.choices(kinds, (81, 12, 4, 3))[0]()

    def colleague(self) -> Contact:
        """Make a contact at some company."""
        return self.employee(self.maker.one(self.employers))

    def unlinked(self) -> Contact:
        """Make a contact whose company only its domain tells."""
        contact = self.colleague()
        self.maker.truth.implied_companies[contact.id] = contact.company_id or ""
        contact.company_id = None
        contact.company_name = self.maker.one(("", contact.company_name))
        return contact

    def unmailed(self) -> Contact:
        """Make a contact from a messenger, without an e-mail."""
        maker = self.maker
        company = maker.one(self.companies)
        contact = self.contact(*self.colleague_name(company), "", company)
        contact.source = maker.one(_SOURCES[-3:])
        self.linkable.discard(contact.id)
        return contact

    def private(self) -> Contact:
        """Make a contact at a free-mail provider, sometimes filed under a company of that name."""
        maker = self.maker
        first, last = self.name(maker.region(), "")
        number = 10 + int(maker.rng.random() * 90)
        free = maker.one(NAMES.free_mail)
        email = self.address(first, last, free, f".example{number}")
        contact = self.contact(first, last, email, None)
        if maker.chance(0.5):
            known = {maker.world.companies[c].domain: c for c in maker.truth.free_mail_companies}
            self.employ(contact, maker.world.companies[known[free]])
        return contact

    def employee(self, company: Company, name: tuple[Name, Name] | None = None) -> Contact:
        """Make a contact with an address of its company."""
        first, last = name or self.colleague_name(company)
        return self.contact(first, last, self.address(first, last, bare_domain(company)), company)

    def colleague_name(self, company: Company) -> tuple[Name, Name]:
        """Draw a name that nobody at the company has."""
        root = self.maker.siblings.get(company.id, (company.id,))[0]
        return self.name(self.maker.region_of[company.id], root)

    def name(self, region: Region, root: str) -> tuple[Name, Name]:
        """Draw a name; no two humans of one company get one surname by accident."""
        maker = self.maker
        for attempt in range(_ATTEMPTS):
            place = region if attempt < _LOCAL_ATTEMPTS else maker.one(NAMES.regions)
            first, last = maker.one(place.first), maker.one(place.last)
            key = (root or first.ascii, last.ascii)
            if key not in self.surnames:
                break
        self.surnames.add(key)
        return first, last

    def address(self, first: Name, last: Name, domain: str, ending: str = "") -> str:
        """Make an e-mail address that nobody has yet."""
        parts = {"first": first.ascii, "last": last.ascii, "initial": first.ascii[0]}
        stem = self.maker.one(_PATTERNS).format(**parts) + ending
        email, number = f"{stem}@{domain}", 2
        while email in self.emails:
            email, number = f"{stem}{number}@{domain}", number + 1
        self.emails.add(email)
        return email

    def contact(self, first: Name, last: Name, email: str, company: Company | None) -> Contact:
        """Make a record."""
        maker = self.maker
        created = maker.moment()
        region = maker.region_of[company.id] if company else maker.region()
        contact_id = self.ids.pop()
        profile = f"https://www.linkedin.com/in/{first.ascii}-{last.ascii}-{contact_id}"
        contact = Contact(
            id=contact_id,
            first_name=first.text,
            last_name=last.text,
            email=email,
            created_at=created,
            updated_at=maker.moment(created),
            owner_id=maker.owner(),
            phone=self.phone(region) if maker.chance(0.6) else "",
            title=maker.one(WORDS.titles),
            linkedin=profile if maker.chance(0.2) else "",
            city=maker.one(region.cities) if maker.chance(0.4) else "",
            state=region.state if maker.chance(0.3) else "",
            country=region.country if maker.chance(0.6) else "",
            strength=maker.one(WORDS.strengths),
            last_contacted_at=maker.moment(created) if maker.chance(0.7) else None,
            source=maker.one(_SOURCES),
            tags=maker.tags(0.3),
        )
        if company:
            self.employ(contact, company)
        maker.world.contacts[contact.id] = contact
        self.linkable.add(contact.id)
        return contact

    def employ(self, contact: Contact, company: Company) -> None:
        contact.company_id = company.id
        contact.company_name = company.name
        contact.company_domain = company.domain

    def phone(self, region: Region) -> str:
        digits = iter(f"{int(self.maker.rng.random() * 10**8):08d}")
        text = "".join(next(digits) if c == "#" else c for c in region.phone)
        forms = (text, text, text.replace(" ", ""), text.replace(" ", "-"), f"00{text[1:]}")
        return self.maker.one(forms)

    def again(self, contact: Contact, email: str) -> Contact:
        """Make another record of the same human, perhaps under another record of the company."""
        company_id = contact.company_id or ""
        company_id = self.maker.one(self.maker.siblings.get(company_id, (company_id,)))
        company = self.maker.world.companies[company_id]
        name = Name(contact.first_name, "again"), Name(contact.last_name, "again")
        other = self.contact(*name, email, company)
        other.linkedin = ""
        return other

    def same_email(self) -> None:
        """Make records of one human with one address under several spellings of the name."""
        maker = self.maker
        original = self.employee(maker.one(self.employers))
        members = [original]
        for _ in range(maker.one((1, 1, 1, 2))):
            other = self.again(original, maker.one(_casings(original.email)))
            other.first_name, other.last_name = maker.one(list(_spellings(original)))
            members.append(other)
        maker.same_person("same_email", members)

    def plus_address(self) -> None:
        """Make a human who also appears under an address with a tag."""
        original = self.employee(self.maker.one(self.employers))
        user, _, domain = original.email.partition("@")
        tagged = f"{user}+{self.maker.one(('crm', 'news', 'Events'))}@{domain}"
        self.maker.same_person("plus_address", [original, self.again(original, tagged)])

    def secondary_email(self) -> None:
        """Make a human whose private address is the second one of the record at work."""
        maker = self.maker
        original = self.employee(maker.one(self.employers))
        user = original.email.partition("@")[0]
        private = f"{user}.example{len(maker.world.contacts)}@{maker.one(NAMES.free_mail)}"
        other = self.again(original, private)
        other.company_id, other.company_name, other.company_domain = None, "", ""
        original.other_emails = [f"{user}@old-{original.email.partition('@')[2]}", private]
        maker.same_person("secondary_email", [original, other])

    def nickname(self) -> None:
        """Make a human who is Robert in one record and Bob in another."""
        formal, short = self.maker.one(list(NAMES.nicknames.items()))
        company = self.maker.one(self.employers)
        _, last = self.colleague_name(company)
        original = self.employee(company, (Name(formal, formal.lower()), last))
        address = self.address(Name(short, short.lower()), last, bare_domain(company))
        other = self.again(original, address)
        other.first_name = short
        self.maker.same_person("nickname", [original, other])

    def other_address(self) -> None:
        """Make a human with two addresses at one company."""
        original = self.employee(self.maker.one(self.employers))
        user, _, domain = original.email.partition("@")
        address = f"{user}@{self.maker.one(('eu.', 'mail.', 'corp.'))}{domain}"
        self.maker.same_person("other_address", [original, self.again(original, address)])

    def equal_name(self, name: tuple[Name, Name]) -> None:
        """Make different humans of one name at different companies."""
        single = [c for c in self.employers if c.id not in self.maker.siblings]
        companies = self.maker.rng.sample(single, self.maker.some(0.0025))
        members = [self.employee(company, name) for company in companies]
        self.maker.different_people("equal_name", members)

    def shared_mailbox(self) -> None:
        """Make several humans, and sometimes the mailbox itself, under one role address."""
        maker = self.maker
        company = maker.one(self.employers)
        address = f"{maker.one(NAMES.roles)}@{bare_domain(company)}"
        if address in self.emails:
            return
        self.emails.add(address)
        members = [
            self.contact(*self.colleague_name(company), address, company)
            for _ in range(maker.one((2, 2, 3, 4)))
        ]
        if maker.chance(0.5):
            team = Name(address.partition("@")[0].title(), "team")
            members.append(self.contact(team, Name("", ""), address, company))
        maker.truth.shared_mailboxes[address] = frozenset(m.id for m in members)
        maker.different_people("shared_mailbox", members)
        self.linkable -= {m.id for m in members}


def _casings(email: str) -> tuple[str, ...]:
    """List ways in which one address is written."""
    user, _, domain = email.partition("@")
    return email, email, email.upper(), f"{user.title()}@{domain}", f" {email} "


def _spellings(contact: Contact) -> Iterator[tuple[str, str]]:
    """Yield other ways in which mail headers spell a name."""
    first, last = contact.first_name, contact.last_name
    yield first.upper(), last.upper()
    yield first.lower(), last.lower()
    yield f"{last}, {first}", ""
    yield last, first
    yield f"Dr. {first}", last
    yield f"{first} ", f" {last}"
    yield contact.email.partition("@")[0], ""
    yield first[:1] + ".", last
    if len(last) >= _LONG_ENOUGH:
        yield first, last[:2] + last[3] + last[2] + last[4:]
