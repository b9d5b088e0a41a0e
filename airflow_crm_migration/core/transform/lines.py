"""Turns source records into drafts: exactly what would be written, links still by source id.

A draft is a JSON row. One that will be loaded has ``values``, ``owners``, ``links`` and ``joins``;
one that will not has ``outcome`` and ``reason``. ``issues`` lists what was left out of it and why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.natural_keys import give_up_key, natural_key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.owners import owner_key
from airflow_crm_migration.core.transform.conditions import holds
from airflow_crm_migration.core.transform.convert import NotConvertible, convert
from airflow_crm_migration.core.transform.steps import apply_steps
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_crm_migration.core.mapping import FieldRule, Line, LinkRule, LinkWay, Scalar
    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import DestinationRules, Values
    from airflow_crm_migration.core.transform.link_index import LinkIndex

Draft = dict[str, Any]


class Stopped(Exception):
    """A record is not loaded under this line."""

    def __init__(
        self, outcome: Outcome, reason: Reason, detail: str = "", into: str | None = None
    ) -> None:
        """Keep outcome, reason, free text and the record that it is merged into."""
        super().__init__(detail)
        self.outcome, self.reason, self.detail, self.into = outcome, reason, detail, into


@dataclass(frozen=True)
class Setting:
    """
    What transforming needs besides the record.

    :param schema: the destination's objects with all fields, planned ones too
    :param choices: what the customer chose
    :param settings: the engagement's defaults for transforms, for example ``default_region``
    :param source_id_prefix: first part of the source-id field, with its separator
    :param taken: unique values of the phase -> the record that has them
    :param files: source id of an attachment -> its binary in staging
    """

    mapping: PairMapping
    schema: Mapping[str, ObjectSpec]
    rules: DestinationRules
    index: LinkIndex
    choices: Mapping[str, Scalar]
    settings: Mapping[str, Any] = field(default_factory=dict)
    source_id_prefix: str = ""
    taken: dict[tuple[str, str], Key] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def related(self, way: LinkWay, record: Mapping[str, Any]) -> bool:
        """Tell whether a link way finds any record."""
        return any(found for _, found in self.index.matches(way, record))


class LineTransform:
    """Makes the drafts of one mapping line."""

    def __init__(self, line: Line, setting: Setting) -> None:
        """
        Prepare a line.

        :param line: from the signed mapping
        """
        self.line = line
        self.setting = setting
        self._spec = setting.schema[line.destination]
        self._first_of: dict[str, str] = {}

    def draft(self, record: Values) -> Draft:
        """
        Make the draft of a record.

        :param record: a typed source record; ``id`` is its source id
        """
        key = Key(self.line.id, self.line.source, str(record["id"]))
        issues: list[dict[str, str]] = []
        try:
            self._check_condition(record)
            self._check_first(key, record)
            values = self._values(record, issues)
            self._keep_unique(key, values, issues)
            links, joins = self._links(record, issues)
        except Stopped as stop:
            return stopped(key, stop)
        draft: Draft = {"key": list(key), "values": values, "links": links, "joins": joins}
        more = {"owners": self._owners(record), "issues": issues, "file": self._file(key)}
        return draft | {name: value for name, value in more.items() if value}

    # -- whether ---------------------------------------------------------------------------

    def _holds(self, condition: Any, record: Values) -> bool:
        return holds(condition, record, self.setting.choices, self.setting.related)

    def _check_condition(self, record: Values) -> None:
        if not self._holds(self.line.when, record):
            raise Stopped(Outcome.EXCLUDED, Reason.CONDITION)

    def _check_first(self, key: Key, record: Values) -> None:
        """Of several records with one key only the first makes a record in the destination."""
        rule = self.line.one_per
        if rule is None:
            return
        value = self._raw(rule, record)
        if not value:
            raise Stopped(Outcome.EXCLUDED, Reason.CONDITION, f"{rule.to} is blank")
        first = self._first_of.setdefault(str(value), key.source_id)
        if first != key.source_id:
            raise Stopped(Outcome.MERGED, Reason.DUPLICATE_CERTAIN, into=first)

    def _keep_unique(self, key: Key, values: Values, issues: list[dict[str, str]]) -> None:
        """Leave a value that may stand once only with the first record that brings it."""
        if self.line.existing is None:
            return
        field_name = self.line.existing.by
        value = natural_key(self._spec, field_name, values)
        if value and self.setting.taken.setdefault((field_name, value), key) != key:
            issues.append(give_up_key(self.line, field_name, values))

    # -- values ----------------------------------------------------------------------------

    def _raw(self, rule: FieldRule, record: Values) -> Any:
        if not rule.source:
            return rule.value
        given = [record.get(name) for name in rule.source]
        value = given[0] if len(given) == 1 else given
        return apply_steps(rule.do, value, dict(self.setting.settings))

    def _values(self, record: Values, issues: list[dict[str, str]]) -> Values:
        values: Values = {}
        unusable: dict[str, list[str]] = {}
        for rule in self.line.fields:
            if not self._holds(rule.when, record):
                continue
            value, left = self._value(rule, self._spec.fields[rule.to], record, issues)
            if left and rule.unusable_to:
                unusable.setdefault(rule.unusable_to, []).extend(f"{rule.to}: {v}" for v in left)
            if value is not None:
                values[rule.to] = value
        for name, kept in unusable.items():
            values[name] = "\n".join(kept)
        if self.line.source_id_field:
            values[self.line.source_id_field] = (
                f"{self.setting.source_id_prefix}{self.line.id}:{record['id']}"
            )
        return values

    def _value(
        self, rule: FieldRule, spec: FieldSpec, record: Values, issues: list[dict[str, str]]
    ) -> tuple[Any, tuple[str, ...]]:
        raw = self._mapped(rule, self._raw(rule, record), issues)
        if raw in (None, "", [], {}):
            raw = rule.fallback
        try:
            converted = convert(spec.type, raw)
        except NotConvertible as error:
            return self._unusable(rule, spec, None, (str(raw),), str(error), issues)
        if converted is None:
            if rule.required:
                raise Stopped(Outcome.REJECTED, Reason.REQUIRED_BLANK, rule.to)
            return None, ()
        made = self.setting.rules.normalise(spec, converted)
        if made.unusable:
            return self._unusable(rule, spec, made.value, made.unusable, "", issues)
        return made.value, ()

    def _mapped(self, rule: FieldRule, value: Any, issues: list[dict[str, str]]) -> Any:
        if rule.map is None or value in (None, "", []):
            return value
        if isinstance(value, list):
            found = [self._mapped(rule, v, issues) for v in value]
            return list(dict.fromkeys(v for v in found if v is not None))
        key = option_key(value)
        if key in rule.map:
            return rule.map[key]
        if rule.unmapped == "reject":
            raise Stopped(Outcome.REJECTED, Reason.UNMAPPED_VALUE, f"{rule.to}: {value}")
        issues.append({"field": rule.to, "problem": Reason.UNMAPPED_VALUE, "detail": str(value)})
        return value if rule.unmapped == "keep" and rule.options is None else None

    def _unusable(
        self,
        rule: FieldRule,
        spec: FieldSpec,
        value: Any,
        left: tuple[str, ...],
        why: str,
        issues: list[dict[str, str]],
    ) -> tuple[Any, tuple[str, ...]]:
        """Nothing is dropped in silence: kept as text elsewhere, or the record is rejected."""
        detail = "; ".join(left)
        if rule.required and value is None:
            raise Stopped(
                Outcome.REJECTED, Reason.UNUSABLE_VALUE, f"{rule.to}: {detail} {why}".strip()
            )
        if rule.unusable_to is None and spec.type is not FieldType.TEXT:
            raise Stopped(
                Outcome.REJECTED, Reason.UNUSABLE_VALUE, f"{rule.to}: {detail} {why}".strip()
            )
        issues.append({"field": rule.to, "problem": Reason.UNUSABLE_VALUE, "detail": detail})
        return value, left

    def _file(self, key: Key) -> dict[str, Any] | None:
        if self.line.destination != self.setting.rules.capabilities.attachment:
            return None
        return dict(self.setting.files[key.source_id])

    # -- links -----------------------------------------------------------------------------

    def _owners(self, record: Values) -> dict[str, str]:
        found = {}
        for rule in self.line.owners:
            names = texts(record.get(rule.source))
            if names:
                found[rule.to] = owner_key(names[0])
        return found

    def _links(
        self, record: Values, issues: list[dict[str, str]]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        links: dict[str, Any] = {}
        joins: dict[str, Any] = {}
        for rule in self.line.links:
            if not self._holds(rule.when, record):
                continue
            targets = self._targets(rule, record, issues)
            hold = rule.missing == "hold"
            if rule.many:
                entry = joins.setdefault(rule.to, {"targets": [], "hold": False})
                for target in targets:
                    if target not in entry["targets"]:
                        entry["targets"].append(target)
                entry["hold"] = entry["hold"] or hold
            elif targets:
                links[rule.to] = {"keys": targets[0], "hold": hold}
        return links, joins

    def _targets(self, rule: LinkRule, record: Values, issues: list[dict[str, str]]) -> list[Any]:
        """Return per record found the keys under which it may stand in the ledger."""
        found: list[Any] = []
        tried: dict[str, bool] = {}
        for way in rule.ways:
            if not self._holds(way.when, record):
                continue
            for value, ids in self.setting.index.matches(way, record):
                if not way.hint:
                    tried[value] = tried.get(value, False) or bool(ids)
                if len(ids) > 1:
                    self._ambiguous(rule, value, issues)
                elif ids:
                    found.append(self._keys(rule, way, next(iter(ids))))
            if found and not rule.many:
                break
        self._missing(rule, found, [v for v, hit in tried.items() if not hit], issues)
        return [target for target in found if target]

    def _keys(self, rule: LinkRule, way: LinkWay, source_id: str) -> list[list[str]]:
        lines = (self.setting.mapping.find_line(name) for name in rule.lines)
        return [
            [line.id, line.source, source_id, ""]
            for line in lines
            if line and line.source == way.object
        ]

    def _ambiguous(self, rule: LinkRule, value: str, issues: list[dict[str, str]]) -> None:
        if rule.ambiguous == "hold":
            raise Stopped(Outcome.HELD, Reason.PARENT_AMBIGUOUS, f"{rule.to}: {value}")
        issues.append({"field": rule.to, "problem": Reason.PARENT_AMBIGUOUS, "detail": value})

    def _missing(
        self, rule: LinkRule, found: list[Any], missed: list[str], issues: list[dict[str, str]]
    ) -> None:
        if rule.missing == "hold" and not found:
            detail = ", ".join(missed) or "blank"
            raise Stopped(Outcome.HELD, Reason.PARENT_MISSING, f"{rule.to}: {detail}")
        if rule.many or not found:
            for value in missed:
                issues.append({"field": rule.to, "problem": Reason.PARENT_MISSING, "detail": value})


def option_key(value: Any) -> str:
    """Return the form in which spellings of one choice are equal: blanks and case do not matter."""
    return " ".join(str(value).split()).casefold()


def stopped(key: Key, stop: Stopped) -> Draft:
    """Return the draft of a record that is not loaded."""
    draft = {
        "key": list(key),
        "outcome": stop.outcome,
        "reason": stop.reason,
        "detail": stop.detail,
    }
    return draft | ({"into": stop.into} if stop.into else {})
