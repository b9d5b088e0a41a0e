"""Writes the rows of many-to-many links, once both ends stand in the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key, made_id
from airflow_crm_migration.core.load.batches import write_batch
from airflow_crm_migration.core.load.context import LoadContext, created, intent, refused
from airflow_crm_migration.core.load.plan import Task
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_crm_migration.core.fields import Join
    from airflow_crm_migration.core.load.records import Placed


def load_joins(context: LoadContext, drafts: Iterable[Placed]) -> None:
    """Write the join rows of all drafts that stand in the destination and lack them."""
    size = context.destination.capabilities.batch_size
    waiting: dict[str, list[Task]] = {}
    for place, draft in drafts:
        for join, task in _rows(context, place, draft):
            tasks = waiting.setdefault(join.object, [])
            tasks.append(task)
            if len(tasks) >= size:
                _write(context, join.object, waiting.pop(join.object))
    for name, tasks in waiting.items():
        _write(context, name, tasks)


def _rows(
    context: LoadContext, place: list[Any], draft: dict[str, Any]
) -> Iterator[tuple[Join, Task]]:
    record = Key(*draft["key"])
    own = context.snapshot.destination_id([record]) if draft.get("joins") else None
    if own is None:
        return
    for name, links in draft["joins"].items():
        join = context.spec.fields[name].join
        if join is None:
            raise LookupError(f"{context.phase}.{name} is not a many-to-many field")
        linked: set[str | None] = {None}
        for keys in links["targets"]:
            first = Key(*keys[0])
            key = record._replace(part=f"{join.object}:{first.source_object}:{first.source_id}")
            target = context.snapshot.destination_id(Key(*k) for k in keys)
            # Two source records may be one in the destination: it is linked once.
            if _is_due(context, key, target) and target not in linked:
                column = join.other[context.line(first).destination]
                identity = made_id(context.tenant, context.engagement, key)
                yield join, Task(key, {join.own: own, column: target}, place, identity)
            linked.add(target)


def _is_due(context: LoadContext, key: Key, target: str | None) -> bool:
    """Tell whether a row is to be written; one that cannot be is listed."""
    entry = context.snapshot.entry(key)
    if entry is not None and entry.stands:
        context.counts.add(key, Outcome.UNCHANGED, Reason.SAME)
        return False
    if target is None:
        join, _, source_id = key.part.split(":", 2)
        issue = {"field": join, "problem": Reason.PARENT_NOT_LOADED, "detail": source_id}
        context.counts.leave_out(key._replace(part=""), [issue])
    return target is not None


def _write(context: LoadContext, name: str, tasks: list[Task]) -> None:
    spec = context.schema[name]
    context.writer.intend([intent(task, "create", spec) for task in tasks])
    results = write_batch(
        lambda batch: context.destination.create(name, batch),
        lambda batch: context.settle(name, batch),
        [Write(task.id, task.values) for task in tasks],
    )
    context.conclude(
        [
            created(spec, task, result)
            if isinstance(result, Stored)
            else refused(task.key, result.message)
            for task, result in zip(tasks, results, strict=True)
        ]
    )
