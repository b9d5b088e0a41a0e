"""Brings the rows of many-to-many links up to date, once both ends stand in the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key, made_id
from airflow_crm_migration.core.load.batches import write_batch
from airflow_crm_migration.core.load.gone_links import GoneLinks, linked_to
from airflow_crm_migration.core.load.parents import Parents, join_key, join_of
from airflow_crm_migration.core.load.plan import Task, hashes
from airflow_crm_migration.core.load.rows import created, intent, refused
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_crm_migration.core.fields import Join
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.records import Placed


def load_joins(
    context: LoadContext, drafts: Iterable[Placed], say: Callable[[int], None] = lambda done: None
) -> None:
    """
    Write the join rows of all drafts that stand in the destination and lack them.

    Rows that an earlier run made of links that are gone from the source are removed.

    :param say: told after each draft how many were seen
    """
    size = context.destination.capabilities.batch_size
    waiting: dict[str, list[Task]] = {}
    parents = Parents(context)
    gone = GoneLinks(context)
    for done, (place, draft) in enumerate(parents.ahead(drafts), start=1):
        gone.add(draft)
        for name, task in _due(parents, place, draft):
            tasks = waiting.setdefault(name, [])
            tasks.append(task)
            if len(tasks) >= size:
                _write(context, name, waiting.pop(name))
        say(done)
    for name, tasks in waiting.items():
        _write(context, name, tasks)
    gone.finish()


def _due(parents: Parents, place: list[Any], draft: dict[str, Any]) -> Iterator[tuple[str, Task]]:
    """Yield the rows of a draft that are to be written, each with the object that takes it."""
    context = parents.context
    record = Key(*draft["key"])
    own = context.snapshot.destination_id([record]) if draft.get("joins") else None
    if own is None:
        return
    for name, links in draft["joins"].items():
        join = join_of(context, name)
        lacking, linked = _standing(context, record, join, links["targets"])
        for key, keys in lacking:
            target = parents.destination_id(keys)
            if target is None:
                _leave_out(context, key)
            # Two source records may be one in the destination: it is linked once.
            elif target not in linked and not _is_linked(context, record, join, keys):
                linked.add(target)
                column = join.other[context.line(keys[0]).destination]
                task = Task(key, {join.own: own, column: target}, place)
                if _is_new(context, join, task):
                    yield join.object, task


def _standing(
    context: LoadContext, record: Key, join: Join, targets: Iterable[list[list[str]]]
) -> tuple[list[tuple[Key, list[Key]]], set[str | None]]:
    """Part the rows that lack from what those that stand link to, whatever their order."""
    lacking = []
    linked: set[str | None] = set()
    for target in targets:
        keys = [Key(*key) for key in target]
        key = join_key(record, join, keys[0])
        entry = context.snapshot.entry(key)
        if entry is not None and entry.stands:
            context.counts.add(key, Outcome.UNCHANGED, Reason.SAME)
            linked.add(context.snapshot.destination_id(keys))
        else:
            lacking.append((key, keys))
    return lacking, linked


def _is_linked(context: LoadContext, record: Key, join: Join, keys: list[Key]) -> bool:
    rows = context.snapshot.parts_of(record)
    return any(linked_to(context, join, row, keys) for row in rows)


def _leave_out(context: LoadContext, key: Key) -> None:
    join, _, source_id = key.part.split(":", 2)
    issue = {"field": join, "problem": Reason.PARENT_NOT_LOADED, "detail": source_id}
    context.counts.leave_out(key._replace(part=""), [issue])


def _is_new(context: LoadContext, join: Join, task: Task) -> bool:
    """Tell whether a row is to be sent: one that was refused before is not sent again."""
    task.id = made_id(context.tenant, context.engagement, task.key)
    task.planned = hashes(context.schema[join.object], task.values, task.values)
    if context.refused_before(context.snapshot.entry(task.key), task.planned):
        context.counts.add(task.key, Outcome.REJECTED, Reason.REFUSED)
        return False
    return True


def _write(context: LoadContext, name: str, tasks: list[Task]) -> None:
    spec = context.schema[name]
    context.intend([intent(task, "create", spec) for task in tasks])
    results = write_batch(
        lambda batch: context.destination.create(name, batch),
        lambda batch: context.settle(name, batch),
        [Write(task.id, task.values) for task in tasks],
        takes=context.takes,
    )
    context.refusals.judge(name, results)
    context.conclude(
        [
            created(context, spec, task, result)
            if isinstance(result, Stored)
            else refused(task.key, result.message, task.planned)
            for task, result in zip(tasks, results, strict=True)
        ]
    )
