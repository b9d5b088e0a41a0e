"""Natural keys: the value by which a destination record is recognised, and taken once only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.values.domains import names_no_company, registrable_domain
from airflow_crm_migration.core.values.emails import is_shared_mailbox
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.protocols import DestinationRules, Stored, Values


def natural_key(spec: ObjectSpec, field: str, values: Values) -> str | None:
    """Return the value by which a record is recognised first: the primary one of a multi-value."""
    return next(iter(natural_keys(spec, field, values)), None)


def natural_keys(spec: ObjectSpec, field: str, values: Values) -> list[str]:
    """
    Return all values by which a record may be recognised, the one that is taken once only first.

    People are known by each of their addresses; of the further ones shared mailboxes do not count.
    """
    found = texts(values.get(field))
    if spec.fields[field].type is not FieldType.EMAILS:
        return found[:1]
    addresses = list(dict.fromkeys(address.lower() for address in found))
    return [a for n, a in enumerate(addresses) if n == 0 or not is_shared_mailbox(a)]


def stored_keys(rules: DestinationRules, spec: ObjectSpec, field: str, stored: Stored) -> list[str]:
    """Return the keys of a record of the destination in the spelling that is made of ours."""
    value = stored.values.get(field)
    if value is None:
        return []
    made = rules.normalise(spec.fields[field], value)
    return natural_keys(spec, field, {field: made.value})


def stored_key(rules: DestinationRules, spec: ObjectSpec, field: str, stored: Stored) -> str | None:
    """Return the first key of a record of the destination."""
    return next(iter(stored_keys(rules, spec, field, stored)), None)


def identifies(spec: ObjectSpec, field: str, key: str) -> bool:
    """Tell whether a key names one person or company: a mailbox or host of many names nobody."""
    if spec.fields[field].type is FieldType.EMAILS:
        return not is_shared_mailbox(key)
    return not is_open_host(spec.fields[field], key)


def is_open_host(field: FieldSpec, key: str) -> bool:
    """Tell whether a company's web address is of a host where anybody has a page or an address."""
    is_domain = field.type is FieldType.LINKS and field.unique
    return is_domain and names_no_company(registrable_domain(key) or "")


def give_up_key(line: Line, field: str, values: Values) -> dict[str, str]:
    """
    Take the value out of a unique field and keep it as text where the mapping says.

    Two people of one shared mailbox both arrive; the address stands with the first.

    :param values: of the record, changed in place
    :return: the issue for the report
    """
    taken = ", ".join(texts(values.pop(field, None)))
    rule = next((r for r in line.fields if r.to == field and r.unusable_to), None)
    if rule is not None and rule.unusable_to is not None:
        note = f"{field}: {taken}"
        before = values.get(rule.unusable_to)
        values[rule.unusable_to] = f"{before}\n{note}" if before else note
    return {"field": field, "problem": Reason.UNIQUE_VALUE_TAKEN, "detail": taken}
