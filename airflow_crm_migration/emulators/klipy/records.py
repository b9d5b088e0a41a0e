"""
Records as Klipy's API gives them.

People and companies have the keys of the published webhooks, the only shapes of them that are
published; interactions have those of the API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.klipy.tables import SOURCES

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_crm_migration.emulators.messy import Activity, Company, Contact, World

_TYPES = {
    "email": "EMAIL",
    "call": "MANUAL",
    "meeting": "MEETING",
    "linkedin": "DIRECT_MESSAGE",
    "whatsapp": "DIRECT_MESSAGE",
    "telegram": "DIRECT_MESSAGE",
    "memo": "MEMO",
    "voice_note": "VOICE_NOTE",
    "booking_created": "BOOKING_CREATED",
}


def person(world: World, contact: Contact) -> dict[str, Any]:
    """
    Render a contact.

    :param world: of the contact
    :param contact: what to render
    :return: the record; company figures are those of the linked company
    """
    company = world.companies.get(contact.company_id or "")
    return {
        "id": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email or None,
        "title": contact.title or None,
        "company_name": contact.company_name or None,
        "company_domain": contact.company_domain or None,
        **_figures(company),
        "city": contact.city or None,
        "state": contact.state or None,
        "country": contact.country or None,
        "linkedin": contact.linkedin or None,
    }


def company(_: World, company: Company) -> dict[str, Any]:
    """
    Render a company.

    :param company: what to render
    :return: the record
    """
    return {
        "id": company.id,
        "name": company.name,
        "domain": company.domain or None,
        **_figures(company),
        "city": company.city or None,
        "state": company.state or None,
        "country": company.country or None,
        "linkedin": company.linkedin or None,
    }


def interaction(_: World, activity: Activity) -> dict[str, Any]:
    """
    Render an activity.

    :param activity: what to render
    :return: the record, which knows neither a deal nor a duration
    """
    return {
        "id": activity.id,
        "companies": activity.company_ids,
        "contacts": activity.contact_ids,
        "direction": activity.direction.upper(),
        "sentiment": activity.sentiment or None,
        "source": SOURCES.get(activity.kind, "MANUAL"),
        "summary": activity.body,
        "title": activity.title,
        "type": _TYPES[activity.kind],
        "createdBy": activity.created_by,
        "creationTime": _time(activity.created_at),
        "interactionDate": _time(activity.at),
    }


def _figures(company: Company | None) -> dict[str, Any]:
    if company is None:
        return {"industry": None, "employee_count": None, "estimated_revenue": None}
    return {
        "industry": company.industry or None,
        "employee_count": company.size or None,
        "estimated_revenue": None if company.revenue is None else int(company.revenue),
    }


def _time(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
