"""Klipy's objects and fields, parents first, as one table.

Column names are those of the CSV set that customers are asked for; keys of the API are those of its
public reference and of its webhooks, the only published shapes of people and companies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT = FieldType.TEXT
_LONG = FieldType.LONG_TEXT
_NUMBER = FieldType.NUMBER
_DATETIME = FieldType.DATETIME
_SET = FieldType.MULTI_SELECT


def _object(
    name: str, label: str, fields: list[FieldSpec], *, csv_name: str, custom_fields: bool = False
) -> ObjectSpec:
    by_name = {f.name: f for f in fields}
    return ObjectSpec(name, label, by_name, csv_name=csv_name, custom_fields=custom_fields)


def _field(name: str, kind: FieldType, header: str | None, *, required: bool = False) -> FieldSpec:
    return FieldSpec(name, kind, header or name, required=required, header=header)


_PLACE = [
    _field("city", _TEXT, "City"),
    _field("state", _TEXT, "State"),
    _field("country", _TEXT, "Country"),
    _field("linkedin", FieldType.LINKS, "LinkedIn URL"),
]
_KEEPING = [
    _field("owner", _TEXT, "Owner"),
    FieldSpec("tags", _SET, "Tags", header="Tags", separator=","),
    _field("created_at", _DATETIME, "Created At"),
    _field("updated_at", _DATETIME, "Updated At"),
]

_COMPANY = _object(
    "company",
    "Company",
    [
        _field("id", _TEXT, "Company ID"),
        _field("name", _TEXT, "Company Name", required=True),
        _field("domain", _TEXT, "Domain"),
        _field("website", FieldType.LINKS, "Website"),
        _field("industry", _TEXT, "Industry"),
        _field("size", _TEXT, "Size"),
        _field("estimated_revenue", _NUMBER, "Estimated Revenue"),
        *_PLACE,
        *_KEEPING,
    ],
    csv_name="companies.csv",
)

_CONTACT = _object(
    "contact",
    "Contact",
    [
        _field("id", _TEXT, "Contact ID"),
        _field("first_name", _TEXT, "First Name", required=True),
        _field("last_name", _TEXT, "Last Name", required=True),
        _field("email", FieldType.EMAILS, "Email", required=True),
        _field("other_emails", FieldType.EMAILS, "Other Emails"),
        _field("phone", FieldType.PHONES, "Phone"),
        _field("title", _TEXT, "Title"),
        _field("company", _TEXT, "Company"),
        _field("company_id", _TEXT, "Company ID"),
        _field("company_domain", _TEXT, "Company Domain"),
        _field("company_industry", _TEXT, None),
        _field("company_size", _TEXT, None),
        _field("company_revenue", _NUMBER, None),
        *_PLACE,
        _field("relationship_strength", _TEXT, "Relationship Strength"),
        _field("last_contacted_at", _DATETIME, "Last Contacted At"),
        _field("source", _TEXT, "Source"),
        _field("notes", _LONG, "Notes"),
        *_KEEPING,
    ],
    csv_name="contacts.csv",
    custom_fields=True,
)

_DEAL = _object(
    "deal",
    "Deal",
    [
        _field("id", _TEXT, "Deal ID"),
        _field("name", _TEXT, "Deal Name", required=True),
        _field("pipeline", _TEXT, "Pipeline"),
        _field("stage", _TEXT, "Stage", required=True),
        _field("estimated_value", _NUMBER, "Estimated Value"),
        _field("currency", _TEXT, "Currency"),
        _field("estimated_close_date", FieldType.DATE, "Estimated Close Date"),
        _field("outcome", _TEXT, "Outcome"),
        _field("company", _TEXT, "Company"),
        _field("company_domain", _TEXT, "Company Domain"),
        _field("primary_contact_email", FieldType.EMAILS, "Primary Contact Email"),
        _field("contact_emails", FieldType.EMAILS, "Contact Emails (;)"),
        _field("next_step", _LONG, "Next Step"),
        _field("is_private", FieldType.BOOLEAN, "Is Private"),
        _field("closed_at", _DATETIME, "Closed At"),
        *_KEEPING,
    ],
    csv_name="deals.csv",
    custom_fields=True,
)

_ACTIVITY = _object(
    "activity",
    "Activity",
    [
        _field("id", _TEXT, "Interaction ID"),
        _field("type", _TEXT, "Type", required=True),
        _field("direction", _TEXT, "Direction"),
        _field("source", _TEXT, "Source"),
        _field("title", _TEXT, "Title"),
        _field("summary", _LONG, "Summary"),
        _field("sentiment", _TEXT, "Sentiment"),
        _field("contact_ids", _SET, None),
        _field("contact_emails", FieldType.EMAILS, "Contact Emails (;)"),
        _field("company_ids", _SET, None),
        _field("company_domains", _SET, "Company Domains (;)"),
        _field("deal_id", _TEXT, "Deal ID"),
        _field("created_by_id", _TEXT, None),
        _field("created_by", _TEXT, "Created By"),
        _field("interaction_date", _DATETIME, "Interaction Date", required=True),
        _field("duration", _NUMBER, "Duration (s)"),
        _field("disposition", _TEXT, "Disposition"),
        _field("created_at", _DATETIME, "Created At"),
    ],
    csv_name="activities.csv",
)

_NOTE = _object(
    "note",
    "Note",
    [
        _field("id", _TEXT, "Note ID"),
        _field("author", _TEXT, "Author Email"),
        _field("created_at", _DATETIME, "Created At"),
        _field("parent_type", _TEXT, "Parent Type", required=True),
        _field("parent", _TEXT, "Parent (id|email|domain|deal name)", required=True),
        _field("kind", _TEXT, "Kind (manual|ai_draft)"),
        _field("channel", _TEXT, "Channel"),
        _field("draft_status", _TEXT, "Draft Status"),
        _field("content", _LONG, "Content", required=True),
    ],
    csv_name="notes.csv",
)

_TAG = _object(
    "tag",
    "Tag",
    [
        _field("id", _TEXT, "Tag ID"),
        _field("parent_type", _TEXT, "Parent Type", required=True),
        _field("parent_id", _TEXT, "Parent ID", required=True),
        _field("tag", _TEXT, "Tag", required=True),
    ],
    csv_name="tags.csv",
)

_ATTACHMENT = _object(
    "attachment",
    "Attachment",
    [
        _field("id", _TEXT, "Attachment ID"),
        _field("parent_type", _TEXT, "Parent Type", required=True),
        _field("parent_id", _TEXT, "Parent ID", required=True),
        _field("file_name", _TEXT, "File Name", required=True),
        _field("path", _TEXT, "Path/URL", required=True),
        _field("size", _NUMBER, "Size"),
        _field("content_type", _TEXT, "Content Type"),
        _field("created_at", _DATETIME, "Created At"),
    ],
    csv_name="attachments.csv",
)

OBJECTS: Mapping[str, ObjectSpec] = {
    spec.name: spec for spec in (_COMPANY, _CONTACT, _DEAL, _ACTIVITY, _NOTE, _TAG, _ATTACHMENT)
}
"""Every object by name; none refers to one that comes later."""

_PERSON_KEYS = ("id", "first_name", "last_name", "email", "title", "company_domain")
_COMPANY_KEYS = ("id", "name", "domain", "industry", "estimated_revenue")
_PLACE_KEYS = ("city", "state", "country", "linkedin")
_INTERACTION_KEYS = ("id", "type", "direction", "source", "title", "summary", "sentiment")

API_KEYS: Mapping[str, Mapping[str, str]] = {
    "contact": {k: k for k in (*_PERSON_KEYS, *_PLACE_KEYS)}
    | {
        "company_name": "company",
        "industry": "company_industry",
        "employee_count": "company_size",
        "estimated_revenue": "company_revenue",
    },
    "company": {k: k for k in (*_COMPANY_KEYS, *_PLACE_KEYS)} | {"employee_count": "size"},
    "activity": {k: k for k in _INTERACTION_KEYS}
    | {
        "contacts": "contact_ids",
        "companies": "company_ids",
        "createdBy": "created_by_id",
        "creationTime": "created_at",
        "interactionDate": "interaction_date",
    },
}
"""Object -> key of the API -> field; whatever else the API sends is kept as undeclared."""
