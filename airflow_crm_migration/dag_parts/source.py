"""The tasks that read the source: the same whatever environment the records go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup, chain

from airflow_crm_migration.operators.count_after_freeze import CountAfterFreezeOperator
from airflow_crm_migration.operators.decide_duplicates import DecideDuplicatesOperator
from airflow_crm_migration.operators.discover import DiscoverOperator
from airflow_crm_migration.operators.extract import ExtractOperator
from airflow_crm_migration.operators.find_duplicates import FindDuplicatesOperator
from airflow_crm_migration.operators.list_gone import ListGoneOperator
from airflow_crm_migration.operators.probe import ProbeSourceOperator
from airflow_crm_migration.operators.secure_files import SecureFilesOperator
from airflow_crm_migration.sensors.csv_export import CsvExportSensor
from airflow_crm_migration.sensors.source_frozen import SourceFrozenSensor

if TYPE_CHECKING:
    from airflow_crm_migration.dag_parts.kit import Kit


def read_source(kit: Kit) -> tuple[Any, Any]:
    """
    Make the tasks from the probe to the decided duplicates.

    :return: the first and the last of them
    """
    probe = ProbeSourceOperator(
        task_id="probe",
        trigger_rule="none_failed_min_one_success",
        **kit.source_pool,
        **kit.source,
        **kit.pair,
        **kit.place,
    )
    freeze = SourceFrozenSensor(
        task_id="wait_for_freeze",
        objects=kit.mapping.source_objects,
        **kit.gate("freeze"),
        **kit.source_pool,
        **kit.source,
        **kit.place,
    )
    csv_gate = CsvExportSensor(
        task_id="wait_for_csv",
        platform=kit.mapping.source,
        identities=kit.mapping.identities,
        form=kit.form,
        **kit.gate("csv"),
        **kit.place,
    )
    discover = DiscoverOperator(
        task_id="discover",
        platform=kit.mapping.source,
        form=kit.form,
        **kit.pair,
        **kit.place,
    )
    scope = kit.sign_off("scope")
    with TaskGroup("extract"):
        steps: list[Any] = [_extract(kit, name) for name in kit.mapping.reading_order]
        if kit.mapping.files:
            steps.append(_secure_files(kit))
        steps.append(ListGoneOperator(task_id="list_gone", **kit.pair, **kit.place))
        steps.append(CountAfterFreezeOperator(task_id="after_freeze", **kit.pair, **kit.place))
    find = FindDuplicatesOperator(task_id="find_duplicates", **kit.pair, **kit.place)
    duplicates = kit.sign_off("duplicates")
    decide = DecideDuplicatesOperator(
        task_id="decide_duplicates", **kit.signed, **kit.pair, **kit.place
    )
    chain(probe, freeze, csv_gate, discover, scope, *steps, find, duplicates, decide)
    return probe, decide


def _extract(kit: Kit, name: str) -> ExtractOperator:
    return ExtractOperator(
        task_id=name,
        object_name=name,
        form=kit.form,
        **kit.source_pool,
        **kit.source,
        **kit.pair,
        **kit.place,
    )


def _secure_files(kit: Kit) -> SecureFilesOperator:
    return SecureFilesOperator(
        task_id="files",
        destination=kit.mapping.destination,
        **kit.source_pool,
        **kit.source,
        **kit.pair,
        **kit.place,
    )
