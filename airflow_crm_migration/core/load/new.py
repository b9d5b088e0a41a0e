"""Creates the records that the destination does not hold yet, and links those that it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import Duplicate, Refused
from airflow_crm_migration.core.ids import made_id
from airflow_crm_migration.core.load.batches import Result, write_batch
from airflow_crm_migration.core.load.changed import Change
from airflow_crm_migration.core.load.existing import ExistingRecords
from airflow_crm_migration.core.load.plan import attempt, writes_existing
from airflow_crm_migration.core.load.rows import created, event, intent, refused
from airflow_crm_migration.core.natural_keys import give_up_key, identifies, natural_key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        task.id = made_id(self._at.tenant, self._at.engagement, task.key)
        self._incoming.append(task)
        if len(self._incoming) >= self._size:
            self._look_up()
        self._write_ready(self._size)

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
        sought: dict[int, tuple[Existing, str]] = {}
        for number, task in enumerate(self._incoming):
            rule = self._at.line(task.key).existing
            key = natural_key(self._at.spec, rule.by, task.values) if rule else None
            if rule and key:
                sought[number] = rule, key
        found: dict[int, Stored] = {}
        for field in dict.fromkeys(rule.by for rule, _ in sought.values()):
            wanted = {n: key for n, (rule, key) in sought.items() if rule.by == field}
            records = self._records(field)
            look = records.ask if again else records.find
            held = look(list(dict.fromkeys(wanted.values())))
            found |= {number: held[key] for number, key in wanted.items() if key in held}
        tasks, self._incoming = self._incoming, []
        self._ready += [task for number, task in enumerate(tasks) if number not in found]
        for number, stored in found.items():
            if not again and self._is_anothers(tasks[number], stored):
                self._later.append(tasks[number])
            else:
                self._meet(tasks[number], sought[number][0], stored, Reason.EXISTING_RECORD)

    def _is_anothers(self, task: Task, stored: Stored) -> bool:
        """Tell whether the key stands with another source record, which may give it up yet."""
        return any(entry.key != task.key for entry in self._holders(stored))

    def _holders(self, stored: Stored) -> Iterator[Entry]:
        """Return the source records that a record of the destination stands for."""
        for key in self._at.snapshot.holders(self._at.phase, stored.id):
            entry = self._at.snapshot.entry(key)
            if entry is not None and entry.stands:
                yield entry

    def _records(self, field: str) -> ExistingRecords:
        if field not in self._existing:
            at = self._at
            self._existing[field] = ExistingRecords(at.destination, at.spec, field, at.expected)
        return self._existing[field]

    def _meet(self, task: Task, rule: Existing, stored: Stored, reason: Reason) -> None:
        """Do with a record that is there already what the mapping says."""
        key = natural_key(self._at.spec, rule.by, task.values) or ""
        if stored.id == task.id and not stored.trashed:
            self._at.conclude([created(self._at, self._at.spec, task, stored)])
        elif not identifies(self._at.spec, rule.by, key):
            self._give_up(task, rule)
            self._ready.append(task)
        elif stored.trashed and any(self._holders(stored)):
            # We brought it, and people threw it away: it is not for a namesake to bring it back.
            gone = Reason.GONE_FROM_DESTINATION
            self._at.conclude([event(task.key, Outcome.HELD, gone, detail=stored.id)])
        elif rule.policy == "reject":
            self._at.conclude([event(task.key, Outcome.REJECTED, reason, detail=stored.id)])
        else:
            self._adopt(task, stored, reason)

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
        rule = self._at.line(task.key).existing
        key = natural_key(self._at.spec, rule.by, task.values) if rule else None
        held = self._records(rule.by).ask([key]) if rule and key else {}
        if rule and key and key in held:
            self._meet(task, rule, held[key], Reason.MADE_MEANWHILE)
        else:
            self._at.conclude([refused(task.key, refusal.message, task.planned)])
