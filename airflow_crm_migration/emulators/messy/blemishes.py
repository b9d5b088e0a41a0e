"""Single values of contacts that are wrong or strange, put on records that carry nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.messy.maker import Maker

_BAD_EMAILS = {
    "email_without_at": "{user}.{domain}",
    "email_two_ats": "{user}@@{domain}",
    "email_with_spaces": "{user} at {domain}",
    "email_without_domain": "{user}@",
    "email_placeholder": "n/a",
    "email_two_in_one": "{user}@{domain}, office@{domain}",
}
_BAD_PHONES = {
    "phone_too_short": "12345",
    "phone_letters": "ask Maria",
    "phone_national": "0612 34 56 78",
    "phone_too_long": "+49 30 1234567890123456",
}
_ODD_TEXTS = {
    "first_name": ("emoji", "formula_equals"),
    "last_name": ("very_long_name", "empty"),
    "title": ("right_to_left", "control_characters"),
    "notes": ("newlines_and_quotes", "formula_plus", "html_script"),
}


def blemish_contacts(maker: Maker) -> None:
    """
    Spoil some values of contacts.

    :param maker: of the world, with its contacts
    """
    contacts = maker.world.contacts
    for _ in range(max(1, maker.contacts // 1000)):
        for kind, pattern in _BAD_EMAILS.items():
            contact = contacts[maker.victim("contacts", lambda c: bool(contacts[c].email))]
            user, _, domain = contact.email.partition("@")
            contact.email = pattern.format(user=user, domain=domain)
            maker.bad(kind, "contact", contact.id, "email")
        for kind, phone in _BAD_PHONES.items():
            contact = contacts[maker.victim("contacts")]
            contact.phone, contact.country = phone, ""
            maker.bad(kind, "contact", contact.id, "phone")
        for field, kinds in _ODD_TEXTS.items():
            maker.odd_texts("contacts", field, kinds)
        contact = contacts[maker.victim("contacts")]
        contact.phone = "+1 212 555 0147 ext. 12"
        maker.odd("phone_extension", "contact", contact.id, "phone")
    for _ in range(maker.some(0.002)):
        contact = contacts[maker.victim("contacts")]
        contact.company_id = maker.ghost("c", "gone-example.com")
        contact.company_name, contact.company_domain = "Gone Ltd", "gone-example.com"
        maker.missing("contact", contact.id, "company_id", contact.company_id)
    broken = {c.source_id for c in maker.truth.bad_cells if c.field == "email"}
    maker.linkable = [c for c in maker.linkable if c not in broken]
