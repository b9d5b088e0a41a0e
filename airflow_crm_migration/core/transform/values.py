"""Gives the fields of a draft their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.natural_keys import is_open_host
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Normalised
from airflow_crm_migration.core.transform.convert import NotConvertible, convert
from airflow_crm_migration.core.transform.drafts import Issue, Stopped, issue
from airflow_crm_migration.core.values.texts import option_key, texts, word_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_crm_migration.core.mapping import FieldRule, Line
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.transform.setting import Setting

_BLANK: tuple[Any, ...] = (None, "", [], {})


class FieldValues:
    """Makes the values of one line's records."""

    def __init__(self, line: Line, spec: ObjectSpec, setting: Setting) -> None:
        """
        Prepare a line.

        :param spec: its destination object, planned fields too
        """
        self._line = line
        self._spec = spec
        self._setting = setting

    def of(self, record: Values, issues: list[Issue]) -> Values:
        """
        Return the values of a record.

        :param issues: takes what is left out and why
        :raises Stopped: the record cannot be loaded
        """
        values: Values = {}
        unusable: dict[str, list[str]] = {}
        for rule in self._line.fields:
            if not self._setting.holds(rule.when, record):
                continue
            made = self._value(rule, self._spec.fields[rule.to], record, issues)
            if made.unusable and rule.unusable_to:
                lines = unusable.setdefault(rule.unusable_to, [])
                lines += [f"{rule.to}: {text}" for text in made.unusable]
            if made.value is not None:
                values[rule.to] = made.value
        for name, lines in unusable.items():
            made = self._setting.rules.normalise(self._spec.fields[name], "\n".join(lines))
            issues += _notes(name, made)
            values[name] = made.value
        if self._line.source_id_field:
            prefix = self._setting.source_id_prefix
            values[self._line.source_id_field] = f"{prefix}{self._line.id}:{record['id']}"
        return values

    def waits(self, values: Values, issues: Iterable[Issue]) -> dict[str, Any] | None:
        """
        Return why a record that is not there yet must wait, None when it need not.

        What has arrived before keeps the value that it has.

        :param values: those that it brings
        :param issues: what was left out of it
        """
        rules = [r for r in self._line.fields if r.required or r.unmapped == "reject"]
        needed = {rule.to for rule in rules} - values.keys()
        for found in issues:
            if found["problem"] == Reason.UNMAPPED_VALUE and found["field"] in needed:
                detail = f"{found['field']}: {found['detail']}"
                return {"outcome": Outcome.HELD, "reason": found["problem"], "detail": detail}
        return None

    def one(self, name: str, record: Values) -> Values:
        """Return the value of one field, or nothing where the record cannot be loaded."""
        rules = (rule for rule in self._line.fields if rule.to == name)
        held = (rule for rule in rules if self._setting.holds(rule.when, record))
        try:
            return {r.to: self._value(r, self._spec.fields[r.to], record, []).value for r in held}
        except Stopped:
            return {}

    def _value(
        self, rule: FieldRule, spec: FieldSpec, record: Values, issues: list[Issue]
    ) -> Normalised:
        given = self._setting.raw(rule, record)
        _note_unexpected(rule, given, issues)
        raw = self._mapped(rule, given, issues)
        if raw in _BLANK:
            raw = rule.fallback
        try:
            converted = convert(spec.type, raw)
        except NotConvertible as error:
            made = Normalised(None, (str(raw),), (str(error),))
        else:
            if converted is None:
                return self._without(rule, given)
            made = _of_its_own(spec, self._setting.rules.normalise(spec, converted))
            issues += _notes(rule.to, made)
        return _usable(rule, spec, made, issues)

    def _without(self, rule: FieldRule, given: Any) -> Normalised:
        waits = self._setting.hold_unmapped and rule.map is not None and given not in _BLANK
        if rule.required and not waits:
            raise Stopped(Outcome.REJECTED, Reason.REQUIRED_BLANK, rule.to)
        return Normalised(None)

    def _mapped(self, rule: FieldRule, value: Any, issues: list[Issue]) -> Any:
        if rule.map is None or value in _BLANK:
            return value
        if isinstance(value, list):
            found = [self._mapped(rule, v, issues) for v in value]
            return list(dict.fromkeys(v for v in found if v is not None))
        key = option_key(value)
        if key in rule.map:
            return rule.map[key]
        if rule.unmapped == "reject" and not self._setting.hold_unmapped:
            raise Stopped(Outcome.REJECTED, Reason.UNMAPPED_VALUE, f"{rule.to}: {value}")
        if rule.unmapped == "keep" and rule.options is None:
            return value
        issues.append(issue(rule.to, Reason.UNMAPPED_VALUE, str(value)))
        return None


def _notes(name: str, made: Normalised) -> list[Issue]:
    """Return what the destination changes in a value that it takes."""
    changes = made.notes if made.value is not None else ()
    return [issue(name, Reason.STORED_DIFFERENTLY, change) for change in changes]


def _note_unexpected(rule: FieldRule, given: Any, issues: list[Issue]) -> None:
    expected = {word_key(value) for value in rule.expected}
    strange = [text for text in texts(given) if expected and word_key(text) not in expected]
    issues += [issue(rule.to, Reason.UNMAPPED_VALUE, text) for text in strange]


def _of_its_own(spec: FieldSpec, made: Normalised) -> Normalised:
    """Take a host that is open to anybody for unusable where one company's own is asked for."""
    found = texts(made.value)
    if not found or not is_open_host(spec, found[0]):
        return made
    return Normalised(None, (*found, *made.unusable), (*made.notes, "open to anybody"))


def _usable(rule: FieldRule, spec: FieldSpec, made: Normalised, issues: list[Issue]) -> Normalised:
    """Nothing is dropped in silence: kept as text elsewhere, or the record is rejected."""
    if not made.unusable:
        return made
    left = "; ".join(made.unusable)
    homeless = rule.unusable_to is None and spec.type is not FieldType.TEXT
    if homeless or (rule.required and made.value is None):
        why = "; ".join(made.notes) if made.value is None else ""
        detail = f"{rule.to}: {left} {why}".strip()
        raise Stopped(Outcome.REJECTED, Reason.UNUSABLE_VALUE, detail)
    issues.append(issue(rule.to, Reason.UNUSABLE_VALUE, left))
    return made
