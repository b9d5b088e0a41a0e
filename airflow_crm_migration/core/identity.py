"""How a source record is known: by its id, else by its natural key, else by its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Values


def natural_id(values: Values, fields: Sequence[str]) -> str | None:
    """
    Return the id that a record's natural key makes, None when a part of it is blank.

    :param values: of the record
    :param fields: the key; of several values in a field the first one counts
    :return: for example ``email:ada@example.com``
    """
    parts = [texts(values.get(name))[:1] for name in fields]
    if not parts or not all(parts):
        return None
    return f"{'+'.join(fields)}:{'|'.join(part[0].strip().casefold() for part in parts)}"


def content_id(content: Any, occurrence: int = 1) -> str:
    """
    Return an id for a record that nothing else identifies; a changed record gets another one.

    :param content: all that is known of it
    :param occurrence: how many records of this content there are so far, itself included
    """
    twin = f"-{occurrence}" if occurrence > 1 else ""
    return f"content:{digest(content)[:16]}{twin}"
