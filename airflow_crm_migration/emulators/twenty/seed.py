"""What sign-up leaves in a new workspace: members and demo records."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.twenty.workspace import SYSTEM_ACTOR, Caller
from airflow_crm_migration.emulators.twenty.writes import insert

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

SETUP = Caller(actor={**SYSTEM_ACTOR, "source": "SYSTEM"}, watched=False)

_DEMO = (
    ("Airbnb", "airbnb.com", "Brian", "Chesky"),
    ("Anthropic", "anthropic.com", "Dario", "Amodei"),
    ("Stripe", "stripe.com", "Patrick", "Collison"),
    ("Figma", "figma.com", "Dylan", "Field"),
    ("Notion", "notion.com", "Ivan", "Zhao"),
)
_DEALS = (
    ("Airbnb rollout", 0, "NEW"),
    ("Anthropic pilot", 1, "SCREENING"),
    ("Stripe integration", 2, "MEETING"),
    ("Figma renewal", 3, "PROPOSAL"),
    ("Notion expansion", 4, "CUSTOMER"),
    ("Airbnb second team", 0, "NEW"),
)
_WORKFLOWS = ("Quick Lead", "Create company when adding a new person")
_MICROS = 1_000_000


def add_member(workspace: Workspace, email: str, first: str, last: str) -> Row:
    """Add a member, as accepting an invitation does.

    :param workspace: where
    :param email: of the member
    :param first: name
    :param last: name
    :return: the member's record
    """
    row: dict[str, Any] = {
        "name": {"firstName": first, "lastName": last},
        "userEmail": email.lower(),
        "userId": str(uuid.uuid4()),
        "position": 0,
        "createdBy": SYSTEM_ACTOR,
    }
    workspace.invitations.pop(email.lower(), None)
    return insert(workspace, workspace.schema.objects["workspaceMember"], [row], SETUP)[0]


def add_demo(workspace: Workspace) -> None:
    """Add the demo records, which collide with imported domains.

    :param workspace: where
    """
    companies = _insert(workspace, "company", [_company(n, domain) for n, domain, *_ in _DEMO])
    people = _insert(
        workspace,
        "person",
        [
            {
                "name": {"firstName": first, "lastName": last},
                "emails": {"primaryEmail": f"{last.lower()}@{domain}", "additionalEmails": []},
                "companyId": company["id"],
            }
            for (_, domain, first, last), company in zip(_DEMO, companies, strict=True)
        ],
    )
    _insert(
        workspace,
        "opportunity",
        [
            {
                "name": name,
                "stage": stage,
                "amount": {"amountMicros": (n + 1) * 10_000 * _MICROS, "currencyCode": "USD"},
                "companyId": companies[at]["id"],
                "pointOfContactId": people[at]["id"],
            }
            for n, (name, at, stage) in enumerate(_DEALS)
        ],
    )
    _insert(workspace, "workflow", [{"name": n, "statuses": ["DRAFT"]} for n in _WORKFLOWS])
    _insert(workspace, "dashboard", [{"title": "My First Dashboard"}])


def _company(name: str, domain: str) -> Row:
    link = {"primaryLinkLabel": "", "primaryLinkUrl": f"https://{domain}", "secondaryLinks": []}
    return {"name": name, "domainName": link}


def _insert(workspace: Workspace, name: str, rows: list[Row]) -> list[Row]:
    return insert(workspace, workspace.schema.objects[name], rows, SETUP)
