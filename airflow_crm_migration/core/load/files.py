"""Uploads binaries, attaches them to their records and reads them back to compare every byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.errors import Refused
from airflow_crm_migration.core.ids import made_id
from airflow_crm_migration.core.load.batches import write_batch
from airflow_crm_migration.core.load.changed import Change, ChangedRecords
from airflow_crm_migration.core.load.conflicts import Conflict
from airflow_crm_migration.core.load.parents import Parents
from airflow_crm_migration.core.load.plan import attempt, changed_fields
from airflow_crm_migration.core.load.records import KeptOut, Placed, placed_task
from airflow_crm_migration.core.load.rows import (
    BASES,
    created,
    created_as,
    event,
    intent,
    refused,
    resolved,
    unwritten,
)
from airflow_crm_migration.core.load.settle import settle_open_intents
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.protocols import Stored, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from airflow_crm_migration.core.ledger.objects import Row
    from airflow_crm_migration.core.ledger.snapshot import Entry
    from airflow_crm_migration.core.load.context import LoadContext
    from airflow_crm_migration.core.load.plan import Task
    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.staging import Staging

_CHUNK = 1 << 20
_ATTACH = "attach"


@dataclass
class _Upload:
    task: Task
    sha256: str
    size: int
    file_id: str = ""


def load_files(
    context: LoadContext,
    staging: Staging,
    drafts: Iterable[Placed],
    say: Callable[[int], None] = lambda done: None,
) -> None:
    """
    Attach the files of all drafts that are not attached yet.

    :param staging: holds the binaries as ``files/<sha256>``
    :param say: told after each draft how many were seen
    """
    parents = Parents(context)
    files = _Files(context, staging)
    kept_out = KeptOut(context)
    for done, (place, draft) in enumerate(parents.ahead(drafts), start=1):
        if "outcome" in draft:
            kept_out.add(draft)
        else:
            task = placed_task(parents, place, draft, kept_out)
            if task is not None:
                files.add(task, draft["file"])
        say(done)
    kept_out.flush()
    files.finish()


class _Files:
    def __init__(self, context: LoadContext, staging: Staging) -> None:
        self._at = context
        self._staging = staging
        self._can = context.destination.capabilities
        self._changed = ChangedRecords(context)
        self._waiting: list[_Upload] = []

    def add(self, task: Task, file: dict[str, Any]) -> None:
        task.planned |= {self._can.file_field: file_hash(file["sha256"])}
        entry = self._at.entry(task.key)
        if entry is not None and entry.stands:
            self._compare(task, entry, file["sha256"])
            return
        if self._at.refused_before(entry, task.planned):
            self._at.counts.add(task.key, Outcome.REJECTED, Reason.REFUSED)
            return
        task.id = made_id(self._at.tenant, self._at.engagement, task.key)
        self._waiting.append(_Upload(task, file["sha256"], file["size"]))
        if len(self._waiting) >= self._can.batch_size:
            self._attach()

    def finish(self) -> None:
        """Attach and update what is waiting."""
        self._attach()
        self._changed.finish()

    def _compare(self, task: Task, entry: Entry, sha256: str) -> None:
        """Sort a file that is attached; its name and what it hangs on change like all else."""
        line = self._at.line(task.key)
        changed = changed_fields(line, task.planned, entry, task.unknown)
        fields = [name for name in changed if name != self._can.file_field]
        tried = attempt(line, task.planned, fields)
        if fields != changed:
            self._list(task, entry, sha256)
        if fields and self._at.refused_before(entry, tried):
            self._at.counts.add(task.key, Outcome.REJECTED, Reason.REFUSED)
        elif fields or entry.last["reason"] == Reason.GONE_FROM_DESTINATION:
            kept = [self._can.file_field] if fields != changed else []
            self._changed.add(Change(task, entry.last, fields, tried, kept=kept))
        elif changed:
            self._keep(task, entry)
        else:
            self._same(entry)

    def _list(self, task: Task, entry: Entry, sha256: str) -> None:
        """List a binary that is another now: the one that was attached stays as it is."""
        name = self._can.file_field
        place = entry.last.get("behind", {}).get(name, entry.last.get("values"))
        conflict = Conflict(
            task.key, name, Reason.FILE_CHANGED, "destination", entry.destination_id or "",
            place=place, source=sha256,
        )  # fmt: skip
        self._at.counts.conflicts.append(conflict)

    def _keep(self, task: Task, entry: Entry) -> None:
        if entry.last["reason"] == Reason.FILE_CHANGED:
            self._at.counts.add(task.key, Outcome.CONFLICT, Reason.FILE_CHANGED)
            return
        known = {n: entry.last[n] for n in ("id", *BASES) if n in entry.last}
        detail = self._can.file_field
        row = event(task.key, Outcome.CONFLICT, Reason.FILE_CHANGED, detail=detail, **known)
        self._at.conclude([row])

    def _same(self, entry: Entry) -> None:
        if entry.outcome in (Outcome.CONFLICT, Outcome.REJECTED):
            self._at.conclude([resolved(entry)])
        else:
            self._at.counts.add(entry.key, Outcome.UNCHANGED, Reason.SAME)

    def _attach(self) -> None:
        uploads, self._waiting = self._waiting, []
        if not uploads:
            return
        self._at.intend([self._intent(upload) for upload in uploads])
        ready = [upload for upload in uploads if self._upload(upload)]
        results = write_batch(
            lambda batch: self._at.destination.create(self._at.phase, batch),
            lambda batch: self._at.settle(self._at.phase, batch),
            [self._row(upload) for upload in ready],
            takes=self._at.takes,
        )
        self._at.conclude(
            [self._told(upload, result) for upload, result in zip(ready, results, strict=True)]
        )

    def _intent(self, upload: _Upload) -> Row:
        return intent(upload.task, _ATTACH, self._at.spec, sha256=upload.sha256)

    def _upload(self, upload: _Upload) -> bool:
        """Upload one binary; that it is up is told at once: a crash must leave a trace of it."""
        task = upload.task
        try:
            with self._staging.open(f"files/{upload.sha256}") as content:
                upload.file_id = self._at.destination.upload(
                    self._name(upload),
                    upload.size,
                    content,
                    lambda file_id: self._tell_upload(task, file_id),
                )
        except Refused as refusal:
            self._at.conclude([refused(task.key, refusal.message, task.planned)])
            return False
        self._tell_upload(task, upload.file_id)
        return True

    def _tell_upload(self, task: Task, file_id: str) -> None:
        row = {"key": list(task.key), "event": "uploaded", "id": file_id}
        self._at.writer.conclude([row])

    def _row(self, upload: _Upload) -> Write:
        file = [{"file_id": upload.file_id, "label": self._name(upload)}]
        return Write(upload.task.id, {**upload.task.values, self._can.file_field: file})

    def _name(self, upload: _Upload) -> str:
        return str(upload.task.values.get(self._can.file_name_field) or upload.sha256)

    def _told(self, upload: _Upload, result: Stored | Refused) -> Row:
        if not isinstance(result, Stored):
            return refused(upload.task.key, result.message, upload.task.planned)
        row = created(self._at, self._at.spec, upload.task, result)
        return compare_content(self._at, row, upload.sha256, result)


def compare_content(context: LoadContext, row: Row, sha256: str, attachment: Stored) -> Row:
    """
    Read an attachment's binary back; say in the ledger row whether it is the one meant, and whose.

    :param row: of the attachment's verified record
    :param sha256: of the binary that was uploaded
    """
    try:
        found = stored_sha256(context.destination, attachment)
    except Refused as refusal:
        found = refusal.message
    field = context.destination.capabilities.file_field
    files = attachment.values.get(field) or [{"file_id": ""}]
    row = row | {
        "sent": row["sent"] | {field: file_hash(sha256)},
        "stored": row["stored"] | {field: file_hash(found)},
        "file_id": files[0]["file_id"],
    }
    if found != sha256:
        row |= {"reason": Reason.FILE_DIFFERS, "detail": f"{found} instead of {sha256}"}
    return row


def stored_sha256(destination: Destination, attachment: Stored) -> str:
    """
    Download an attachment and return the SHA-256 of its binary.

    :raises Refused: the destination does not give it
    """
    seen = hashlib.sha256()
    with destination.download(attachment) as content:
        while chunk := content.read(_CHUNK):
            seen.update(chunk)
    return seen.hexdigest()


def file_hash(sha256: str) -> str:
    """Return the short hash under which the ledger compares a binary."""
    return digest(sha256)[:16]


def settle_attachments(context: LoadContext) -> None:
    """Close the open intents of the attachment phase; what an upload left behind is residue."""
    intents = [r for r in context.snapshot.open_intents(context.phase) if r["op"] == _ATTACH]
    found = context.destination.read(context.phase, sorted({row["id"] for row in intents}))
    told = [_verdict(context, row, found.get(row["id"])) for row in intents]
    context.writer.conclude(_cut_off(context, [r for r in intents if r["id"] not in found]) + told)
    settle_open_intents(context)


def _verdict(context: LoadContext, row: Row, stored: Stored | None) -> Row:
    if stored is None:
        return unwritten(row)
    told = created_as(context, context.spec, row, stored)
    if stored.trashed:
        return told
    return compare_content(context, told, row["sha256"], stored)


def _cut_off(context: LoadContext, intents: Sequence[Row]) -> list[Row]:
    """Note the upload that was under way: whether it ended, and under which id, nobody knows."""
    told = {(*row["key"], row["epoch"]) for row in context.snapshot.unattached_uploads()}
    begun = sorted(intents, key=lambda row: (row["epoch"], row["seq"], row["values"]))
    first = next((row for row in begun if (*row["key"], row["epoch"]) not in told), None)
    return [{"key": first["key"], "event": "uploaded", "id": ""}] if first else []
