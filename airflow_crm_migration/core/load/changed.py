"""Updates records that stand in the destination, without touching what people changed there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import Refused
from airflow_crm_migration.core.load.batches import Result, write_batch
from airflow_crm_migration.core.load.context import LoadContext, blank, event, refused
from airflow_crm_migration.core.load.plan import Hashes, Task, hashes, times_of_change
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.ledger.objects import Row


@dataclass
class Change:
    """
    A record that stands in the destination and may have to be written over.

    :param last: the ledger's last event of it
    :param fields: names of the fields that changed in the source; None for a record that was there
        before us and that we have not written to yet
    :param before: the record as read just before it is written
    :param ours: names of the fields to write
    :param theirs: names of the fields that people changed too
    """

    task: Task
    last: Row
    fields: list[str] | None
    before: Stored | None = None
    ours: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)

    @property
    def known(self) -> Row:
        """What the ledger knows of the record and keeps when nothing is written."""
        return {n: self.last[n] for n in ("sent", "stored") if n in self.last}

    def rest(self, name: str) -> Hashes:
        """Return the hashes that the ledger has of the fields that are not written."""
        return {n: h for n, h in self.known.get(name, {}).items() if n not in self.ours}


class _Gone(Refused):
    """Sent again, an update of it would bring a record back that people removed."""


class ChangedRecords:
    """Collects changed records and updates them in full batches."""

    def __init__(self, context: LoadContext) -> None:
        """Begin an empty collection."""
        self._at = context
        self._size = context.destination.capabilities.batch_size
        self._waiting: list[Change] = []
        self._later: list[Change] = []

    def add(self, task: Task, last: Row, fields: list[str] | None = None) -> None:
        """
        Take a record that stands in the destination.

        :param last: the ledger's last event of it
        :param fields: those that changed in the source; left out for a record that was there
            before us: what is written of it the mapping says
        """
        task.id = last["id"]
        change = Change(task, last, fields)
        (self._later if self._takes_key(change) else self._waiting).append(change)
        if len(self._waiting) >= self._size:
            self._write()

    def finish(self) -> None:
        """Write what is waiting; last what takes a key that another record may give up."""
        self._write()
        later, self._later = self._later, []
        for start in range(0, len(later), self._size):
            self._waiting = later[start : start + self._size]
            self._write()

    def _takes_key(self, change: Change) -> bool:
        rule = self._at.line(change.task.key).existing
        if rule is None or rule.by not in (change.fields or ()):
            return False
        return not blank(change.task.values, rule.by)

    def _write(self) -> None:
        changes, self._waiting = self._waiting, []
        if not changes:
            return
        at = self._at
        found = at.destination.read(at.phase, [c.task.id for c in changes if c.task.id])
        told: list[Row] = []
        ready: list[Change] = []
        for change in changes:
            change.before = found.get(change.task.id or "")
            if change.before is None or change.before.trashed:
                told.append(self._gone(change))
                continue
            self._sort(change, change.before)
            if change.ours:
                ready.append(change)
            else:
                told.append(self._left(change))
        at.conclude(told)
        if ready:
            self._update(ready)

    # -- deciding --------------------------------------------------------------------------

    def _sort(self, change: Change, before: Stored) -> None:
        """Part the fields into those that are ours to write and those that people changed."""
        line = self._at.line(change.task.key)
        times = times_of_change(line)
        if change.fields is None:
            only_new = {rule.to for rule in line.fields if rule.only_new}
            fill = line.existing is not None and line.existing.policy == "fill"
            change.ours = [
                name
                for name in sorted(change.task.values.keys() - only_new - times)
                if not fill or blank(before.values, name)
            ]
        else:
            self._part(change, change.fields, before)
        if change.ours:
            # A destination takes the moment of the write for the time of change if it is not told.
            change.ours += sorted(t for t in times if not blank(change.task.values, t))

    def _part(self, change: Change, fields: Sequence[str], before: Stored) -> None:
        spec = self._at.spec
        now = hashes(spec, before.values, fields)
        meant = hashes(spec, change.task.values, fields)
        stored = change.known["stored"]
        change.ours = [n for n in fields if now.get(n) in (stored.get(n), meant.get(n))]
        change.theirs = [n for n in fields if n not in change.ours]

    def _gone(self, change: Change) -> Row:
        """Tell that people removed it: a change like any other, and theirs."""
        return event(
            change.task.key, Outcome.CONFLICT, Reason.GONE_FROM_DESTINATION,
            id=change.task.id, **change.known,
        )  # fmt: skip

    def _left(self, change: Change) -> Row:
        """Tell that nothing is to be written: all of it is theirs, or there is no blank to fill."""
        return event(
            change.task.key, id=change.task.id, sent=self._sent(change),
            stored=change.rest("stored"), **self._verdict(change),
        )  # fmt: skip

    def _verdict(self, change: Change) -> dict[str, Any]:
        """Return what the ledger says once all of ours is written."""
        if change.theirs:
            detail = ", ".join(change.theirs)
            return {
                "outcome": Outcome.CONFLICT, "reason": Reason.CHANGED_IN_BOTH, "detail": detail,
            }  # fmt: skip
        if change.fields is not None:
            return {"outcome": Outcome.UPDATED, "reason": Reason.SOURCE_CHANGED}
        outcome = Outcome.UPDATED if change.ours else Outcome(change.last["outcome"])
        return {"outcome": outcome, "reason": Reason(change.last["reason"])}

    def _sent(self, change: Change) -> Hashes:
        """Return the hashes of what the source says, fields left to people excepted."""
        values = change.task.values
        names = change.ours if change.fields is not None else values
        return change.rest("sent") | hashes(self._at.spec, values, names)

    # -- writing ---------------------------------------------------------------------------

    def _update(self, changes: list[Change]) -> None:
        at = self._at
        image = at.writer.keep_images(
            [{"id": c.task.id, "values": c.before.values} for c in changes if c.before]
        )
        at.writer.intend([self._intent(change, image) for change in changes])
        results = write_batch(
            lambda batch: at.destination.update(at.phase, batch),
            self._settled,
            [Write(c.task.id, {n: c.task.values.get(n) for n in c.ours}) for c in changes],
        )
        at.conclude(
            [self._told(c, result, image) for c, result in zip(changes, results, strict=True)]
        )

    def _settled(self, batch: Sequence[Write]) -> dict[str, Result]:
        """Tell which updates were written although the reply was lost, and what is gone."""
        spec = self._at.spec
        found = self._at.settle(self._at.phase, batch)
        fates: dict[str, Result] = {}
        for row in batch:
            stored = found.get(row.id or "", _Gone("it is gone"))
            if not isinstance(stored, Stored) or (
                hashes(spec, stored.values, row.values) == hashes(spec, row.values, row.values)
            ):
                fates[row.id or ""] = stored
        return fates

    def _intent(self, change: Change, image: str) -> Row:
        return {
            "key": list(change.task.key), "op": "update", "id": change.task.id,
            "object": self._at.spec.name, "values": change.task.place, "fields": change.ours,
            "sent": self._sent(change), "stored": change.rest("stored"), "image": image,
            "verdict": self._verdict(change),
        }  # fmt: skip

    def _told(self, change: Change, result: Result, image: str) -> Row:
        if isinstance(result, _Gone):
            return self._gone(change)
        if not isinstance(result, Stored):
            return refused(change.task.key, result.message) | {
                "id": change.task.id,
                **change.known,
            }
        spec = self._at.spec
        verdict = self._verdict(change)
        now = hashes(spec, result.values, change.ours)
        meant = hashes(spec, change.task.values, change.ours)
        differs = [n for n in change.ours if meant.get(n) != now.get(n)]
        if differs and not change.theirs:
            verdict |= {"reason": Reason.STORED_DIFFERENTLY, "detail": ", ".join(differs)}
        return event(
            change.task.key, id=result.id, sent=self._sent(change),
            stored=change.rest("stored") | now, image=image, fields=change.ours, **verdict,
        )  # fmt: skip
