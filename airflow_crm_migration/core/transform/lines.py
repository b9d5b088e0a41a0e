"""Turns source records into the drafts of one mapping line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.natural_keys import give_up_key, natural_key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.owners import owner_key
from airflow_crm_migration.core.transform.drafts import Draft, Issue, Stopped, stopped
from airflow_crm_migration.core.transform.links import LinkTargets
from airflow_crm_migration.core.transform.values import FieldValues
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.transform.setting import Setting


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
        self._values = FieldValues(line, self._spec, setting)
        self._links = LinkTargets(line, setting)
        self._first_of: dict[str, str] = {}

    def draft(self, record: Values) -> Draft:
        """
        Make the draft of a record.

        :param record: a typed source record; ``id`` is its source id
        """
        key = Key(self.line.id, self.line.source, str(record["id"]))
        issues: list[Issue] = []
        try:
            self._check_condition(record)
            self._check_first(key, record)
            values = self._values.of(record, issues)
            self._keep_unique(key, values, issues)
            links, joins = self._links.of(record, issues)
        except Stopped as stop:
            return stopped(key, stop)
        draft: Draft = {"key": list(key), "values": values, "links": links, "joins": joins}
        more = {"owners": self._owners(record), "issues": issues, "file": self._file(key)}
        return draft | {name: value for name, value in more.items() if value}

    def _check_condition(self, record: Values) -> None:
        if not self.setting.holds(self.line.when, record):
            raise Stopped(Outcome.EXCLUDED, Reason.CONDITION)

    def _check_first(self, key: Key, record: Values) -> None:
        """Of several records with one key only the first makes a record in the destination."""
        rule = self.line.one_per
        if rule is None:
            return
        value = self.setting.raw(rule, record)
        if not value:
            raise Stopped(Outcome.EXCLUDED, Reason.CONDITION, f"{rule.to} is blank")
        first = self._first_of.setdefault(str(value), key.source_id)
        if first != key.source_id:
            raise Stopped(Outcome.MERGED, Reason.DUPLICATE_CERTAIN, into=first)

    def _keep_unique(self, key: Key, values: Values, issues: list[Issue]) -> None:
        """Leave a value that may stand once only with the first record that brings it."""
        if self.line.existing is None:
            return
        field_name = self.line.existing.by
        value = natural_key(self._spec, field_name, values)
        if value and self.setting.taken.setdefault((field_name, value), key) != key:
            issues.append(give_up_key(self.line, field_name, values))

    def _owners(self, record: Values) -> dict[str, str]:
        named = ((rule.to, texts(record.get(rule.source))) for rule in self.line.owners)
        return {field: owner_key(names[0]) for field, names in named if names}

    def _file(self, key: Key) -> dict[str, Any] | None:
        if self.line.file is None:
            return None
        return dict(self.setting.files[key.source_object, key.source_id])
