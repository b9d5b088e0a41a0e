"""After a crash: asks the destination what became of the writes that were announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.load.plan import hashes
from airflow_crm_migration.core.load.rows import created_as, event, some, unwritten
from airflow_crm_migration.core.outcomes import Outcome, Reason

if TYPE_CHECKING:
    from airflow_crm_migration.core.fields import ObjectSpec
    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.protocols import Stored


def settle_open_intents(context: LoadContext) -> int:
    """
    Close every open intent of the phase: written as meant, or not written and to be planned anew.

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
    key = Key(*row["key"])
    if stored is not None and row["op"] == "create":
        # In the trash too: we made it, and what people did since is told like any other change.
        return created_as(context, spec, row, stored)
    if stored is None or stored.trashed:
        return unwritten(row)
    if row["op"] == "restore":
        return event(
            key, Outcome.RESTORED, Reason.EXISTING_IN_TRASH, id=stored.id, image=row["image"]
        )
    now = hashes(spec, stored.values, row["fields"])
    if any(now.get(n) != row["meant"].get(n) for n in row["fields"]):
        return unwritten(row)
    return event(
        key, id=stored.id, sent=row["sent"], stored=row["stored"] | now, image=row["image"],
        fields=row["fields"], values=row["values"], **row["verdict"],
        **some(behind=row.get("behind"), rewritten=row.get("rewritten")),
    )  # fmt: skip
