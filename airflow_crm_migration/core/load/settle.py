"""After a crash: asks the destination what became of the writes that were announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.load.rows import created_as, event, some, unwritten
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Hashes
    from airflow_crm_migration.core.protocols import Stored


def settle_open_intents(context: LoadContext) -> int:
    """
    Close every open intent of the phase: written as meant, or not written and to be planned anew.

    Of an update each field is settled by itself: people may have changed another one since.

    :return: how many there were
    """
    intents = context.snapshot.open_intents(context.phase)
    by_object: dict[str, list[Row]] = {}
    for row in intents:
        by_object.setdefault(row.get("object", context.phase), []).append(row)
    for name, rows in by_object.items():
        found = context.destination.read(name, sorted({row["id"] for row in rows if row.get("id")}))
        context.writer.conclude(
            [_verdict(context, context.schema[name], row, found.get(row["id"])) for row in rows]
        )
    return len(intents)


def _verdict(context: LoadContext, spec: ObjectSpec, row: Row, stored: Stored | None) -> Row:
    key, row = Key(*row["key"]), _without_anew(context, row)
    if stored is not None and row["op"] == "create":
        # In the trash too: we made it, and what people did since is told like any other change.
        return created_as(context, spec, row, stored)
    if stored is None or stored.trashed:
        return unwritten(row)
    if row["op"] == "restore":
        return event(
            key, Outcome.RESTORED, Reason.EXISTING_IN_TRASH, id=stored.id, image=row["image"]
        )
    if not row["fields"]:
        return unwritten(row)
    now = hashes(spec, stored.values, row["fields"])
    written = [n for n in row["fields"] if now.get(n) == row["meant"].get(n)]
    if len(written) < len(row["fields"]):
        return _partly(context, row, now, written)
    return event(
        key, id=stored.id, sent=row["sent"], stored=row["stored"] | now, image=row["image"],
        fields=row["fields"], values=row["values"], **row["verdict"],
        **some(
            behind=row.get("behind"), rewritten=row.get("rewritten"), file_id=row.get("file_id")
        ),
    )  # fmt: skip


def _without_anew(context: LoadContext, row: Row) -> Row:
    """Return an intent without the fields that were made again since: nothing is in them."""
    if row.get("object", context.phase) != context.phase:
        return row
    anew = {name for name, epoch in context.made.items() if row["epoch"] < epoch}
    told = ("sent", "stored", "meant", "before", "rewritten", "behind")
    left = {
        name: {n: value for n, value in row[name].items() if n not in anew}
        for name in told
        if name in row
    }
    fields = {"fields": [n for n in row["fields"] if n not in anew]} if "fields" in row else {}
    return row | left | fields


def _partly(context: LoadContext, row: Row, now: Hashes, written: Sequence[str]) -> Row:
    """
    Tell of the fields that hold what was meant; the others are planned anew, from what they held.

    :param now: hashes of what is stored of the fields that were to be written
    :param written: those that are stored as they were meant
    """
    entry = context.entry(Key(*row["key"]))
    last = entry.last if entry else {}
    known = "sent" in last
    untouched = not written if known else now == row["before"]
    if untouched:
        return unwritten(row)
    others = [n for n in row["fields"] if n not in written]
    # Of a record that was there before us the ledger knows nothing yet.
    base = last if known else {"stored": row["before"]}
    verdict = row["verdict"] if written else {n: last[n] for n in ("outcome", "reason")}
    behind = row.get("behind", {}) | {
        n: last.get("behind", {}).get(n, last.get("values")) for n in others
    }
    return event(
        Key(*row["key"]), id=row["id"], values=row["values"], **verdict,
        sent=_taken(row["sent"], base.get("sent", {}), others),
        stored=_taken(row["stored"] | now, base["stored"], others),
        **({"image": row["image"], "fields": written} if written else {}),
        **some(
            behind=behind, file_id=row.get("file_id"),
            rewritten=_taken(row.get("rewritten", {}), base.get("rewritten", {}), others),
        ),
    )  # fmt: skip


def _taken(new: Hashes, old: Hashes, names: Sequence[str]) -> Hashes:
    """Return what is new, of some fields what was before."""
    return {n: h for n, h in new.items() if n not in names} | {n: old[n] for n in names if n in old}
