"""Transforms one phase: every line that loads its object, into parts that are also the dry run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ids import Key
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.transform.drafts import Draft, Stopped, stopped
from airflow_crm_migration.core.transform.lines import LineTransform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.mapping import Fold, Line
    from airflow_crm_migration.core.protocols import Values
    from airflow_crm_migration.core.staging import PartWriter
    from airflow_crm_migration.core.transform.records import SourceRecords
    from airflow_crm_migration.core.transform.setting import Setting

Rejected = Callable[[str], Iterable[dict[str, Any]]]
Decided = Callable[[str, str], Stopped | None]


def transform_phase(
    phase: str,
    setting: Setting,
    records: SourceRecords,
    *,
    rejected: Rejected,
    decided: Decided,
    writer: PartWriter,
    say: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """
    Write the drafts of a phase.

    :param rejected: walks the records of a source object that the extract rejected
    :param decided: what the duplicate review decided for (object, source id)
    :param say: told after each record how many were seen
    :return: the manifest; ``read`` counts the records that each line was given
    """
    read: Counter[str] = Counter()
    done = 0

    def add(draft: Draft) -> None:
        nonlocal done
        writer.add(draft)
        read[draft["key"][0]] += 1
        done += 1
        say(done)

    lines = setting.mapping.lines_of(phase)
    for line in lines:
        _transform_line(line, setting, records, decided, add)
    for draft in records.fold_drafts(phase):
        add(draft)
    folds = [fold for fold in setting.mapping.folds if records.home(fold) == phase]
    parts: list[Line | Fold] = [*lines, *folds]
    for part in parts:
        for row in rejected(part.source):
            if records.chosen(part.source, row["id"]):
                add(_rejected(part, row))
    return writer.finish(read=dict(read), phase=phase)


def _transform_line(
    line: Line,
    setting: Setting,
    records: SourceRecords,
    decided: Decided,
    add: Callable[[Draft], None],
) -> None:
    def undecided() -> Iterator[Values]:
        # Who has a unique value must be the same in a sample and in the full run.
        for record in records.walk(line.source, whole=line.one_per is None):
            if decided(line.source, str(record["id"])) is None:
                yield record

    made = LineTransform(line, setting)
    made.settle(undecided)
    for record in records.walk(line.source):
        source_id = str(record["id"])
        verdict = decided(line.source, source_id)
        add(
            stopped(Key(line.id, line.source, source_id), verdict)
            if verdict
            else made.draft(record)
        )


def _rejected(part: Line | Fold, row: dict[str, Any]) -> Draft:
    reason = Reason(row.get("reason", Reason.BAD_CELL))
    key = Key(part.id, part.source, row["id"])
    return stopped(key, Stopped(Outcome.REJECTED, reason, row["detail"]))
