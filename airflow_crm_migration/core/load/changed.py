"""Updates records that stand in the destination, without touching what people changed there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.load.batches import write_batch
from airflow_crm_migration.core.load.context import (
    LoadContext,
    blank,
    event,
    refused,
)
from airflow_crm_migration.core.load.plan import Task, hashes
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from airflow_crm_migration.core.ledger.objects import Row


@dataclass
class Change:
    """
    A record whose fields are to be written over.

    :param fields: names of the fields that may be written
    :param sent: hashes of what was sent before; empty for a record that was not ours
    :param stored: hashes of what the destination then stored
    """

    task: Task
    fields: list[str]
    sent: dict[str, Any]
    stored: dict[str, Any]
    foreign: bool = False
    before: Stored | None = None


class ChangedRecords:
    """Collects changed records and updates them in full batches."""

    def __init__(self, context: LoadContext) -> None:
        """Begin an empty collection."""
        self._at = context
        self._size = context.destination.capabilities.batch_size
        self._waiting: list[Change] = []

    def add_changed(self, task: Task, last: Row, fields: list[str]) -> None:
        """
        Take a record of ours that changed in the source.

        :param last: the ledger's last event of it
        """
        task.id = last["id"]
        self._take(
            Change(task, fields, dict(last.get("sent") or {}), dict(last.get("stored") or {}))
        )

    def add(self, task: Task, stored: Stored, *, fill: bool) -> None:
        """
        Take a record that was there before us.

        :param fill: write the fields that are blank in the destination only
        """
        task.id = stored.id
        only_new = {rule.to for rule in self._at.line(task.key).fields if rule.only_new}
        names = [n for n in task.values if n not in only_new]
        fields = [n for n in names if blank(stored.values, n)] if fill else names
        self._take(Change(task, fields, {}, {}, foreign=True))

    def finish(self) -> None:
        """Write what is left."""
        if self._waiting:
            self._write()

    def _take(self, change: Change) -> None:
        self._waiting.append(change)
        if len(self._waiting) >= self._size:
            self._write()

    def _write(self) -> None:
        changes, self._waiting = self._waiting, []
        at = self._at
        found = at.destination.read(at.phase, [c.task.id for c in changes if c.task.id])
        ready: list[tuple[Change, list[str], list[str]]] = []
        for change in changes:
            change.before = found.get(change.task.id or "")
            if change.before is None or change.before.trashed:
                at.conclude([self._gone(change)])
                continue
            ours, theirs = self._sort(change, change.before)
            if ours:
                ready.append((change, ours, theirs))
            else:
                at.conclude([self._kept(change, theirs)])
        if ready:
            self._update(ready)

    def _sort(self, change: Change, before: Stored) -> tuple[list[str], list[str]]:
        """Part the fields into those that are ours to write and those that people changed."""
        if change.foreign:
            return change.fields, []
        now = hashes(self._at.spec, before.values, [n for n in change.fields if n in before.values])
        ours = [n for n in change.fields if now.get(n) == change.stored.get(n)]
        return ours, [n for n in change.fields if n not in ours]

    def _gone(self, change: Change) -> Row:
        """Tell that people deleted it: a change like any other, and theirs."""
        key, identity = change.task.key, change.task.id
        return event(
            key, Outcome.CONFLICT, Reason.GONE_FROM_DESTINATION, id=identity,
            sent=change.sent, stored=change.stored,
        )  # fmt: skip

    def _kept(self, change: Change, theirs: list[str]) -> Row:
        return event(
            change.task.key, Outcome.CONFLICT, Reason.CHANGED_IN_BOTH, detail=", ".join(theirs),
            id=change.task.id, sent=change.sent, stored=change.stored,
        )  # fmt: skip

    def _update(self, ready: list[tuple[Change, list[str], list[str]]]) -> None:
        at = self._at
        images = [{"id": c.task.id, "values": c.before.values} for c, _, _ in ready if c.before]
        image = at.writer.keep_images(images)
        rows = [Write(c.task.id, {n: c.task.values.get(n) for n in ours}) for c, ours, _ in ready]
        at.writer.intend([self._intent(c, ours, image) for c, ours, _ in ready])
        results = write_batch(
            lambda batch: at.destination.update(at.phase, batch),
            self._settled,
            rows,
        )
        told = []
        for (change, ours, theirs), result in zip(ready, results, strict=True):
            if isinstance(result, Stored):
                told.append(self._updated(change, ours, theirs, result, image))
            else:
                told.append(refused(change.task.key, result.message))
        at.conclude(told)

    def _settled(self, batch: Any) -> dict[str, Stored]:
        """Find the updates that were written although the reply was lost: they hold what was sent."""
        found = self._at.settle(self._at.phase, batch)
        meant = {row.id: hashes(self._at.spec, row.values, row.values) for row in batch}
        return {
            row_id: stored
            for row_id, stored in found.items()
            if all(
                hashes(self._at.spec, stored.values, meant[row_id]).get(name) == value
                for name, value in meant[row_id].items()
            )
        }

    def _intent(self, change: Change, ours: list[str], image: str) -> Row:
        task, spec = change.task, self._at.spec
        values = {n: task.values.get(n) for n in ours}
        sent = hashes(spec, values, values)
        return {
            "key": list(task.key), "op": "update", "id": task.id, "object": spec.name,
            "values": task.place, "sent": {**change.sent, **sent}, "fields": ours,
            "stored": change.stored, "image": image,
        }  # fmt: skip

    def _updated(
        self, change: Change, ours: list[str], theirs: list[str], stored: Stored, image: str
    ) -> Row:
        spec, task = self._at.spec, change.task
        values = {n: task.values.get(n) for n in ours}
        sent = hashes(spec, values, values)
        now = hashes(spec, stored.values, [n for n in ours if n in stored.values])
        kept_sent = {n: h for n, h in change.sent.items() if n not in ours}
        kept_stored = {n: h for n, h in change.stored.items() if n not in ours}
        differs = sorted(n for n in sent if sent[n] != now.get(n))
        outcome = Outcome.CONFLICT if theirs else Outcome.UPDATED
        reason = Reason.CHANGED_IN_BOTH if theirs else Reason.SOURCE_CHANGED
        if differs and not theirs:
            reason = Reason.STORED_DIFFERENTLY
        return event(
            task.key, outcome, reason, detail=", ".join(theirs or differs), id=stored.id,
            sent={**kept_sent, **sent}, stored={**kept_stored, **now}, image=image,
        )  # fmt: skip
