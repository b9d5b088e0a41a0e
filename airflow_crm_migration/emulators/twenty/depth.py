"""Records with their relations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_crm_migration.emulators.twenty.schema import Field, Object
    from airflow_crm_migration.emulators.twenty.store import Row
    from airflow_crm_migration.emulators.twenty.workspace import Workspace

# Lists inside of a record stop here without a word, counts too (observed on Twenty 2.21).
NESTED_LIMIT = 60


def parent(workspace: Workspace, field: Field, row: Row) -> Row | None:
    """Find the record at the one side of a relation.

    :param workspace: where
    :param field: the relation
    :param row: the record that points
    :return: the record as stored; None when there is none or it is in the trash
    """
    table = workspace.table(field.target)
    found = row.get(field.join)
    return None if found is None or found in table.trashed else table.rows.get(found)


def children(workspace: Workspace, field: Field, row: Row) -> list[Row]:
    """List the records at the many side of a relation.

    :param workspace: where
    :param field: the relation
    :param row: the record that they point at
    :return: at most 60 records as stored
    """
    table = workspace.table(field.target)
    ids = table.with_value((f"{field.inverse}Id",), [row["id"]])
    live = sorted(i for i in ids if i not in table.trashed)
    return [table.rows[i] for i in live[:NESTED_LIMIT]]


def deep(workspace: Workspace, owner: Object, row: Row, base_url: str, depth: int) -> Row:
    """Show a record as REST does.

    :param workspace: where
    :param owner: its object
    :param row: as stored
    :param base_url: for the addresses of files
    :param depth: 0 or 1
    :return: the record; with depth 1 a reference to a trashed record reads null
    """
    shown: dict[str, Any] = workspace.show(owner, row, base_url)
    if depth == 0:
        return shown
    for field in owner.fields.values():
        if not field.target:
            continue
        other = workspace.schema.objects[field.target]
        if field.to_many:
            found = children(workspace, field, row)
            shown[field.name] = [workspace.show(other, r, base_url) for r in found]
        else:
            related = parent(workspace, field, row)
            shown[field.name] = related and workspace.show(other, related, base_url)
            shown[field.join] = related and related["id"]
    return shown
