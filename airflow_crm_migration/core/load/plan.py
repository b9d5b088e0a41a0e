"""Decides for each draft what the load has to do, from what the ledger says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import field_hash
from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.load.parents import Parents
    from airflow_crm_migration.core.mapping import Line
    from airflow_crm_migration.core.protocols import Values

Hashes = dict[str, Any]


@dataclass
class Task:
    """
    One record on its way into the destination.

    :param place: run, part and row where the values lie, for settling after a crash
    :param id: the id that we make, or of the record that is there
    :param planned: per field the hash of what the source says, before any value is given up
    :param unknown: fields of which this run cannot say what the source holds
    :param anew: whether it is sent once more only because fields were made anew
    """

    key: Key
    values: Values
    place: list[Any]
    id: str | None = None
    planned: Hashes = field(default_factory=dict)
    issues: list[dict[str, str]] = field(default_factory=list)
    unknown: frozenset[str] = frozenset()
    anew: bool = False


@dataclass(frozen=True)
class Unlinked(Exception):
    """A parent that the record cannot do without is not in the destination."""

    field: str
    reason: Reason


def hashes(spec: ObjectSpec, values: Values, names: Iterable[str]) -> Hashes:
    """Return per field the short hash of its value; blank fields are left out."""
    return {
        name: field_hash(spec.fields[name].type, values[name])
        for name in sorted(names)
        if not blank(values, name)
    }


def blank(values: Values, name: str) -> bool:
    """Tell whether a field holds nothing."""
    return values.get(name) in (None, "", [], {})


def resolve_links(
    draft: Mapping[str, Any], snapshot: Snapshot | Parents
) -> tuple[Values, list[dict[str, str]]]:
    """
    Turn links by source id into links by destination id.

    :return: reference fields, and the links that are left out
    :raises Unlinked: when a record must be held for want of a parent
    """
    values: Values = {}
    issues = []
    for name, link in draft.get("links", {}).items():
        keys = [Key(*key) for key in link["keys"]]
        target = snapshot.destination_id(keys)
        if target is not None:
            values[name] = target
        elif link["hold"]:
            raise Unlinked(name, Reason.PARENT_NOT_LOADED)
        elif not _excluded(keys, snapshot):
            issues.append(
                {"field": name, "problem": Reason.PARENT_NOT_LOADED, "detail": keys[0].source_id}
            )
    return values, issues


def check_joins(draft: Mapping[str, Any], snapshot: Snapshot | Parents) -> None:
    """
    Check that a record which lives by its joins has at least one parent in the destination.

    :raises Unlinked: when it has none
    """
    for name, join in draft.get("joins", {}).items():
        if not join["hold"]:
            continue
        parents = (snapshot.destination_id(Key(*k) for k in keys) for keys in join["targets"])
        if not any(parents):
            raise Unlinked(name, Reason.PARENT_NOT_LOADED)


def _excluded(keys: list[Key], snapshot: Snapshot | Parents) -> bool:
    entries = [snapshot.entry(key) for key in keys]
    return all(entry is not None and entry.outcome is Outcome.EXCLUDED for entry in entries)


def changed_fields(
    line: Line, sent: Hashes, entry: Entry, unknown: Collection[str] = ()
) -> list[str]:
    """
    Return the fields whose value in the source is another than the one sent last.

    Fields that are written with a new record only never count, nor does the time of change, nor
    what the line does not write any more.

    :param unknown: fields of which this run cannot say what the source holds
    """
    before = entry.last.get("sent") or {}
    names = set(sent) | (set(before) & written_fields(line))
    names -= never_written_over(line) | set(unknown)
    return sorted(n for n in names if sent.get(n) != before.get(n))


def attempt(line: Line, planned: Hashes, fields: Collection[str] | None = None) -> Hashes:
    """
    Return by what an update is known that the destination may have refused before.

    :param planned: hashes of what the source says
    :param fields: those that changed; None for all that may be written over
    """
    if fields is None:
        fields = planned.keys() - never_written_over(line)
    return {name: planned.get(name) for name in sorted(fields)}


def never_written_over(line: Line) -> set[str]:
    """Return the fields that alone are no reason to change a record."""
    return {rule.to for rule in line.fields if rule.only_new} | times_of_change(line)


def written_fields(line: Line) -> set[str]:
    """Return the fields of the destination that a line writes, if only what is unusable."""
    names = {rule.to for rule in line.fields} | {rule.to for rule in line.links}
    names |= {rule.to for rule in line.owners}
    return names | {rule.unusable_to for rule in line.fields if rule.unusable_to}


def times_of_change(line: Line) -> set[str]:
    """Return the fields that tell when a record changed: they move with any other field."""
    return {rule.to for rule in line.fields if rule.incidental}


def writes_existing(line: Line) -> bool:
    """Tell whether records that the destination held before us are written to."""
    return line.existing is not None and line.existing.policy in ("fill", "update")


def same_outcome(entry: Entry | None, draft: Mapping[str, Any]) -> bool:
    """Tell whether the ledger says of a record that is not loaded what the draft says."""
    if entry is None:
        return False
    names = ("outcome", "reason", "detail", "into")
    return all((entry.last.get(n) or "") == (draft.get(n) or "") for n in names)
