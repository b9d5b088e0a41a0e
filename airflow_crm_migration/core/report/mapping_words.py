"""A mapping in words: which field comes from where, what is done to it, and when."""

from __future__ import annotations

import inspect
from itertools import groupby
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.propose import wanted_schema
from airflow_crm_migration.core.report.words import listed, plural, spoken
from airflow_crm_migration.core.transform.steps import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.mapping import (
        Condition,
        FieldRule,
        Fold,
        Line,
        LinkRule,
        LinkWay,
        Mapping,
        OwnerRule,
    )
    from airflow_crm_migration.core.mapping_values import NewField, Step

MOST_OPTIONS = 200
"""Of a field with a fixed choice; with more, the values are rather records of their own."""

FIELD, LINK, OWNER = "field", "link", "owner"
_POLICIES = {
    "link": "used as they are and not changed",
    "fill": "kept, and blanks in them filled",
    "update": "updated",
    "reject": "a reason to reject the source's record",
}
_FAR = {"leave": "the link is left out and listed", "hold": "the record is held back"}


def crowded_fields(mapping: Mapping) -> list[str]:
    """
    Return a sentence for every field that gets more options than people can choose from.

    :param mapping: resolved
    """
    return [
        f"{spec.name}.{name} gets {len(field.options)} options, and people choose well from "
        f"{MOST_OPTIONS} at most. We propose a custom object for them, with a junction to "
        f"{plural(spec.name)}, to be agreed on before this is signed; or let value_maps put rare "
        "values together."
        for spec in wanted_schema(mapping)
        for name, field in spec.fields.items()
        if len(field.options) > MOST_OPTIONS
    ]


def line_notes(line: Line) -> list[str]:
    """Return what holds for a whole line, in sentences."""
    notes = [f"A {spoken(line.source)} is known by its {' or else its '.join(line.identity)}."]
    if line.when is not None:
        notes.append(f"Only where {condition_words(line.when)}.")
    if line.one_per is not None:
        notes.append(f"One record for each {' and '.join(line.one_per.source)}.")
    if line.existing is not None:
        what = f"{plural(line.destination)} with the same {line.existing.by}"
        notes.append(f"Existing {what} are {_POLICIES[line.existing.policy]}.")
    if line.source_id_field:
        notes.append(f"The id in the source is kept in {line.source_id_field}.")
    return notes


def line_rows(line: Line) -> Iterator[tuple[str, str, str, str]]:
    """Walk the fields, links and owners of a line: kind, from, to, how."""
    for rule in line.fields:
        yield FIELD, " + ".join(rule.own_sources), rule.to, field_words(rule)
    for link in line.links:
        yield LINK, _sources(link), link.to, link_words(link)
    for owner in line.owners:
        yield OWNER, owner.source, owner.to, _owner_words(owner)


def fold_rows(fold: Fold) -> Iterator[tuple[str, str, str, str]]:
    """Walk what becomes a value of other records."""
    for into in fold.into:
        when = f"where {condition_words(into.when)}" if into.when else ""
        yield FIELD, into.value, f"{into.field} of the {spoken(into.object)}", when


def field_words(rule: FieldRule) -> str:
    """Return how a field gets its value."""
    return _joined(
        _value_words(rule),
        _options_words(rule),
        f"listed when it is none of {listed([*rule.expected])}" if rule.expected else "",
        f"“{rule.fallback}” when blank" if rule.fallback is not None else "",
        "a record without it is rejected" if rule.required else "",
        f"what does not fit is kept in {rule.unusable_to}" if rule.unusable_to else "",
        f"only where {condition_words(rule.when)}" if rule.when else "",
        "set when the record is made, not changed later" if rule.only_new else "",
        _created(rule.create),
    )


def link_words(rule: LinkRule) -> str:
    """Return how a link finds its record."""
    return _joined(
        _ways_words(rule.ways),
        "all that are found" if rule.many else "",
        f"when none is found, {_FAR[rule.missing]}",
        f"when several could be meant, {_FAR[rule.ambiguous]}",
        f"only where {condition_words(rule.when)}" if rule.when else "",
    )


