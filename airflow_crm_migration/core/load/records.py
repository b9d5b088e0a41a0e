"""Loads one phase: plans each draft from the ledger, and hands it to whoever writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.changed import Change, ChangedRecords
from airflow_crm_migration.core.load.context import Events
from airflow_crm_migration.core.load.new import NewRecords
from airflow_crm_migration.core.load.parents import Parents, new_links
from airflow_crm_migration.core.load.plan import (
    Task,
    Unlinked,
    attempt,
    changed_fields,
    check_joins,
    hashes,
    resolve_links,
    same_outcome,
    writes_existing,
)
from airflow_crm_migration.core.load.rows import event, resolved
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Hashes
    from airflow_crm_migration.core.protocols import Values

Placed = tuple[list[Any], dict[str, Any]]
"""Where a draft lies (run, part, row), and the draft."""


def load_records(
    context: LoadContext, drafts: Iterable[Placed], say: Callable[[int], None] = lambda done: None
) -> None:
    """
    Write the records of all drafts that are not in the destination as they should be.

    :param context: the phase; its counts tell afterwards what became of each draft
    :param say: told after each draft how many were seen
    """
    changed = ChangedRecords(context)
    parents = Parents(context)
    plan = _Plan(context, parents, NewRecords(context, changed), changed)
    for done, (place, draft) in enumerate(parents.ahead(drafts), start=1):
        if "outcome" in draft:
            plan.keep_out(draft)
        else:
            plan.take(place, draft)
        say(done)
    plan.finish()


class KeptOut:
    """Collects the outcomes of records that are not loaded, and tells the ledger what is new."""

    def __init__(self, context: LoadContext) -> None:
        """Begin an empty collection."""
        self._at = context
        self._events = Events(context)

    def add(self, draft: Mapping[str, Any]) -> None:
        """Note the outcome of a record, unless the ledger has it already."""
        key = Key(*draft["key"])
        entry = self._at.snapshot.entry(key)
        if entry is not None and entry.stands:
            # It arrived in an earlier run; what became of it since is told, never undone.
            self._at.counts.add(key, Outcome.UNCHANGED, Reason.SAME)
            issue = {"field": "", "problem": draft["reason"], "detail": "arrived before"}
            self._at.counts.leave_out(key, [issue])
        elif same_outcome(entry, draft):
            self._at.counts.add(key, draft["outcome"], draft["reason"])
        else:
            self._events.add(dict(draft))

    def flush(self) -> None:
        """Tell the ledger."""
        self._events.flush()


def placed_task(
    parents: Parents, place: list[Any], draft: Mapping[str, Any], kept_out: KeptOut
) -> Task | None:
    """
    Resolve a draft's links and owners to ids of the destination.

    :param parents: looked up ahead
    :return: None when it is held: a parent that it cannot do without did not arrive, or its owner
        or a value that the mapping does not know yet is waited for
    """
    context = parents.context
    key = Key(*draft["key"])
    entry = context.snapshot.entry(key)
    stands = entry is not None and entry.stands
    if not stands and (held := _waits(context, draft)) is not None:
        kept_out.add(held)
        return None
    try:
        # What stands keeps the links that it has; whose target people removed is their change.
        check_joins(draft, context.snapshot if stands else parents)
        links, left_out = _links(parents, draft)
    except Unlinked as held:
        kept_out.add(event(key, Outcome.HELD, held.reason, detail=held.field))
        return None
    owners, unknown = _owners(context, draft)
    context.counts.leave_out(key, [*draft.get("issues", ()), *left_out, *unknown])
    unresolved = (draft.get("links", {}).keys() - links.keys()) | {i["field"] for i in unknown}
    values = {**draft["values"], **links, **owners}
    return Task(
        key, values, place, planned=hashes(context.spec, values, values),
        unknown=frozenset({*draft.get("unknown", ()), *unresolved}),
    )  # fmt: skip


def _waits(context: LoadContext, draft: Mapping[str, Any]) -> Row | None:
    """Return why a record that is not there yet must wait, None when it need not."""
    if "if_new" in draft:
        return {"key": draft["key"], **draft["if_new"]}
    if context.hold_unknown_owners:
        _, unknown = _owners(context, draft)
        for issue in unknown:
            detail = f"{issue['field']}: {issue['detail']}"
            return event(Key(*draft["key"]), Outcome.HELD, Reason.OWNER_MISSING, detail=detail)
    return None


def _links(parents: Parents, draft: Mapping[str, Any]) -> tuple[Values, list[dict[str, str]]]:
    new = new_links(parents.context, draft)
    links = draft.get("links", {})
    kept, _ = resolve_links(
        {"links": {name: link for name, link in links.items() if name not in new}},
        parents.context.snapshot,
    )
    added, left_out = resolve_links({"links": {name: links[name] for name in new}}, parents)
    return kept | added, left_out


def _owners(
    context: LoadContext, draft: Mapping[str, Any]
) -> tuple[dict[str, str], list[dict[str, str]]]:
    found: dict[str, str] = {}
    unknown = []
    for field, owner in draft.get("owners", {}).items():
        member = context.owners.get(owner)
        if member is not None:
            found[field] = member
        elif owner not in context.owners:
            unknown.append({"field": field, "problem": Reason.OWNER_MISSING, "detail": owner})
    return found, unknown


class _Plan:
    def __init__(
        self, context: LoadContext, parents: Parents, new: NewRecords, changed: ChangedRecords
    ) -> None:
        self._at = context
        self._parents = parents
        self._new = new
        self._changed = changed
        self._kept_out = KeptOut(context)
        self._ended = Events(context)

    def keep_out(self, draft: dict[str, Any]) -> None:
        self._kept_out.add(self._with_parent(draft) if "parent" in draft else draft)

    def take(self, place: list[Any], draft: dict[str, Any]) -> None:
        """Sort a draft into new, changed, unchanged or held."""
        task = placed_task(self._parents, place, draft, self._kept_out)
        if task is None:
            return
        entry = self._at.entry(task.key)
        if not (entry and entry.stands) and self._at.refused_before(entry, task.planned):
            self._at.counts.add(task.key, Outcome.REJECTED, Reason.REFUSED)
        elif entry is None or not entry.stands:
            self._new.add(task)
        else:
            self._compare(task, entry)

    def finish(self) -> None:
        """Write everything that still waits."""
        self._kept_out.flush()
        self._ended.flush()
        self._new.finish()
        self._changed.finish()

    def _with_parent(self, draft: dict[str, Any]) -> dict[str, Any]:
        """Judge a value that lives in another record: it arrived only when that record did."""
        self._new.finish()
        self._changed.finish()
        parents = [Key(*key) for key in draft["parent"]]
        kept = {name: value for name, value in draft.items() if name != "parent"}
        if self._at.snapshot.destination_id(parents) is not None:
            return kept
        return {**kept, "outcome": Outcome.HELD, "reason": Reason.PARENT_NOT_LOADED}

    def _compare(self, task: Task, entry: Entry) -> None:
        """Sort a record that stands in the destination."""
        line = self._at.line(task.key)
        if "sent" in entry.last:
            fields = changed_fields(line, task.planned, entry, task.unknown)
            task.anew = bool(fields) and self._is_as_sent(task)
            self._sort(task, entry, fields, attempt(line, task.planned, fields))
        elif writes_existing(line):
            self._sort(task, entry, None, attempt(line, task.planned))
        else:
            self._at.counts.add(task.key, entry.outcome, entry.last["reason"])

    def _is_as_sent(self, task: Task) -> bool:
        """Tell whether the source says what was sent: then fields were made anew since."""
        entry = self._at.snapshot.entry(task.key)
        line = self._at.line(task.key)
        return not (entry and changed_fields(line, task.planned, entry, task.unknown))

    def _sort(self, task: Task, entry: Entry, fields: list[str] | None, tried: Hashes) -> None:
        """
        Tell what is to be done with a record that stands.

        :param fields: those that changed in the source; None for a record that was there before us
            and that nothing was written to yet
        """
        made = entry.origin is not None and entry.origin["outcome"] == Outcome.CREATED
        last = entry.last if fields is not None else entry.origin or entry.last
        if self._at.refused_before(entry, tried):
            self._at.counts.add(task.key, Outcome.REJECTED, Reason.REFUSED)
        elif fields != [] or entry.last["reason"] == Reason.GONE_FROM_DESTINATION:
            self._changed.add(Change(task, last, fields, tried, adopted=not made))
        elif entry.outcome in (Outcome.CONFLICT, Outcome.REJECTED):
            self._ended.add(resolved(entry))
        else:
            self._at.counts.add(task.key, Outcome.UNCHANGED, Reason.SAME)
