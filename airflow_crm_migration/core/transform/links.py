"""Finds the records that a draft links to, still by source id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.mapping_check import condition_parts
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.transform.conditions import fields_looked_at, no_rule_fits
from airflow_crm_migration.core.transform.drafts import Issue, Stopped, issue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.mapping import Line, LinkRule, LinkWay
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.transform.setting import Setting

Target = list[list[str]]
"""The ledger keys under which a linked record may stand in the destination."""
Unsure = list[str]
"""A source record of which the run cannot tell whether it is linked; all of the object: no id."""


class LinkTargets:
    """Finds the link targets of one line's records."""

    def __init__(self, line: Line, setting: Setting) -> None:
        """Prepare a line."""
        self._line = line
        self._setting = setting

    def of(
        self, record: Values, issues: list[Issue]
    ) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        """
        Return the links of a record.

        :param issues: takes what is left out and why
        :return: links to one record, and links to many, by destination field
        :raises Stopped: the record is held for want of a parent
        """
        links: dict[str, Any] = {}
        joins: dict[str, dict[str, Any]] = {}
        for rule in self._line.links:
            due = self._setting.holds(rule.when, record)
            search = self._search(rule, record, issues) if due else _Search()
            hold = due and rule.missing == "hold"
            if rule.many:
                join = joins.setdefault(rule.to, {"targets": [], "hold": False})
                self._add(join, rule, record, search)
                join["hold"] = join["hold"] or hold
            elif search.found:
                links[rule.to] = {"keys": next(iter(search.found.values())), "hold": hold}
        return links, joins

    def none_fits(self, record: Values) -> str:
        """Say that a record is of a kind for which the line has no link."""
        return no_rule_fits((rule.when for rule in self._line.links), record)

    def _add(self, join: dict[str, Any], rule: LinkRule, record: Values, search: _Search) -> None:
        targets = join["targets"]
        targets += [found for found in search.found.values() if found not in targets]
        if unsure := [*self._untold(rule, record), *search.unsure]:
            join["unsure"] = [*join.get("unsure", ()), *unsure]

    def _search(self, rule: LinkRule, record: Values, issues: list[Issue]) -> _Search:
        search = _Search()
        ways = [way for way in rule.ways if self._setting.holds(way.when, record)]
        for way in ways:
            for value, ids in self._setting.index.matches(way, record):
                search.note(way, value, ids)
                if len(ids) == 1:
                    [source_id] = ids
                    search.take((way.object, source_id), self._keys(rule, way, source_id, record))
            if rule.many:
                search.candidates |= self._setting.index.candidates(way, record)
            elif search.found:
                return search
        whens = (rule.when, *(way.when for way in rule.ways))
        _left_out(rule, search, issues, "blank" if ways else no_rule_fits(whens, record))
        return search

    def _untold(self, rule: LinkRule, record: Values) -> list[Unsure]:
        """Return of which objects the run did not carry or could not read what tells the links."""
        gone = {w.object for w in rule.ways if self._lacks(rule, w) or self._open(rule, w, record)}
        return [[name, ""] for name in sorted(gone)]

    def _open(self, rule: LinkRule, way: LinkWay, record: Values) -> bool:
        """Tell whether a condition looks into a record that could not be read whole."""
        return any(
            part.related is not None
            and part.where is not None
            and not self._setting.index.readable(part.related, record)
            for part in (*condition_parts(rule.when), *condition_parts(way.when))
        )

    def _lacks(self, rule: LinkRule, way: LinkWay) -> bool:
        return any(name in self._setting.absent.get(of, ()) for of, name in self._read(rule, way))

    def _read(self, rule: LinkRule, way: LinkWay) -> Iterator[tuple[str, str]]:
        """Walk the fields that tell whether a way leads somewhere: source object, field."""
        own = (way.own_source, *fields_looked_at(rule.when), *fields_looked_at(way.when))
        yield from ((self._line.source, name) for name in own)
        if way.through is not None:
            yield way.through.object, way.source
        for part in (*condition_parts(rule.when), *condition_parts(way.when)):
            if part.related is not None:
                of = part.related.object
                yield from ((of, name) for name in fields_looked_at(part.where))

    def _keys(self, rule: LinkRule, way: LinkWay, source_id: str, record: Values) -> Target:
        """Return the ledger keys of a record; of the one at hand only those that it will have."""
        lines = (self._setting.mapping.find_line(name) for name in rule.lines)
        return [
            [line.id, line.source, source_id, ""]
            for line in lines
            if line is not None
            and line.source == way.object
            and (way.by != "self" or self._setting.makes(line, record))
        ]


@dataclass
class _Search:
    """What the ways of a link have found so far."""

    found: dict[tuple[str, str], Target] = field(default_factory=dict)
    hits: dict[str, bool] = field(default_factory=dict)
    several: list[tuple[str, set[tuple[str, str]]]] = field(default_factory=list)
    unmade: set[tuple[str, str]] = field(default_factory=set)
    candidates: set[tuple[str, str]] = field(default_factory=set)
    tried: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    hit: set[str] = field(default_factory=set)

    def note(self, way: LinkWay, value: str, ids: set[str]) -> None:
        # With a record that lies between, the value may be the id of that record.
        one = value if way.by == "id" and way.through is None else ""
        self.tried.setdefault(value, set()).add((way.object, one))
        self.hit |= {value} if ids else set()
        if not way.hint:
            self.hits[value] = self.hits.get(value, False) or bool(ids)
        if len(ids) > 1:
            self.several.append((value, {(way.object, source_id) for source_id in ids}))

    def take(self, record: tuple[str, str], keys: Target) -> None:
        if keys:
            self.found.setdefault(record, keys)
        else:
            self.unmade.add(record)

    @property
    def ambiguous(self) -> list[str]:
        """Values that fit several records, of which no other value says which one is meant."""
        return [value for value, records in self.several if records.isdisjoint(self.found)]

    @property
    def missed(self) -> list[str]:
        """Values that fit no record."""
        return [value for value, hit in self.hits.items() if not hit]

    @property
    def unsure(self) -> list[Unsure]:
        """What may be linked but was not found: missed, one of several, or made by no line."""
        values = self.missed + [value for value in self.tried if value not in self.hit]
        missed = {one for value in values for one in self.tried[value]}
        may_be = self.candidates | missed | self.unmade
        return [list(one) for one in sorted(may_be - self.found.keys())]


def _left_out(rule: LinkRule, search: _Search, issues: list[Issue], blank: str) -> None:
    """
    List what does not lead to one record, or hold the record at hand.

    :param blank: what is wrong when no value was looked for
    """
    if search.ambiguous and rule.ambiguous == "hold":
        detail = f"{rule.to}: {', '.join(search.ambiguous)}"
        raise Stopped(Outcome.HELD, Reason.PARENT_AMBIGUOUS, detail)
    if rule.missing == "hold" and not search.found:
        detail = f"{rule.to}: {', '.join(search.missed) or blank}"
        raise Stopped(Outcome.HELD, Reason.PARENT_MISSING, detail)
    issues += [issue(rule.to, Reason.PARENT_AMBIGUOUS, value) for value in search.ambiguous]
    issues += [issue(rule.to, Reason.PARENT_MISSING, value) for value in search.missed]
