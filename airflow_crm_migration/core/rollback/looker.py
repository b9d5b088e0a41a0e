"""Looks at a batch of records in the destination and says what becomes of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.rollback.judge import Origin, origin_of, parents
from airflow_crm_migration.core.rollback.plan import Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.ledger.snapshot import Entry, Snapshot
    from airflow_crm_migration.core.protocols import Child, Destination
    from airflow_crm_migration.core.rollback.held import Held
    from airflow_crm_migration.core.rollback.judge import Judge
    from airflow_crm_migration.core.rollback.plan import Planned

LEAVES = (Fate.DELETE, Fate.TRASH)
"""What takes a record away from whatever refers to it."""


@dataclass
class Looker:
    """
    Asks the destination about records, a batch at a time.

    :param known: ids -> ids of our records that refer to them, which need not be listed
    :param judged: objects whose records of ours were judged, or are being judged: what of them
        stays is in ``held``
    :param restoring: ids of people's records from which our values are taken back: what they refer
        to after that is in ``held``
    """

    destination: Destination
    snapshot: Snapshot
    schema: Mapping[str, ObjectSpec]
    judge: Judge
    held: Held
    known: Callable[[Collection[str]], Collection[str]]
    judged: set[str] = field(default_factory=set)
    restoring: set[str] = field(default_factory=set)

    def look(self, phase: str, records: Sequence[Sequence[Entry]]) -> list[Planned]:
        """
        Say what becomes of records, and note what must stay because of them.

        :param records: for each all keys that the ledger knows it under
        """
        asked = [
            entries[0].destination_id or ""
            for entries in records
            if origin_of(entries) is not Origin.LINKED
        ]
        found = self.destination.read(phase, asked) if asked else {}
        planned = [
            self.judge.judge(phase, entries, found.get(entries[0].destination_id or ""))
            for entries in records
        ]
        return self.remember(phase, self._with_children(phase, planned))

    def _with_children(self, phase: str, planned: Sequence[Planned]) -> list[Planned]:
        """Keep what something hangs on: what we know of is not asked for."""
        asked = [p.id for p in planned if p.fate in LEAVES and p.id not in self.held]
        found = self.destination.children(phase, asked, self.known(asked)) if asked else {}
        foreign = self._foreign(found)
        return [self._kept_by(one, foreign.get(one.id, ())) for one in planned]

    def _kept_by(self, one: Planned, foreign: Sequence[Child]) -> Planned:
        if one.fate not in LEAVES:
            return one
        if foreign:
            return one.kept(Reason.HAS_FOREIGN_CHILDREN, children=foreign)
        return self.kept_if_held(one)

    def kept_if_held(self, one: Planned) -> Planned:
        """Return a record as kept when something that stays refers to it."""
        if one.id not in self.held:
            return one
        return one.kept(self.held.reason(one.id), children=self.held.children(one.id))

    def _foreign(self, found: Mapping[str, Sequence[Child]]) -> dict[str, list[Child]]:
        """Leave out our own records that were judged by themselves."""
        every = {child for children in found.values() for _, child in children}
        made = self.snapshot.made(every) if every else set()

        def ours(child: Child) -> bool:
            name, record_id = child
            return record_id in self.restoring or (record_id in made and name in self.judged)

        return {
            parent: foreign
            for parent, children in found.items()
            if (foreign := [child for child in children if not ours(child)])
        }

    def remember(self, phase: str, planned: list[Planned]) -> list[Planned]:
        """Note what the records that stay refer to, with the rows that hang on them."""
        links: dict[str, list[str]] = {}
        for one in planned:
            if one.fate in (Fate.KEEP, Fate.RESTORE):
                ours = one.fate is Fate.KEEP
                self.held.hold(one.parents, (phase, one.id), ours=ours)
            if one.fate in (Fate.RESTORE, Fate.TRASH):
                self.restoring.add(one.id)
            if one.fate is Fate.KEEP:
                self._collect_links(one.keys, links)
        for name, ids in links.items():
            for record_id, row in self.destination.read(name, ids).items():
                self.held.hold(parents(self.schema[name], row.values), (name, record_id), ours=True)
        return planned

    def _collect_links(self, keys: Iterable[Key], links: dict[str, list[str]]) -> None:
        for key in keys:
            for entry in self.snapshot.parts_of(key):
                if entry.destination_id and entry.stands:
                    name = entry.key.part.partition(":")[0]
                    links.setdefault(name, []).append(entry.destination_id)
