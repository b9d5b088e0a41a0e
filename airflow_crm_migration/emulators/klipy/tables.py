"""
Columns of a CSV export of Klipy.

No export is documented; these are the columns of its import templates and webhooks, completed by
the habits of comparable products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_crm_migration.emulators.messy import (
        Activity,
        Company,
        Contact,
        Deal,
        Note,
        World,
    )

PARENT_TYPES = {
    "contact": "Contact",
    "company": "Company",
    "deal": "Deal",
    "activity": "Activity",
    "note": "Note",
}
SOURCES = {
    "email": "EMAIL",
    "call": "PHONE",
    "meeting": "CALENDAR",
    "linkedin": "LINKEDIN",
    "whatsapp": "WHATSAPP",
    "telegram": "TELEGRAM",
    "booking_created": "CALENDAR",
}
"""Kind of activity -> where Klipy captured it; what is missing was entered by hand."""

_AMERICAN = "MM/DD/YYYY hh:mm A"
_EUROPEAN = "DD/MM/YYYY HH:mm"
DATE_FORMATS: dict[str, dict[str, str]] = {
    "contacts.csv": {
        "Last Contacted At": "YYYY-MM-DD HH:mm",
        "Created At": "iso",
        "Updated At": "iso",
        "Birthday": "DD.MM.YYYY",
    },
    "companies.csv": {"Created At": _AMERICAN, "Updated At": _AMERICAN},
    "deals.csv": {
        "Estimated Close Date": "DD/MM/YYYY",
        "Closed At": _EUROPEAN,
        "Created At": _EUROPEAN,
        "Updated At": _EUROPEAN,
        "Renewal Date": "MM/DD/YYYY",
    },
    "activities.csv": {"Interaction Date": "iso", "Created At": "iso"},
    "notes.csv": {"Created At": "YYYY/MM/DD HH:mm"},
    "attachments.csv": {"Created At": "DD-MM-YYYY HH:mm"},
}
"""The one format of each column with dates; times are UTC."""


@dataclass(frozen=True, slots=True)
class Column:
    """
    One column.

    :param field: attribute of the record that it shows
    :param value: makes the cell's value when the attribute itself is not it
    """

    header: str
    field: str
    value: Callable[[World, Any], Any] | None = None


def owner(world: World, user_id: str | None) -> str:
    """
    Name a user.

    :param world: of the user
    :param user_id: None for nobody
    :return: the e-mail, or the name where there is none
    """
    if user_id is None:
        return ""
    user = world.users[user_id]
    return user.email or user.name


def _owner(world: World, record: Contact | Company) -> str:
    return owner(world, record.owner_id)


def _owner_name(world: World, deal: Deal) -> str:
    return world.users[deal.owner_id].name if deal.owner_id else ""


def _tags(_: World, record: Contact | Company) -> str:
    # A comma separates here, so only tags.csv can hold a tag that has one.
    return ", ".join(tag for tag in record.tags if "," not in tag)


def _company_name(world: World, deal: Deal) -> str:
    return world.companies[deal.company_id].name if deal.company_id else ""


def _company_domain(world: World, deal: Deal) -> str:
    return world.companies[deal.company_id].domain if deal.company_id else ""


def _primary_email(world: World, deal: Deal) -> str:
    contact_id = deal.primary_contact_id
    return world.natural_name("contact", contact_id) if contact_id else ""


def _emails(world: World, record: Deal | Activity) -> str:
    return ";".join(world.natural_name("contact", c) for c in record.contact_ids)


def _domains(world: World, activity: Activity) -> str:
    domains = (world.companies[c].domain for c in activity.company_ids)
    return ";".join(d for d in domains if d)


def _named(world: World, note: Note) -> str:
    return world.named(note.parent)


CONTACTS = (
    Column("Contact ID", "id"),
    Column("First Name", "first_name"),
    Column("Last Name", "last_name"),
    Column("Email", "email"),
    Column("Other Emails", "other_emails", lambda _, c: ";".join(c.other_emails)),
    Column("Phone", "phone"),
    Column("Title", "title"),
    Column("Company", "company_name"),
    Column("Company ID", "company_id"),
    Column("Company Domain", "company_domain"),
    Column("LinkedIn URL", "linkedin"),
    Column("City", "city"),
    Column("State", "state"),
    Column("Country", "country"),
    Column("Owner", "owner_id", _owner),
    Column("Tags", "tags", _tags),
    Column("Relationship Strength", "strength"),
    Column("Last Contacted At", "last_contacted_at"),
    Column("Source", "source"),
    Column("Notes", "notes"),
    Column("Created At", "created_at"),
    Column("Updated At", "updated_at"),
)
COMPANIES = (
    Column("Company ID", "id"),
    Column("Company Name", "name"),
    Column("Domain", "domain"),
    Column("Website", "website"),
    Column("Industry", "industry"),
    Column("Size", "size"),
    Column("Estimated Revenue", "revenue"),
    Column("City", "city"),
    Column("State", "state"),
    Column("Country", "country"),
    Column("LinkedIn URL", "linkedin"),
    Column("Owner", "owner_id", _owner),
    Column("Tags", "tags", _tags),
    Column("Created At", "created_at"),
    Column("Updated At", "updated_at"),
)
DEALS = (
    Column("Deal ID", "id"),
    Column("Deal Name", "name"),
    Column("Pipeline", "pipeline"),
    Column("Stage", "stage"),
    Column("Estimated Value", "amount"),
    Column("Currency", "currency"),
    Column("Estimated Close Date", "expected_close"),
    Column("Outcome", "outcome", lambda _, d: d.outcome.title()),
    Column("Owner", "owner_id", _owner_name),
    Column("Company", "company_id", _company_name),
    Column("Company Domain", "company_id", _company_domain),
    Column("Primary Contact Email", "primary_contact_id", _primary_email),
    Column("Contact Emails (;)", "contact_ids", _emails),
    Column("Next Step", "next_step"),
    Column("Is Private", "private"),
    Column("Closed At", "closed_at"),
    Column("Created At", "created_at"),
    Column("Updated At", "updated_at"),
)
ACTIVITIES = (
    Column("Interaction ID", "id"),
    Column("Type", "kind", lambda _, a: a.kind.upper()),
    Column("Direction", "direction", lambda _, a: a.direction.upper()),
    Column("Source", "kind", lambda _, a: SOURCES.get(a.kind, "MANUAL")),
    Column("Title", "title"),
    Column("Summary", "body"),
    Column("Sentiment", "sentiment"),
    Column("Contact Emails (;)", "contact_ids", _emails),
    Column("Company Domains (;)", "company_ids", _domains),
    Column("Deal ID", "deal_id"),
    Column("Created By", "created_by", lambda w, a: owner(w, a.created_by)),
    Column("Interaction Date", "at"),
    Column("Duration (s)", "duration"),
    Column("Disposition", "disposition"),
    Column("Created At", "created_at"),
)
NOTES = (
    Column("Note ID", "id"),
    Column("Author Email", "author_id", lambda w, n: owner(w, n.author_id)),
    Column("Created At", "created_at"),
    Column("Parent Type", "parent", lambda _, n: PARENT_TYPES[n.parent.kind]),
    Column("Parent (id|email|domain|deal name)", "parent", _named),
    Column("Kind (manual|ai_draft)", "kind"),
    Column("Channel", "channel"),
    Column("Draft Status", "draft_status"),
    Column("Content", "content"),
)
TAGS = (
    Column("Parent Type", "kind", lambda _, t: PARENT_TYPES[t.kind]),
    Column("Parent ID", "id"),
    Column("Tag", "text"),
)
ATTACHMENTS = (
    Column("Attachment ID", "id"),
    Column("Parent Type", "parent", lambda _, f: PARENT_TYPES[f.parent.kind]),
    Column("Parent ID", "parent", lambda _, f: f.parent.id),
    Column("File Name", "name"),
    Column("Path/URL", "place"),
    Column("Size", "size"),
    Column("Content Type", "content_type"),
    Column("Created At", "created_at"),
)
