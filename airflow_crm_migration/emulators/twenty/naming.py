"""Names and options that Twenty accepts for fields and objects."""

from __future__ import annotations

import re
import uuid
from typing import Any

from airflow_crm_migration.emulators.twenty.errors import ApiError

MAXIMUM_LENGTH = 63
_NAME = re.compile(r"[a-z][a-zA-Z0-9]*")
_OPTION_VALUE = re.compile(r"[A-Z][A-Z0-9_]*")
_RESERVED = frozenset({
    "address", "addresses", "aggregate", "aggregates", "apiKey", "apiKeys", "appToken",
    "appTokens", "approvedAccessDomain", "billing", "billingCustomer", "billingCustomers",
    "billingEntitlement", "billingEntitlements", "billingMeter", "billingMeters", "billingPrice",
    "billingPrices", "billingProduct", "billingProducts", "billingSubscription",
    "billingSubscriptionItem", "billingSubscriptionItems", "billingSubscriptions", "currencies",
    "currency", "event", "events", "featureFlag", "featureFlags", "field", "fieldMetadata",
    "fields", "fullName", "fullNames", "index", "indexMetadata", "indexes", "job", "jobs",
    "keyValuePair", "keyValuePairs", "link", "links", "object", "objectMetadata", "objects",
    "pageLayout", "pageLayouts", "plan", "plans", "postgresCredential", "postgresCredentials",
    "relation", "relationMetadata", "relations", "role", "roles", "search", "searches", "type",
    "types", "user", "userWorkspace", "userWorkspaces", "users", "view", "viewField",
    "viewFields", "viewFilter", "viewFilters", "views", "workspace", "workspaces",
})  # fmt: skip


class Invalid(Exception):
    """Something that the metadata API refuses.

    :param message: what the server says
    :param value: that is refused
    :param code: of the finding
    """

    def __init__(self, message: str, value: Any, code: str = "INVALID_FIELD_INPUT") -> None:
        super().__init__(message)
        self.finding = {
            "code": code,
            "value": value,
            "message": message,
            "userFriendlyMessage": message,
        }


def check_name(name: str, taken: set[str]) -> None:
    """Check the name of a field or object.

    :param name: wanted
    :param taken: names and columns that are in use
    :raises Invalid: when it cannot be used
    """
    if len(name) > MAXIMUM_LENGTH:
        raise Invalid(f"Name is too long: it exceeds the {MAXIMUM_LENGTH} characters limit", name)
    if not _NAME.fullmatch(name):
        raise Invalid(
            "Name is not valid: it must start with lowercase letter "
            "and contain only alphanumeric letters",
            name,
        )
    if name in _RESERVED:
        raise Invalid(
            'This name is reserved. Use a different name or the system will add "Custom" suffix.',
            name,
        )
    if name in taken:
        raise not_available(name)


def not_available(name: str) -> Invalid:
    """Refuse a name that is in use.

    :param name: wanted
    :return: the error to raise
    """
    message = f'Name "{name}" is not available as it is already used by another field'
    return Invalid(message, name, "NOT_AVAILABLE")


def check_synced(name: str, label: str) -> None:
    """Check a name that is to follow its label.

    :param name: of the field
    :param label: of the field
    :raises Invalid: when it does not
    """
    if name != camel(label):
        raise Invalid(f'Name is not synced with label. Expected name: "{camel(label)}"', name)


def camel(label: str) -> str:
    """Make a name of a label.

    :param label: for people
    :return: camelCase
    """
    words: list[str] = re.findall(r"[A-Za-z0-9]+", label) or [""]
    first, *rest = words
    return first[:1].lower() + first[1:] + "".join(w[:1].upper() + w[1:] for w in rest)


def check_options(sent: Any, known_ids: set[str]) -> list[dict[str, Any]]:
    """Check the options of a field.

    :param sent: what the client sent
    :param known_ids: of the options that the field has; others get a new id
    :return: complete options in the order of their positions
    :raises Invalid: when one cannot be used
    """
    if not isinstance(sent, list) or not sent:
        raise Invalid("Options are required for enum fields", sent)
    made = [_option(at, option, known_ids) for at, option in enumerate(sent)]
    for key in ("value", "position"):
        values = [option[key] for option in made]
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            raise Invalid(f"Duplicated option {key} {twice}", twice)
    return sorted(made, key=lambda option: option["position"])


def rating_options() -> list[dict[str, Any]]:
    """Make the options that every rating has.

    :return: RATING_1 to RATING_5
    """
    return [
        {"id": str(uuid.uuid4()), "label": str(n), "value": f"RATING_{n}", "position": n - 1}
        for n in range(1, 6)
    ]


def unquoted(default: Any) -> Any:
    """Take the quotes off a default, which the server demands around text.

    :param default: what the client sent
    :return: the value
    :raises ApiError: 500, as the server does for text without quotes
    """
    if isinstance(default, list):
        return [unquoted(d) for d in default]
    if not isinstance(default, str):
        return default
    quoted = re.fullmatch(r"'(.*)'", default, re.DOTALL)
    if not quoted:
        raise ApiError("Internal server error", 500, "InternalServerErrorException")
    return quoted[1]


def _option(at: int, sent: Any, known_ids: set[str]) -> dict[str, Any]:
    value, label = sent.get("value"), sent.get("label")
    if not isinstance(label, str) or not label.strip():
        raise Invalid("Label is required", label)
    if "," in label:
        raise Invalid("Label must not contain a comma", label)
    if not isinstance(value, str) or not _OPTION_VALUE.fullmatch(value):
        raise Invalid(f'Value must be in UPPER_CASE and follow snake_case "{value}"', value)
    for name, text in (("Label", label), ("Value", value)):
        if len(text) > MAXIMUM_LENGTH:
            raise Invalid(f"{name} exceeds {MAXIMUM_LENGTH} characters", text)
    known = sent.get("id") if sent.get("id") in known_ids else None
    return {
        "id": known or str(uuid.uuid4()),
        "color": sent.get("color", "gray"),
        "label": label,
        "value": value,
        "position": sent.get("position", at),
    }
