"""Tells of which fields of a draft a run cannot say what the source holds.

A column that the export did not carry is not blank, and neither is a link whose target is not found
this time, nor a choice that the mapping does not know yet: what was sent before stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.outcomes import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.transform.drafts import Issue

_UNRESOLVED = (Reason.PARENT_MISSING, Reason.PARENT_AMBIGUOUS)


class UnknownFields:
    """Knows which fields of one line the run cannot tell."""

    def __init__(self, line: Line, spec: ObjectSpec, absent: Collection[str]) -> None:
        """
        Prepare a line.

        :param spec: its destination object
        :param absent: fields of its source object that the run did not carry
        """
        self._absent = frozenset(absent)
        self._single = {rule.to for rule in line.links if not rule.many}
        # Of a multi-value the other elements tell what the source holds.
        self._chosen = {r.to for r in line.fields if not spec.fields[r.to].type.many}
        self._always = self._without_source(line)
        # What comes first makes the value; a country alone, say, makes no phone number.
        partly = [rule for rule in line.fields if self._gone(rule.own_sources[:1])]
        self._when_blank = {rule.to for rule in partly}
        self._when_blank |= {rule.unusable_to for rule in partly if rule.unusable_to}

    def of(self, values: Values, links: Collection[str], issues: Iterable[Issue]) -> list[str]:
        """
        Return the unknown fields of a record.

        :param values: those that it brings
        :param links: fields whose link was found
        :param issues: what was left out of it
        """
        left_out = [(i["field"], i["problem"]) for i in issues]
        unresolved = {name for name, problem in left_out if problem in _UNRESOLVED} & self._single
        unmapped = {n for n, problem in left_out if problem == Reason.UNMAPPED_VALUE} & self._chosen
        blank = (self._when_blank | unmapped) - values.keys()
        return sorted(self._always | blank | (unresolved - set(links)))

    def _without_source(self, line: Line) -> set[str]:
        sources = [(rule.to, self._gone(rule.own_sources)) for rule in line.fields]
        sources += [
            (rule.to, self._gone([way.own_source for way in rule.ways if not way.hint]))
            for rule in line.links
        ]
        sources += [(rule.to, self._gone([rule.source])) for rule in line.owners]
        known = {to for to, gone in sources if not gone}
        return {to for to, gone in sources if gone} - known

    def _gone(self, sources: Collection[str]) -> bool:
        """Tell whether nothing of what a field is made from was carried."""
        return bool(sources) and self._absent.issuperset(sources)
