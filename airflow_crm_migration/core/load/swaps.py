"""Records that exchange unique values: each gives its own up before any of them takes another's.

A destination judges every write by itself: while both hold theirs, neither can take the other's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.load.batches import Result, write_batch
from airflow_crm_migration.core.load.parting import elements
from airflow_crm_migration.core.load.plan import blank, hashes
from airflow_crm_migration.core.load.rows import event, unwritten
from airflow_crm_migration.core.natural_keys import give_up_key, natural_key, stored_key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.load.changed import Change
    from airflow_crm_migration.core.load.context import LoadContext


@dataclass
class _Giving:
    """A record that gives a unique value up; ``left`` is what the field then holds."""

    change: Change
    field: str
    before: Stored
    left: Any


def give_up_keys(
    context: LoadContext,
    changes: Sequence[Change],
    settle: Callable[[Sequence[Write]], dict[str, Result]],
) -> None:
    """
    Free the unique values that one of the records holds and another is about to take.

    The ledger is told at once, so that a crash in between leaves a record that takes its new value
    in the next run. What people made of a value since is theirs and stays.

    :param changes: each of which takes a unique value
    :param settle: asks for the fate of updates whose reply was lost
    """
    takers: dict[tuple[str, str], set[int]] = defaultdict(set)
    for change in changes:
        field = _field(context, change)
        key = natural_key(context.spec, field, change.task.values)
        takers[field, key or ""].add(id(change))
    size = context.destination.capabilities.batch_size
    for start in range(0, len(changes) if len(changes) > 1 else 0, size):
        giving = list(_giving(context, changes[start : start + size], takers))
        if giving:
            _write(context, giving, settle)


def give_up_taken(context: LoadContext, change: Change) -> bool:
    """
    Take the unique value out of a change that was refused because somebody else has it.

    The ledger notes it as sent: like a new record's, it is not asked for by every run. The text
    goes where the mapping says, unless something is there already.

    :return: whether there was one: the rest can be sent
    """
    line = context.line(change.task.key)
    field = line.existing.by if line.existing else ""
    if field not in change.ours or change.before is None:
        return False
    values = dict(change.task.values)
    issue = give_up_key(line, field, values)
    context.counts.leave_out(change.task.key, [issue])
    noted = {n: v for n, v in values.items() if v != change.task.values.get(n)}
    ours = {n: v for n, v in change.ours.items() if n != field}
    ours |= {n: v for n, v in noted.items() if blank(change.before.values, n)}
    change.parted.ours, change.parted.agreed = ours, [*change.parted.agreed, field]
    return True


def _field(context: LoadContext, change: Change) -> str:
    rule = context.line(change.task.key).existing
    assert rule is not None  # noqa: S101  (only lines with the rule have unique values)
    return rule.by


def _giving(
    context: LoadContext, changes: Sequence[Change], takers: dict[tuple[str, str], set[int]]
) -> Iterator[_Giving]:
    found = context.destination.read(context.phase, [c.task.id for c in changes if c.task.id])
    for change in changes:
        stored, field = found.get(change.task.id or ""), _field(context, change)
        if stored is None or stored.trashed:
            continue
        key = stored_key(context.destination, context.spec, field, stored)
        others = takers.get((field, key or ""), set()) - {id(change)}
        if others and _is_ours(context, change, stored, field):
            many = context.spec.fields[field].type.many
            yield _Giving(change, field, stored, stored.values[field][1:] if many else None)


def _is_ours(context: LoadContext, change: Change, stored: Stored, field: str) -> bool:
    """Tell whether the value that counts is still the one that was stored."""
    now = hashes(context.spec, stored.values, [field]).get(field)
    then = change.last.get("stored", {}).get(field)
    return bool(now[:1] == then[:1] if now and then else now == then)


def _write(
    context: LoadContext,
    giving: Sequence[_Giving],
    settle: Callable[[Sequence[Write]], dict[str, Result]],
) -> None:
    image = context.writer.keep_images(
        [{"id": g.before.id, "values": g.before.values} for g in giving]
    )
    intents = [_intent(context, one, image) for one in giving]
    context.intend(intents)
    results = write_batch(
        lambda batch: context.destination.update(context.phase, batch),
        settle,
        [Write(g.before.id, {g.field: g.left}) for g in giving],
        takes=context.takes,
    )
    told = [
        _told(context, one, row, result)
        for one, row, result in zip(giving, intents, results, strict=True)
    ]
    context.writer.conclude(told)  # counted with the value that each of them takes
    for one, row in zip(giving, told, strict=True):
        if "outcome" in row:
            one.change.last = row


def _intent(context: LoadContext, one: _Giving, image: str) -> Row:
    known = one.change.known
    stored = {n: h for n, h in known["stored"].items() if n != one.field}
    return {
        **known, "key": list(one.change.task.key), "op": "update", "id": one.before.id,
        "object": context.spec.name, "fields": [one.field], "image": image, "stored": stored,
        "sent": _sent(context, one),
        "meant": hashes(context.spec, {one.field: one.left}, [one.field]),
        "verdict": {"outcome": Outcome.UPDATED, "reason": Reason.SOURCE_CHANGED},
    }  # fmt: skip


def _sent(context: LoadContext, one: _Giving) -> Row:
    """Return what the ledger says was sent, as if the source had taken the value back first."""
    known, field = one.change.known, one.field
    sent = {n: h for n, h in known["sent"].items() if n != field}
    if not context.spec.fields[field].type.many:
        return sent
    base = elements(known, field)
    first = hashes(context.spec, one.before.values, [field])[field][0]
    rest = [h for h in base.sent if base.form(h) != first]
    return sent | ({field: rest} if rest else {})


def _told(context: LoadContext, one: _Giving, row: Row, result: Result) -> Row:
    if not isinstance(result, Stored):
        return unwritten(row)
    now = hashes(context.spec, result.values, [one.field])
    known = {**one.change.known, "sent": row["sent"], "stored": row["stored"] | now}
    return event(
        one.change.task.key, id=one.before.id, image=row["image"], fields=row["fields"],
        **row["verdict"], **known,
    )  # fmt: skip