def condition_words(condition: Condition) -> str:
    """Return a condition as words that follow “where”."""
    if condition.all is not None:
        return " and ".join(_inner(part) for part in condition.all)
    if condition.any is not None:
        return " or ".join(_inner(part) for part in condition.any)
    if condition.negate is None:
        return _test_words(condition, negated=False)
    if condition.negate.all is None and condition.negate.any is None:
        return _test_words(condition.negate, negated=True)
    return f"not ({condition_words(condition.negate)})"


def _inner(condition: Condition) -> str:
    several = condition.all or condition.any or ()
    words = condition_words(condition)
    return f"({words})" if len(several) > 1 else words


def _test_words(condition: Condition, *, negated: bool) -> str:
    if condition.negate is not None:
        return condition_words(condition.negate)
    if condition.related is not None:
        article = "no" if negated else "a"
        found = f"{article} {spoken(condition.related.object)} is found"
        words = f"{found} by {_way_words(condition.related)}"
        return f"{words} of which {condition_words(condition.where)}" if condition.where else words
    subject = f"the choice {condition.choice}" if condition.choice else str(condition.field)
    if condition.present is not None:
        return f"{subject} is {'filled' if condition.present != negated else 'blank'}"
    verb = "is not" if negated else "is"
    if condition.one_of is not None:
        return f"{subject} {verb} one of {listed([_plain(value) for value in condition.one_of])}"
    return f"{subject} {verb} {_plain(condition.equals)}"


def _value_words(rule: FieldRule) -> str:
    if rule.through is not None:
        fields = " or ".join(rule.source)
        return f"{fields} of the {spoken(rule.through.object)} found by {_way_words(rule.through)}"
    if not rule.source:
        return f"always “{rule.value}”" if rule.value is not None else "kept for what does not fit"
    return ", then ".join(_step_words(step) for step in rule.do) or "as it is"


def _step_words(step: Step) -> str:
    text = inspect.getdoc(REGISTRY[step.name]) if step.name in REGISTRY else ""
    sentence = (text or spoken(step.name)).splitlines()[0].replace("``", "").rstrip(".")
    given = ", ".join(f"{name}: {_plain(value)}" for name, value in step.arguments.items())
    words = sentence[:1].lower() + sentence[1:]
    return f"{words} ({given})" if given else words


def _options_words(rule: FieldRule) -> str:
    if isinstance(rule.options, tuple):
        return f"{len(rule.options)} choices"
    return "a choice for every value of the source" if rule.options else ""


def _created(field: NewField | None) -> str:
    if field is None:
        return ""
    return f"new field “{field.label}” ({spoken(field.type)})"


def _owner_words(rule: OwnerRule) -> str:
    return _joined("the user that the owner was matched with", _created(rule.create))


def _ways_words(ways: Sequence[LinkWay]) -> str:
    """Return the ways of a link, those that look for one object under one condition together."""
    parts = []
    for (name, itself, when), group in groupby(ways, lambda w: (w.object, w.by == "self", w.when)):
        found = " or else ".join(_way_words(way) for way in group)
        words = found if itself else f"the {spoken(name)} found by {found}"
        parts.append(f"{words} where {condition_words(when)}" if when else words)
    return " or else ".join(parts)


def _way_words(way: LinkWay) -> str:
    if way.by == "self":
        return "the record itself"
    if way.through is None:
        return f"{way.by} in {way.source}"
    between = f"the {spoken(way.through.object)} found by {_way_words(way.through)}"
    return f"{way.by} in {way.source} of {between}"


def _sources(rule: LinkRule) -> str:
    return " or ".join(dict.fromkeys(way.own_source for way in rule.ways))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (
        ", ".join(_plain(one) for one in value) if isinstance(value, list | tuple) else str(value)
    )


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
