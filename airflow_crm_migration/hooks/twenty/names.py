"""Names that Twenty accepts, made from labels in any script; the same label gives the same name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_crm_migration.core.fields import Option

# Longest option value, option label and (with room for the Id of a join column) field name.
_LONGEST = 63
_LONGEST_NAME = 60
_WORD = re.compile(r"[A-Za-z0-9]+")
# Latin letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D"}
    | {"ð": "d", "Ð": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "TH"}
)
# Read in the source of twenty-shared (reserved-metadata-name-keywords) and observed on 2.21.
_RESERVED_WORDS = """
address addresses aggregate aggregates apiKey apiKeys appToken appTokens approvedAccessDomain
approvedAccessDomains billingCustomer billingCustomers billingEntitlement billingEntitlements
billingMeter billingMeters billingProduct billingProducts billingSubscription
billingSubscriptions billingSubscriptionItem billingSubscriptionItems currencies currency event
events featureFlag featureFlags field fields fullName fullNames index indexes indices job jobs
keyValuePair keyValuePairs link links object objects pageLayout pageLayouts pageLayoutTab
pageLayoutTabs pageLayoutWidget pageLayoutWidgets plan plans postgresCredential
postgresCredentials relation relations role roles search searches twoFactorMethod
twoFactorMethods type types user users userWorkspace userWorkspaces userWorkspaceRole
userWorkspaceRoles view views viewField viewFields viewFilter viewFilters workspace workspaces
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def option(label: str, taken: Iterable[Option]) -> tuple[str, str]:
    """
    Return value and label of a new option.

    Twenty wants values in UPPER_SNAKE ASCII and labels without commas, both of at most 63
    characters. What no ASCII letter can stand for is kept apart by a hash of the label, and so are
    labels that would become one.

    :param label: in any script
    :param taken: options already in use
    """
    used = list(taken)
    words, lost = _words(label)
    value = "_".join(words).upper()
    if lost or len(value) > _LONGEST:
        value = _marked(value, label)
    if not value[:1].isalpha():
        value = f"OPTION_{value}"[:_LONGEST].rstrip("_")
    return _free(value, label, {o.value for o in used}), _free_label(label, {o.label for o in used})


def field_name(label: str, taken: Iterable[str]) -> str:
    """
    Return the name of a new field: camelCase ASCII, neither reserved nor taken.

    :param label: in any script
    :param taken: names already in use, join columns too
    """
    words, lost = _words(label)
    name = "".join([w.lower() for w in words[:1]] + [w[0].upper() + w[1:] for w in words[1:]])
    if not name[:1].isalpha():
        name = "field" + name
    if name in _RESERVED:
        name += "Custom"
    used = {t.lower() for t in taken}
    if lost or len(name) > _LONGEST_NAME or name.lower() in used:
        name = name[: _LONGEST_NAME - 8] + _hash(label).lower()
    number = 2
    while name.lower() in used:
        name, number = f"{name[:_LONGEST_NAME]}{number}", number + 1
    return name


def _words(label: str) -> tuple[list[str], bool]:
    folded = unicodedata.normalize("NFKD", label.translate(_LETTERS))
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    lost = any(c.isalnum() and not c.isascii() for c in plain)
    words = _WORD.findall(plain)
    return words, lost or not words


def _free_label(label: str, taken: set[str]) -> str:
    used = {other.casefold() for other in taken}
    shown, told = _option_label(label), label.casefold()
    while shown.casefold() in used:
        mark = f" #{_hash(told)}"
        shown, told = _option_label(label, _LONGEST - len(mark)) + mark, f"{told}\n"
    return shown


def _option_label(label: str, longest: int = _LONGEST) -> str:
    tidy = " ".join(re.sub(r"\s*,\s*", " / ", label.replace("\0", "")).split()) or "(blank)"
    # The limit counts UTF-16 units, as JavaScript does.
    units = tidy.encode("utf-16-le", "replace")
    if len(units) <= longest * 2:
        return tidy
    return units[: (longest - 1) * 2].decode("utf-16-le", "ignore").rstrip() + "…"


def _free(value: str, label: str, taken: set[str]) -> str:
    candidate, number = value, 1
    while candidate in taken:
        candidate = _marked(value, label if number == 1 else f"{label}\n{number}")
        number += 1
    return candidate


def _marked(value: str, label: str) -> str:
    return f"{value[: _LONGEST - 9]}_{_hash(label)}".lstrip("_") if value else _hash(label)


def _hash(label: str) -> str:
    return hashlib.sha256(label.encode("utf-8", "replace")).hexdigest()[:8].upper()
