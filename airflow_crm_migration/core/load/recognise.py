"""Recognises a new record among those that the destination holds, by each of its natural keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_crm_migration.core.natural_keys import identifies, natural_keys, stored_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Task
    from airflow_crm_migration.core.mapping import Existing
    from airflow_crm_migration.core.protocols import Stored

Held = dict[str, list["Stored"]]
"""Natural key -> records of the destination that hold it."""


@dataclass(frozen=True)
class Recognised:
    """
    The record of the destination that a new one is.

    :param rule: of the mapping for records that are there already
    :param key: by which it was found
    :param others: ids of further records that it could be
    :param certain: whether there is no choice between the first one and the others
    """

    stored: Stored
    rule: Existing
    key: str
    others: tuple[str, ...] = ()
    certain: bool = True

    @property
    def ids(self) -> str:
        """All that it could be, in words."""
        return ", ".join((self.stored.id, *self.others))


@dataclass(frozen=True)
class _Hit:
    key: str
    stored: Stored
    primary: bool


def recognise(context: LoadContext, task: Task, held: Mapping[str, Held]) -> Recognised | None:
    """
    Choose the record that a new one is: a live one before a trashed one.

    The value that is taken once only decides; further ones do where they lead to one record, and
    that stands for no other source record, or for one that is gone.

    :param held: field -> what was found by its keys
    """
    rule = context.line(task.key).existing
    if rule is None:
        return None
    hits = list(_hits(context, task, rule.by, held.get(rule.by, {})))
    ours = [hit for hit in hits if hit.stored.id == task.id]
    naming = [hit for hit in hits if identifies(context.spec, rule.by, hit.key)]
    live = [hit for hit in naming if not hit.stored.trashed]
    pool = ours or live or naming or hits
    return _chosen(rule, pool) if pool else None


def _chosen(rule: Existing, pool: Sequence[_Hit]) -> Recognised:
    first = next((hit for hit in pool if hit.primary), pool[0])
    others = dict.fromkeys(hit.stored.id for hit in pool if hit.stored.id != first.stored.id)
    certain = first.primary or not others
    return Recognised(first.stored, rule, first.key, tuple(others), certain)


def _hits(context: LoadContext, task: Task, field: str, held: Held) -> Iterator[_Hit]:
    for number, key in enumerate(natural_keys(context.spec, field, task.values)):
        for stored in held.get(key, ()):
            both = stored_key(context.destination, context.spec, field, stored) == key
            primary = number == 0 and both
            if primary or (
                identifies(context.spec, field, key) and not _kept(context, task, stored)
            ):
                yield _Hit(key, stored, primary)


def _kept(context: LoadContext, task: Task, stored: Stored) -> bool:
    """Tell whether another source record that a record stands for is not known to be gone."""
    others = (e.key for e in holders(context, stored) if e.key != task.key)
    return any(not context.gone(key) for key in others)


def is_anothers(context: LoadContext, task: Task, stored: Stored) -> bool:
    """Tell whether a record of the destination stands for another source record."""
    return any(entry.key != task.key for entry in holders(context, stored))


def holders(context: LoadContext, stored: Stored) -> Iterator[Entry]:
    """Walk the source records that a record of the destination stands for."""
    for key in context.snapshot.holders(context.phase, stored.id):
        entry = context.snapshot.entry(key)
        if entry is not None and entry.stands:
            yield entry
