"""Undoes a phase as it was forecast; what people worked on since stays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import Refused
from airflow_crm_migration.core.load.batches import Result, write_batch
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.load.rows import unwritten
from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.protocols import Stored, Write
from airflow_crm_migration.core.rollback.batches import batched
from airflow_crm_migration.core.rollback.plan import Fate
from airflow_crm_migration.core.rollback.settle import (
    DELETE,
    REVERT,
    TRASH,
    deleted,
    taken_back,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.rollback.looker import Looker
    from airflow_crm_migration.core.rollback.plan import Planned

_RELEASED = 500
_OF_THE_TRASH = {Fate.TRASH, Fate.RESTORE}


@dataclass
class Undo:
    """
    The undoing of one phase.

    A record that was undone before a crash stands no more in the ledger, so that it is passed over.

    :param planned: walks what was forecast, as often as called
    :param say: told how many records were looked at
    :param kept: id -> record that stays although the forecast did not say so
    """

    context: LoadContext
    looker: Looker
    planned: Callable[[], Iterable[Planned]]
    say: Callable[[int], None]
    kept: dict[str, Planned] = field(default_factory=dict)
    _looked: int = 0

    def run(self) -> None:
        """Undo; what we made goes before anything is restored that it may stand in the way of."""
        for _ in self._looked_at(Fate.GONE):
            pass
        for batch in self._looked_at(Fate.DELETE):
            self._delete([one for one in batch if one.fate is Fate.DELETE])
        for batch in self._looked_at(Fate.RESTORE):
            self._restore(batch)
        for batch in self._looked_at(Fate.TRASH):
            self._restore([one for one in batch if one.fate is Fate.RESTORE])
            self._trash([one for one in batch if one.fate is Fate.TRASH])
        self._release()

    # -- looking again ---------------------------------------------------------------------

    def _looked_at(self, fate: Fate) -> Iterator[list[Planned]]:
        """Walk what still is to be undone, looked at again right before, in full batches."""
        wanted = (p for p in self.planned() if p.fate is fate)
        standing = ((p, entries) for p in wanted if (entries := self._standing(p)))
        for batch in batched(standing, self._size):
            looked = self.looker.look(self.context.phase, [entries for _, entries in batch])
            self._looked += len(batch)
            self.say(self._looked)
            due = [self._now(p, now) for (p, _), now in zip(batch, looked, strict=True)]
            self._tell_gone([one for one in due if one.fate is Fate.GONE])
            yield [one for one in due if one.fate not in (Fate.GONE, Fate.KEEP)]

    @property
    def _size(self) -> int:
        return self.context.destination.capabilities.batch_size

    def _standing(self, planned: Planned) -> list[Entry]:
        found = (self.context.snapshot.entry(key) for key in planned.keys)
        return [entry for entry in found if entry is not None and entry.stands]

    def _now(self, planned: Planned, now: Planned) -> Planned:
        """Do no more than was signed: what turned into anything else stays as it is."""
        if {planned.fate, now.fate} == _OF_THE_TRASH:
            now = replace(now, fate=Fate.RESTORE, reason=now.reason or planned.reason)
        elif now.fate not in (planned.fate, Fate.GONE, Fate.KEEP):
            now = now.kept(Reason.EDITED_SINCE)
        if now.stays:
            self.kept[now.id] = now
        images = {n: i for n, i in now.images.items() if planned.images.get(n) == i}
        return replace(now, images=images)

    # -- what we made ----------------------------------------------------------------------

    def _delete(self, batch: Sequence[Planned]) -> None:
        if not batch:
            return
        self._intend(batch, DELETE)
        self.context.destination.delete(self.context.phase, [one.id for one in batch])
        self._conclude([deleted(key, one.id) for one in batch for key in one.keys])

    def _tell_gone(self, batch: Sequence[Planned]) -> None:
        gone = Reason.GONE_FROM_DESTINATION
        self._conclude([deleted(key, one.id, gone) for one in batch for key in one.keys])

    def _intend(self, batch: Iterable[Planned], op: str, **more: Any) -> None:
        name = self.context.spec.name
        rows: list[Row] = [
            {"key": list(key), "op": op, "id": one.id, "object": name, **more}
            for one in batch
            for key in one.keys
        ]
        self.context.writer.intend(rows)

    def _conclude(self, rows: list[Row]) -> None:
        self.context.writer.conclude(rows)

    # -- what was there before us ----------------------------------------------------------

    def _restore(self, batch: Sequence[Planned]) -> None:
        """Write the earliest image back where the destination still holds what we stored."""
        writes = [one for one in batch if one.images]
        if writes:
            self.context.writer.intend([row for one in writes for row in self._reverts(one)])
        results = dict(zip((one.id for one in writes), self._write(writes), strict=True))
        self._conclude([row for one in batch for row in self._told(one, results.get(one.id))])

    def _reverts(self, one: Planned) -> Iterator[Row]:
        spec, values = self.context.spec, self._before(one)
        for key in one.keys:
            yield {
                "key": list(key), "op": REVERT, "id": one.id, "object": spec.name,
                "fields": sorted(values), "meant": hashes(spec, values, values),
                "detail": ", ".join(one.differs), "kept": one.reason,
            }  # fmt: skip

    def _before(self, one: Planned) -> Values:
        """Return what the fields to restore held before us."""
        images = self.looker.judge.images
        return {name: images.values(image, one.id).get(name) for name, image in one.images.items()}

    def _write(self, batch: Sequence[Planned]) -> list[Result]:
        at = self.context
        rows = [Write(one.id, self._before(one)) for one in batch]
        return write_batch(lambda part: at.destination.update(at.phase, part), self._settled, rows)

    def _settled(self, rows: Sequence[Write]) -> dict[str, Result]:
        """Tell which records hold what they are to hold although the reply was lost."""
        spec = self.context.spec
        found = self.context.settle(self.context.phase, rows)
        fates: dict[str, Result] = {}
        for row in rows:
            # Sent again, an update of what is gone would bring it back.
            stored = found.get(row.id or "", Refused("it is gone"))
            if not isinstance(stored, Stored) or (
                hashes(spec, stored.values, row.values) == hashes(spec, row.values, row.values)
            ):
                fates[row.id or ""] = stored
        return fates

    def _told(self, one: Planned, result: Result | None) -> Iterator[Row]:
        if isinstance(result, Refused):
            yield from self._refused(one, result)
            return
        other = self._stored_differently(one, result) if result else []
        if other:
            differs = (*one.differs, *other)
            self.kept[one.id] = replace(one, reason=Reason.STORED_DIFFERENTLY, differs=differs)
        for key in one.keys:
            yield taken_back(key, one.id, ", ".join([*one.differs, *other]), one.reason)

    def _refused(self, one: Planned, refusal: Refused) -> Iterator[Row]:
        """Keep what the destination does not take back, and close its intents."""
        fields = sorted(one.images)
        kept = one.kept(Reason.REFUSED, differs=fields, words=refusal.message)
        self.kept[one.id] = replace(kept, fate=Fate.KEEP)
        return (unwritten({"key": list(key)}) for key in one.keys)

    def _stored_differently(self, one: Planned, stored: Stored) -> list[str]:
        spec, values = self.context.spec, self._before(one)
        now, meant = hashes(spec, stored.values, values), hashes(spec, values, values)
        return [name for name in sorted(values) if now.get(name) != meant.get(name)]

    def _trash(self, batch: Sequence[Planned]) -> None:
        """Restore what we wrote over, then put the records back where they were."""
        if not batch:
            return
        self._intend(batch, TRASH)
        writes = [one for one in batch if one.images]
        results = dict(zip((one.id for one in writes), self._write(writes), strict=True))
        rows: list[Row] = []
        done = []
        for one in batch:
            result = results.get(one.id)
            if isinstance(result, Refused):
                rows += self._refused(one, result)
            else:
                done.append(one)
        if done:
            self.context.destination.trash(self.context.phase, [one.id for one in done])
        self._conclude(rows + [taken_back(key, one.id) for one in done for key in one.keys])

    def _release(self) -> None:
        """Tell the ledger of records that were only linked: nothing was ever done to them."""
        linked = (p for p in self.planned() if p.fate is Fate.RELEASE and self._standing(p))
        for batch in batched(linked, _RELEASED):
            self._conclude([taken_back(key, one.id) for one in batch for key in one.keys])
