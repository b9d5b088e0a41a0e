"""Updates records that stand in the destination, without touching what people changed there."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import Duplicate, Refused
from airflow_crm_migration.core.load.batches import Result, write_batch
from airflow_crm_migration.core.load.conflicts import Conflict
from airflow_crm_migration.core.load.merge import Rewritten, carried
from airflow_crm_migration.core.load.parting import Comparison, Parted, to_adopt
from airflow_crm_migration.core.load.plan import (
    Hashes,
    Task,
    blank,
    hashes,
    never_written_over,
    times_of_change,
)
from airflow_crm_migration.core.load.rows import BASES, event, refused, rewriting, some
from airflow_crm_migration.core.load.swaps import give_up_keys, give_up_taken
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.protocols import Values


@dataclass
class Change:
    """
    A record that stands in the destination and may have to be written over.

    :param last: the ledger's last event of it
    :param fields: names of the fields that changed in the source, none for a record that is only
        looked for; None for one that was there before us and that we have not written to yet
    :param tried: hashes of the change; refused once, it is not sent again
    :param adopted: whether the record was there before us
    :param kept: of an attachment its binary where it is another in the source now: it stays
    :param before: the record as read just before it is written
    """

    task: Task
    last: Row
    fields: list[str] | None
    tried: Hashes
    adopted: bool = False
    kept: Sequence[str] = ()
    before: Stored | None = None
    parted: Parted = field(default_factory=Parted)

    @property
    def known(self) -> Row:
        """What the ledger knows of the record and keeps when nothing is written."""
        return {n: self.last[n] for n in BASES if n in self.last}

    @property
    def ours(self) -> Values:
        """What is to be written."""
        return self.parted.ours

    @property
    def names(self) -> list[str]:
        """The fields of which the ledger learns something new."""
        return [*self.ours, *self.parted.agreed]

    def rest(self, name: str) -> dict[str, Any]:
        """Return what the ledger keeps of the other fields."""
        return {n: h for n, h in self.known.get(name, {}).items() if n not in self.names}


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

    def add(self, change: Change) -> None:
        """Take a record that stands in the destination."""
        change.task.id = change.last["id"]
        if any(change.task.id == other.task.id for other in self._waiting):
            self._write()  # two source records may be one there: each sees what the other wrote
        (self._later if self._takes_key(change) else self._waiting).append(change)
        if len(self._waiting) >= self._size:
            self._write()

    def finish(self) -> None:
        """Write what is waiting; last what takes a key that another record may give up."""
        self._write()
        later, self._later = self._later, []
        give_up_keys(self._at, later, self._settled)
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
                told += self._gone(change)
                continue
            self._part(change, change.before)
            if change.ours:
                ready.append(change)
            else:
                told += self._left(change)
        at.conclude(told)
        if ready:
            self._update(ready)

    # -- deciding --------------------------------------------------------------------------

    def _part(self, change: Change, before: Stored) -> None:
        """Part the fields into those that are ours to write and those that people changed."""
        at, values = self._at, change.task.values
        line = at.line(change.task.key)
        fill = self._only_fills(change)
        others = self._others(change)
        if change.fields is None:
            without = never_written_over(line)
            ours = to_adopt(at.spec, values, before.values, only_blanks=fill, without=without)
            change.parted = Parted(ours)
        else:
            both = Comparison(
                at.spec, change.last, values, before.values, at.keeps, only_blanks=fill,
                others=others,
            )  # fmt: skip
            change.parted = both.part(change.fields)
            self._list(change, change.parted.theirs, "destination")
        if change.ours:
            # A destination takes the moment of the write for the time of change if it is not told.
            told = {t: values[t] for t in sorted(times_of_change(line)) if not blank(values, t)}
            change.parted.ours = change.ours | told

    def _others(self, change: Change) -> list[Hashes]:
        """Return what was stored for other source records that stand for the same record."""
        snapshot, key = self._at.snapshot, change.task.key
        holders = snapshot.holders(self._at.phase, change.task.id or "")
        entries = (snapshot.entry(holder) for holder in holders if holder != key)
        others = [entry for entry in entries if entry is not None and entry.stands]
        for entry in others:
            issue = {"field": "", "problem": Reason.RECORD_SHARED, "detail": entry.key.source_id}
            self._at.counts.leave_out(key, [issue])
        return [entry.last.get("stored", {}) for entry in others]

    def _only_fills(self, change: Change) -> bool:
        rule = self._at.line(change.task.key).existing
        return change.adopted and rule is not None and rule.policy == "fill"

    def _gone(self, change: Change) -> list[Row]:
        """Tell that people removed it: a change like any other, and theirs."""
        self._list(change, change.fields or [""], "destination", Reason.GONE_FROM_DESTINATION)
        row = event(
            change.task.key, Outcome.CONFLICT, Reason.GONE_FROM_DESTINATION,
            id=change.task.id, **change.known,
        )  # fmt: skip
        return self._news(change, row)

    def _left(self, change: Change) -> list[Row]:
        """Tell that nothing is to be written: all of it is theirs, or there is no blank to fill."""
        stored = change.before.values if change.before else {}
        row = event(
            change.task.key, id=change.task.id, **self._verdict(change),
            **self._bases(change, hashes(self._at.spec, stored, change.parted.agreed)),
        )  # fmt: skip
        return self._news(change, row)

    def _news(self, change: Change, row: Row) -> list[Row]:
        """Return the row unless the ledger says so: a conflict that stands costs nothing."""
        names = ("outcome", "reason", "detail", "sent")
        if any(row.get(n) != change.last.get(n) for n in names):
            return [row]
        self._at.counts.add(change.task.key, row["outcome"], row["reason"])
        return []

    def _list(
        self,
        change: Change,
        names: Sequence[str],
        kept: str,
        reason: Reason = Reason.CHANGED_IN_BOTH,
    ) -> None:
        now = change.before.values if change.before and not change.before.trashed else {}
        behind = change.known.get("behind", {})
        for name in names:
            conflict = Conflict(
                change.task.key, name, reason, kept, change.task.id or "",
                place=behind.get(name, change.known.get("values")),
                source=change.task.values.get(name), destination=now.get(name),
            )  # fmt: skip
            self._at.counts.conflicts.append(conflict)

    def _verdict(self, change: Change) -> dict[str, Any]:
        """Return what the ledger says once all of ours is written."""
        both = change.parted.theirs or change.parted.overruled
        if both:
            outcome = Outcome.CONFLICT if change.parted.theirs else Outcome.UPDATED
            detail = ", ".join(both)
            return {"outcome": outcome, "reason": Reason.CHANGED_IN_BOTH, "detail": detail}
        if change.kept:
            detail = ", ".join(change.kept)
            return {"outcome": Outcome.CONFLICT, "reason": Reason.FILE_CHANGED, "detail": detail}
        if change.fields is not None:
            reason = Reason.FIELD_MADE_ANEW if change.task.anew else Reason.SOURCE_CHANGED
            reason = reason if change.fields else Reason.RESOLVED
            return {"outcome": Outcome.UPDATED, "reason": reason}
        outcome = Outcome.UPDATED if change.ours else Outcome(change.last["outcome"])
        return {"outcome": outcome, "reason": Reason(change.last["reason"])}

    def _bases(
        self, change: Change, now: Hashes, pairs: Mapping[str, Rewritten] = MappingProxyType({})
    ) -> Row:
        """
        Return what the ledger says of the fields from now on.

        Of those left to people, and of those that the run cannot tell, what was sent stays true.

        :param now: hashes of what is stored of the fields that were written or agreed
        :param pairs: multi-value -> how the platform rewrote the elements that were written
        """
        planned, last = change.task.planned, change.known
        if change.fields is None and not self._only_fills(change):
            now = self._found(change) | now
        names = planned if change.fields is None else change.names
        sent = change.rest("sent") | {n: planned[n] for n in names if n in planned}
        rewritten = {
            name: carried(
                last.get("rewritten", {}).get(name, {}), pairs.get(name, {}),
                sent.get(name, ()), now.get(name, ()),
            )
            for name in change.names if self._at.spec.fields[name].type.many
        }  # fmt: skip
        kept = change.rest("rewritten") | {n: f for n, f in rewritten.items() if f != {}}
        left = {*change.parted.theirs, *change.kept}
        left |= change.task.unknown & last.get("sent", {}).keys()
        behind = {n: last.get("behind", {}).get(n, last["values"]) for n in sorted(left)}
        return {
            "sent": sent, "stored": change.rest("stored") | now, "values": change.task.place,
            **some(behind=behind, rewritten=kept, file_id=last.get("file_id")),
        }  # fmt: skip

    def _found(self, change: Change) -> Hashes:
        """Return hashes of what a record held before us in the fields that may be written yet."""
        before = change.before.values if change.before else {}
        names = self._at.written(change.task.key) - change.ours.keys()
        never = never_written_over(self._at.line(change.task.key))
        return hashes(self._at.spec, before, names - never)

    # -- writing ---------------------------------------------------------------------------

    def _update(self, changes: list[Change]) -> None:
        at = self._at
        image = at.writer.keep_images(
            [{"id": c.task.id, "values": c.before.values} for c in changes if c.before]
        )
        at.intend([self._intent(change, image) for change in changes])
        results = write_batch(
            lambda batch: at.destination.update(at.phase, batch),
            self._settled,
            [Write(c.task.id, c.ours) for c in changes],
            takes=at.takes,
        )
        at.refusals.judge(at.phase, results)
        fates = list(zip(changes, results, strict=True))
        again = [c for c, r in fates if isinstance(r, Duplicate) and give_up_taken(at, c)]
        at.conclude([row for c, r in fates if c not in again for row in self._told(c, r, image)])
        at.conclude([row for c in again if not c.ours for row in self._left(c)])
        if rest := [c for c in again if c.ours]:
            self._update(rest)

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
        before = change.before.values if change.before else {}
        return {
            "key": list(change.task.key), "op": "update", "id": change.task.id,
            "object": self._at.spec.name, "fields": list(change.ours), "image": image,
            "meant": hashes(self._at.spec, change.ours, change.ours),
            "before": hashes(self._at.spec, before, change.ours),
            "verdict": self._verdict(change),
            **self._bases(change, hashes(self._at.spec, before, change.parted.agreed)),
        }  # fmt: skip

    def _told(self, change: Change, result: Result, image: str) -> list[Row]:
        if isinstance(result, _Gone):
            return self._gone(change)
        if not isinstance(result, Stored):
            row = refused(change.task.key, result.message, change.tried)
            return [row | {"id": change.task.id, **change.known}]
        spec = self._at.spec
        verdict = self._verdict(change)
        now = hashes(spec, result.values, change.ours)
        meant = hashes(spec, change.ours, change.ours)
        differs = [n for n in change.ours if meant.get(n) != now.get(n)]
        if differs and verdict["outcome"] != Outcome.CONFLICT and not change.parted.overruled:
            verdict |= {"reason": Reason.STORED_DIFFERENTLY, "detail": ", ".join(differs)}
        self._list(change, change.parted.overruled, "source")
        before = change.before.values if change.before else {}
        row = event(
            change.task.key, id=result.id, image=image, fields=list(change.ours), **verdict,
            **self._bases(
                change, hashes(spec, before, change.parted.agreed) | now,
                rewriting(spec, change.ours, result.values),
            ),
        )  # fmt: skip
        return [row]
