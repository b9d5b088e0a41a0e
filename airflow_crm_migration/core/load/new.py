"""Creates the records that the destination does not hold yet, and links those that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import Duplicate, Refused
from airflow_crm_migration.core.ids import made_id
from airflow_crm_migration.core.load.batches import Result, write_batch
from airflow_crm_migration.core.load.changed import Change
from airflow_crm_migration.core.load.existing import ExistingRecords
from airflow_crm_migration.core.load.plan import attempt, changed_fields, writes_existing
from airflow_crm_migration.core.load.recognise import (
    Held,
    Recognised,
    holders,
    is_anothers,
    recognise,
)
from airflow_crm_migration.core.load.rows import BASES, created, event, intent, refused, some
from airflow_crm_migration.core.natural_keys import give_up_key, identifies, natural_keys
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from airflow_crm_migration.core.ids import Key
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.changed import ChangedRecords
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Task
    from airflow_crm_migration.core.mapping import Existing


class NewRecords:
    """Collects records to be created and writes them in full batches."""

    def __init__(self, context: LoadContext, changed: ChangedRecords) -> None:
        """
        Begin an empty collection.

        :param changed: takes the existing records that the mapping wants filled or updated
        """
        self._at = context
        self._changed = changed
        self._size = context.destination.capabilities.batch_size
        self._incoming: list[Task] = []
        self._ready: list[Task] = []
        self._later: list[Task] = []
        self._existing: dict[str, ExistingRecords] = {}

    def add(self, task: Task) -> None:
        """Take a record; a full batch is written."""
        task.id = self._free_id(task.key)
        self._incoming.append(task)
        if len(self._incoming) >= self._size:
            self._look_up()
        self._write_ready(self._size)

    def _free_id(self, key: Key) -> str:
        """Return the id that is made of a key; another one where a record of it was taken over."""
        at, number = self._at, 0
        while True:
            made_of = key._replace(part=f"again:{number}") if number else key
            found = made_id(at.tenant, at.engagement, made_of)
            if all(holder == key for holder in at.snapshot.holders(at.phase, found)):
                return found
            number += 1

    def finish(self) -> None:
        """Write what is left; last what brings a key that another record of ours may give up."""
        self._look_up()
        self._write_ready(1)
        if self._later:
            self._changed.finish()
            self._incoming, self._later = self._later, []
            self._look_up(again=True)
            self._write_ready(1)

    # -- existing records ------------------------------------------------------------------

    def _look_up(self, *, again: bool = False) -> None:
        """Sort the collected records into existing ones and those to create."""
        tasks, self._incoming = self._incoming, []
        held = self._held(tasks, again=again)
        for task in tasks:
            found = recognise(self._at, task, held)
            if found is None:
                self._ready.append(task)
            elif not again and is_anothers(self._at, task, found.stored):
                self._later.append(task)
            else:
                self._meet(task, found, Reason.EXISTING_RECORD)

    def _held(self, tasks: list[Task], *, again: bool) -> dict[str, Held]:
        """Return per field what the destination holds of the records' natural keys."""
        sought: dict[str, dict[str, None]] = {}
        for task in tasks:
            rule = self._at.line(task.key).existing
            keys = natural_keys(self._at.spec, rule.by, task.values) if rule else []
            if rule and keys:
                sought.setdefault(rule.by, {}).update(dict.fromkeys(keys))
        found = {}
        for field, wanted in sought.items():
            records = self._records(field)
            found[field] = (records.ask if again else records.find)(list(wanted))
        return found

    def _records(self, field: str) -> ExistingRecords:
        if field not in self._existing:
            at = self._at
            self._existing[field] = ExistingRecords(at.destination, at.spec, field, at.expected)
        return self._existing[field]

    def _meet(self, task: Task, found: Recognised, reason: Reason) -> None:
        """Do with a record that is there already what the mapping says."""
        rule, stored = found.rule, found.stored
        others = [e for e in holders(self._at, stored) if e.key != task.key]
        if stored.id == task.id and not stored.trashed and not others:
            self._at.conclude([created(self._at, self._at.spec, task, stored)])
        elif not identifies(self._at.spec, rule.by, found.key):
            self._give_up(task, rule)
            self._ready.append(task)
        elif not found.certain:
            several = Reason.EXISTING_AMBIGUOUS
            self._at.conclude([event(task.key, Outcome.HELD, several, detail=found.ids)])
        elif stored.trashed and others:
            # We brought it, and people threw it away: it is not for a namesake to bring it back.
            gone = Reason.GONE_FROM_DESTINATION
            self._at.conclude([event(task.key, Outcome.HELD, gone, detail=stored.id)])
        elif any(e.key.line == task.key.line and not self._at.gone(e.key) for e in others):
            self._give_up(task, rule)  # as where both come in one run: it stays with the first
            self._ready.append(task)
        elif made := next((e for e in others if _made_by(task.key.line, e)), None):
            self._take_over(task, made)
        elif rule.policy == "reject":
            self._at.conclude([event(task.key, Outcome.REJECTED, reason, detail=stored.id)])
        else:
            self._list_others(task, found, others)
            self._adopt(task, stored, reason)

    def _take_over(self, task: Task, before: Entry) -> None:
        """
        Let a record of ours stand for a new source record: that which it stood for is gone.

        The ledger is told in one object that the origin went over, with all that is known of the
        record, so that it is compared, counted and rolled back as the new one's.
        """
        at, taken = self._at, Reason.TAKEN_OVER
        # Of fields that were made again since nothing is known.
        last = (at.entry(before.key) or before).last
        known: Row = {name: last[name] for name in BASES if name in last}
        known |= some(images=dict(before.images))
        into = task.key.source_id
        at.writer.conclude(
            [
                event(before.key, Outcome.MERGED, taken, into=into),
                event(task.key, Outcome.CREATED, taken, id=before.destination_id, **known),
            ]
        )
        entry = at.snapshot.entry(task.key)
        assert entry is not None  # noqa: S101  (just told)
        line = at.line(task.key)
        fields = changed_fields(line, task.planned, entry, task.unknown)
        if fields:
            tried = attempt(line, task.planned, fields)
            self._changed.add(Change(task, entry.last, fields, tried))
        else:
            at.counts.add(task.key, Outcome.UNCHANGED, Reason.SAME)

    def _list_others(self, task: Task, found: Recognised, others: list[Entry]) -> None:
        """List what it could be as well, and what else the record stands for and is updated by."""
        problems = {Reason.EXISTING_AMBIGUOUS: found.ids if found.others else ""}
        if not writes_existing(self._at.line(task.key)):  # else told with every update
            problems[Reason.RECORD_SHARED] = ", ".join(entry.key.source_id for entry in others)
        issues = [
            {"field": found.rule.by, "problem": problem, "detail": detail}
            for problem, detail in problems.items()
            if detail
        ]
        self._at.counts.leave_out(task.key, issues)

    def _give_up(self, task: Task, rule: Existing) -> None:
        issue = give_up_key(self._at.line(task.key), rule.by, task.values)
        self._at.counts.leave_out(task.key, [issue])

    def _adopt(self, task: Task, stored: Stored, reason: Reason) -> None:
        outcome = Outcome.LINKED
        more: Row = {}
        if stored.trashed:
            more = {"image": self._restore(task, stored)}
            outcome, reason = Outcome.RESTORED, Reason.EXISTING_IN_TRASH
        row = event(task.key, outcome, reason, id=stored.id, **more)
        line = self._at.line(task.key)
        if writes_existing(line):
            self._at.writer.conclude([row])  # counted with what becomes of the update
            tried = attempt(line, task.planned)
            self._changed.add(Change(task, row, None, tried, adopted=True))
        else:
            self._at.conclude([row])

    def _restore(self, task: Task, stored: Stored) -> str:
        """Take a record out of the trash and return the name of its image before that."""
        image = self._at.writer.keep_images([{"id": stored.id, "values": stored.values}])
        row = {"key": list(task.key), "op": "restore", "id": stored.id, "image": image}
        self._at.intend([row])
        self._at.destination.restore(self._at.phase, [stored.id])
        return image

    # -- creating --------------------------------------------------------------------------

    def _write_ready(self, least: int) -> None:
        """Write batches for as long as there are so many records; writing may bring up new ones."""
        while len(self._ready) >= least:
            tasks, self._ready = self._ready[: self._size], self._ready[self._size :]
            self._write(tasks)

    def _write(self, tasks: list[Task]) -> None:
        at = self._at
        at.intend([intent(task, "create", at.spec) for task in tasks])
        rows = [Write(task.id, task.values) for task in tasks]
        results = write_batch(
            lambda batch: at.destination.create(at.phase, batch),
            lambda batch: at.settle(at.phase, batch),
            rows,
            takes=at.takes,
        )
        at.refusals.judge(at.phase, results)
        fates = list(zip(tasks, results, strict=True))
        at.conclude([row for task, result in fates if (row := self._told(task, result))])
        for task, result in fates:
            if isinstance(result, Duplicate):
                self._explain_duplicate(task, result)

    def _told(self, task: Task, result: Result) -> Row | None:
        if isinstance(result, Stored):
            return created(self._at, self._at.spec, task, result)
        return (
            None
            if isinstance(result, Duplicate)
            else refused(task.key, result.message, task.planned)
        )

    def _explain_duplicate(self, task: Task, refusal: Refused) -> None:
        """Find out who holds the value: somebody may have come between look-up and load."""
        found = recognise(self._at, task, self._held([task], again=True))
        if found is not None:
            self._meet(task, found, Reason.MADE_MEANWHILE)
        else:
            self._at.conclude([refused(task.key, refusal.message, task.planned)])


def _made_by(line: str, entry: Entry) -> bool:
    """Tell whether a line created the record that a source record stands for."""
    made = entry.origin is not None and entry.origin["outcome"] == Outcome.CREATED
    return made and entry.key.line == line
