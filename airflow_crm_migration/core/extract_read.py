"""What an extract holds, for the steps that come after it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.arrow import read_rows
from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.staging import Staging, part_content, read_manifest, read_parts
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.protocols import Values


def extract_folder(run: str, object_name: str) -> str:
    """Return where a run keeps what it read of an object."""
    return f"{run}/extract/{object_name}"


def extract_manifest(staging: Staging, run: str, object_name: str) -> dict[str, Any]:
    """
    Return the manifest of an extract.

    :raises StagingBroken: when the object was not read whole
    """
    folder = extract_folder(run, object_name)
    manifest = read_manifest(staging, folder)
    if manifest is None:
        raise StagingBroken(f"{folder} has no manifest: the extract did not finish")
    return manifest


def read_extract(
    staging: Staging, run: str, object_name: str, only: Sequence[str] | None = None
) -> Iterator[Values]:
    """
    Walk the typed records of an object, with their place in ``_file`` and ``_row``.

    :param only: columns to read, all when left out
    :raises StagingBroken: without a manifest, or when a part is not what it says
    """
    manifest = extract_manifest(staging, run, object_name)
    kinds = {name: FieldType(kind) for name, kind in manifest["fields"].items()}
    folder = extract_folder(run, object_name)
    for part in manifest["parts"]:
        yield from read_rows(io.BytesIO(part_content(staging, folder, part)), kinds, only)


def rejected_rows(staging: Staging, run: str, object_name: str) -> Iterator[dict[str, Any]]:
    """
    Walk the records that could not be read.

    :return: rows with ``id``, ``file``, ``row``, ``reason`` and the bad ``cells``
    """
    extract_manifest(staging, run, object_name)
    return read_parts(staging, f"{extract_folder(run, object_name)}/rejected")


def seen(staging: Staging, run: str, object_name: str, field: str) -> Iterator[str]:
    """Walk the distinct values of a field of an object that was read before."""
    known: set[str] = set()
    for row in read_extract(staging, run, object_name, [field]):
        for value in texts(row.get(field)):
            if value not in known:
                known.add(value)
                yield value


def extracted_spec(staging: Staging, run: str, object_name: str) -> ObjectSpec:
    """Return an object with all fields that were read, undeclared ones too."""
    manifest = extract_manifest(staging, run, object_name)
    labels = {column["name"]: column["label"] for column in manifest["custom"]}
    fields = {
        name: FieldSpec(name, FieldType(kind), labels.get(name, name), custom=name in labels)
        for name, kind in manifest["fields"].items()
    }
    return ObjectSpec(object_name, object_name, fields)
