"""Turns source records into the drafts of one mapping line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import field_hash
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.natural_keys import give_up_key, natural_key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.owners import owner_key
from airflow_crm_migration.core.transform.drafts import Draft, Issue, Stopped, stopped
from airflow_crm_migration.core.transform.links import LinkTargets
from airflow_crm_migration.core.transform.unknown import UnknownFields
from airflow_crm_migration.core.transform.values import FieldValues
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from airflow_crm_migration.core.mapping import FieldRule, Line
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
        self._unknown = UnknownFields(line, self._spec, setting.absent.get(line.source, ()))
        self._first_of: dict[str, tuple[bool, str]] = {}

    def settle(self, walk: Callable[[], Iterable[Values]]) -> None:
        """
        Settle which record has a value that may stand once, whatever the order of the records.

        It is the one that has it in the destination already, else that with the smallest id.
        Only values that several records bring cost a second look: at whether the record is
        loaded at all.

        :param walk: walks the records of the line
        """
        if self.line.one_per is not None:
            for record in walk():
                self._note_first(self.line.one_per, record)
        if self.line.existing is None:
            return
        name = self.line.existing.by
        contested = self._contested(name, walk())
        claims = [
            (not self._has(key, name, record), key, value)
            for record in (walk() if contested else ())
            if (value := self._brought(name, record)) in contested
            and "outcome" not in self._draft(record, {})
            and (key := self._key(record))
        ]
        for _, key, value in sorted(claims):
            self.setting.taken.setdefault((name, value), key)

    def draft(self, record: Values) -> Draft:
        """
        Make the draft of a record.

        :param record: a typed source record; ``id`` is its source id
        """
        return self._draft(record, self.setting.taken)

    def _draft(self, record: Values, taken: dict[tuple[str, str], Key]) -> Draft:
        key = self._key(record)
        issues: list[Issue] = []
        try:
            self._check_condition(record)
            self._check_first(key, record)
            values = self._values.of(record, issues)
            self._keep_unique(key, values, issues, taken)
            links, joins = self._links.of(record, issues)
            self._check_parent(record, links, joins)
        except Stopped as stop:
            return stopped(key, stop)
        draft: Draft = {"key": list(key), "values": values, "links": links, "joins": joins}
        more = {
            "owners": self._owners(record),
            "issues": issues,
            "file": self._file(key),
            "unknown": self._unknown.of(values, links, issues),
            "if_new": self._values.waits(values, issues),
        }
        return draft | {name: value for name, value in more.items() if value}

    def _check_condition(self, record: Values) -> None:
        if not self.setting.holds(self.line.when, record):
            raise Stopped(Outcome.EXCLUDED, Reason.CONDITION)

    def _check_parent(
        self, record: Values, links: Collection[str], joins: Mapping[str, Any]
    ) -> None:
        """Hold a file that hangs on no record: nobody would find it."""
        linked = links or any(join["targets"] for join in joins.values())
        if self.line.file is not None and not linked:
            detail = self._links.none_fits(record)
            raise Stopped(Outcome.HELD, Reason.PARENT_MISSING, detail)

    def _check_first(self, key: Key, record: Values) -> None:
        """Of several records with one key only the first makes a record in the destination."""
        rule = self.line.one_per
        if rule is None:
            return
        value = self.setting.raw(rule, record)
        if not value:
            raise Stopped(Outcome.EXCLUDED, Reason.CONDITION, f"{rule.to} is blank")
        _, first = self._first_of.setdefault(str(value), (True, key.source_id))
        if first != key.source_id:
            raise Stopped(Outcome.MERGED, Reason.DUPLICATE_CERTAIN, into=first)

    def _keep_unique(
        self, key: Key, values: Values, issues: list[Issue], taken: dict[tuple[str, str], Key]
    ) -> None:
        """Leave a value that may stand once only with the first record that brings it."""
        if self.line.existing is None:
            return
        field_name = self.line.existing.by
        value = natural_key(self._spec, field_name, values)
        if value and taken.setdefault((field_name, value), key) != key:
            issues.append(give_up_key(self.line, field_name, values))

    # -- settling --------------------------------------------------------------------------

    def _key(self, record: Values) -> Key:
        return Key(self.line.id, self.line.source, str(record["id"]))

    def _has(self, key: Key, name: str, record: Values) -> bool:
        """Tell whether a record brought the value of a unique field into the destination."""
        entry = self.setting.ledger.entry(key) if self.setting.ledger else None
        if entry is None or not entry.stands:
            return False
        kind = self._spec.fields[name].type
        brings = field_hash(kind, self._values.one(name, record).get(name))
        sent = entry.last.get("sent", {}).get(name, ())
        return bool(brings[:1] == sent[:1] if kind.many else brings == sent)

    def _note_first(self, rule: FieldRule, record: Values) -> None:
        if self.setting.holds(self.line.when, record) and (value := self.setting.raw(rule, record)):
            name = self.line.existing.by if self.line.existing else rule.to
            claim = (not self._has(self._key(record), name, record), str(record["id"]))
            self._first_of[str(value)] = min(self._first_of.get(str(value), claim), claim)

    def _contested(self, name: str, records: Iterable[Values]) -> set[str]:
        """Return the values of a unique field that more than one record brings."""
        seen: set[str] = set()
        contested: set[str] = set()
        for record in records:
            value = self._brought(name, record)
            if value:
                (contested if value in seen else seen).add(value)
        return contested

    def _brought(self, name: str, record: Values) -> str:
        """Return the value of a unique field, blank when the record brings none."""
        return natural_key(self._spec, name, self._values.one(name, record)) or ""

    def _owners(self, record: Values) -> dict[str, str]:
        named = ((rule.to, texts(record.get(rule.source))) for rule in self.line.owners)
        return {field: owner_key(names[0]) for field, names in named if names}

    def _file(self, key: Key) -> dict[str, Any] | None:
        if self.line.file is None:
            return None
        return dict(self.setting.files[key.source_object, key.source_id])
