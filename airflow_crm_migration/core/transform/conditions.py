"""Decides the conditions of a mapping on one record: a tree of named tests, never an expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.mapping import Condition, LinkWay
from airflow_crm_migration.core.values.texts import texts, word_key

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping_values import Scalar

Related = Callable[[LinkWay, Mapping[str, Any]], Iterable[Mapping[str, Any]]]
"""Link way, record -> what is known of the records that it finds."""


def holds(
    condition: Condition | None,
    record: Mapping[str, Any],
    choices: Mapping[str, Scalar],
    related: Related,
) -> bool:
    """
    Tell whether a condition holds for a record.

    :param condition: None always holds
    :param choices: what the customer chose
    :param related: finds records of the source
    """
    if condition is None:
        return True

    def check(part: Condition) -> bool:
        return holds(part, record, choices, related)

    if condition.all is not None:
        return all(check(part) for part in condition.all)
    if condition.any is not None:
        return any(check(part) for part in condition.any)
    if condition.negate is not None:
        return not check(condition.negate)
    if condition.related is not None:
        found = related(condition.related, record)
        return any(holds(condition.where, other, choices, related) for other in found)
    value = choices.get(condition.choice) if condition.choice else record.get(condition.field or "")
    return _matches(condition, value)


def settled_by_choices(condition: Condition | None, choices: Mapping[str, Scalar]) -> bool | None:
    """
    Decide a condition by the choices alone.

    :return: None when it depends on the record
    """
    if condition is None:
        return True
    if condition.choice is not None:
        return _matches(condition, choices.get(condition.choice))
    if condition.negate is not None:
        inner = settled_by_choices(condition.negate, choices)
        return None if inner is None else not inner
    if condition.all is not None:
        return _combine(
            [settled_by_choices(part, choices) for part in condition.all], deciding=False
        )
    if condition.any is not None:
        return _combine(
            [settled_by_choices(part, choices) for part in condition.any], deciding=True
        )
    return None


def no_rule_fits(conditions: Iterable[Condition | None], record: Mapping[str, Any]) -> str:
    """Say that none of some conditions holds, with all of the record that they look at."""
    names = dict.fromkeys(name for condition in conditions for name in fields_looked_at(condition))
    seen = [f"{name} {', '.join(texts(record.get(name))) or 'blank'}" for name in names]
    return f"no rule fits {', '.join(seen)}"


def fields_looked_at(condition: Condition | None) -> Iterator[str]:
    """Walk the fields of the record at hand that a condition looks at."""
    if condition is None:
        return
    if condition.field is not None:
        yield condition.field
    if condition.related is not None:
        yield condition.related.source
    for part in (*(condition.all or ()), *(condition.any or ()), condition.negate):
        yield from fields_looked_at(part)


def _combine(parts: list[bool | None], *, deciding: bool) -> bool | None:
    if deciding in parts:
        return deciding
    return None if None in parts else not deciding


def _matches(condition: Condition, value: Any) -> bool:
    if condition.present is not None:
        return condition.present == (value not in (None, "", []))
    wanted = condition.one_of if condition.one_of is not None else (condition.equals,)
    return any(_same(value, one) for one in wanted)


def _same(value: Any, wanted: Any) -> bool:
    """Compare texts as people read them: neither case nor what stands between words matters."""
    if isinstance(value, str) and isinstance(wanted, str):
        return word_key(value) == word_key(wanted)
    return bool(value == wanted)
