"""The transform step: one phase of the signed mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.extract_read import extract_manifest, rejected_rows
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.left_behind import fields_read
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.progress import ProgressLog
from airflow_crm_migration.core.secure_files import read_files
from airflow_crm_migration.core.staging import PartWriter
from airflow_crm_migration.core.steps.duplicates import read_decided
from airflow_crm_migration.core.steps.schema import read_schema
from airflow_crm_migration.core.steps.source_records import source_records
from airflow_crm_migration.core.transform.drafts import Stopped
from airflow_crm_migration.core.transform.phase import transform_phase
from airflow_crm_migration.core.transform.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import DestinationRules
    from airflow_crm_migration.core.run import Run, Say


def transform_step(
    run: Run,
    mapping: PairMapping,
    phase: str,
    *,
    rules: DestinationRules,
    choices: Mapping[str, Any],
    settings: Mapping[str, Any],
    say: Say,
    hold_unmapped: bool = False,
) -> dict[str, int]:
    """
    Write the drafts of a phase to ``<run>/transform/<phase>``.

    :param mapping: as signed
    :param choices: what the customer chose
    :param settings: defaults for transforms, for example ``default_region``
    :param hold_unmapped: new records wait for a value of theirs that came up after the mapping was
        signed and that they cannot do without; else they are rejected
    :return: mapping line -> records read
    """
    decided = read_decided(run)
    files = _files(run, mapping, phase)

    def verdict(object_name: str, source_id: str) -> Stopped | None:
        file = files.get((object_name, source_id))
        if file is not None and file.get("reason"):
            return Stopped(Outcome.REJECTED, Reason(file["reason"]), file.get("detail", ""))
        return decided.verdict(object_name, source_id)

    with (
        Ledger(run.staging, run.ledger) as ledger,
        source_records(run, mapping, choices) as records,
    ):
        setting = Setting(
            mapping=mapping,
            schema=read_schema(run),
            rules=rules,
            index=records.index,
            choices=mapping.chosen(dict(choices)),
            settings=settings,
            source_id_prefix=run.mark,
            absent=_absent(run, mapping),
            hold_unmapped=hold_unmapped,
            ledger=ledger.snapshot,
            files=files,
        )
        progress = ProgressLog(f"transform {phase}", 0, say)
        manifest = transform_phase(
            phase,
            setting,
            records,
            rejected=lambda name: _rejected(run, name),
            decided=verdict,
            writer=PartWriter(run.staging, run.name(f"transform/{phase}")),
            say=progress,
        )
        progress.finish()
    return dict(manifest["read"])


def _absent(run: Run, mapping: PairMapping) -> dict[str, set[str]]:
    """Return the fields of each source object that no column and no folded record brings."""
    absent: dict[str, set[str]] = {}
    for name in mapping.source_objects:
        manifest = extract_manifest(run.staging, run.folder, name)
        undeclared = fields_read(mapping, name) - manifest["fields"].keys()
        absent[name] = undeclared | set(manifest["absent"])
    for fold in mapping.folds:
        for into in fold.into:
            if into.value not in absent[fold.source]:
                absent.get(into.object, set()).discard(into.field)
    return absent


def _files(run: Run, mapping: PairMapping, phase: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (name, str(row["id"])): row
        for name in {line.source for line in mapping.lines_of(phase) if line.file}
        for row in read_files(run.staging, run.folder, name)
    }


def _rejected(run: Run, object_name: str) -> Iterator[dict[str, Any]]:
    for row in rejected_rows(run.staging, run.folder, object_name):
        cells = "; ".join(f"{c['field'] or 'row'}: {c['problem']}" for c in row.get("cells", ()))
        what = cells or f"the id {row.get('named')} is taken by another record"
        yield {
            "id": str(row["id"]),
            "reason": row["reason"],
            "detail": f"{row['file']} row {row['row']}: {what}",
        }
