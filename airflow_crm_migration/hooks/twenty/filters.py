"""Filters of Twenty's REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_crm_migration.core.fields import FieldSpec, FieldType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: A filter that does not mention deletedAt never finds what is in the trash.
WITH_TRASH = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"
#: The same in GraphQL.
TRASH_TOO = "{or: [{deletedAt: {is: NULL}}, {deletedAt: {is: NOT_NULL}}]}"

# Even within quotes these break Twenty's parser (brackets were observed, the rest is caution).
_UNSAFE = frozenset('()[]{}"\\')
# Below the 8 kB that servers and proxies take in a request line.
_LONGEST_LIST = 6000


def quoted(value: str) -> str:
    """
    Return a value as a filter writes it.

    :raises ValueError: when no quoting makes it safe
    """
    if _UNSAFE & set(value) or not value.isprintable():
        raise ValueError(f"{value!r} cannot be part of a REST filter")
    return f'"{value}"'


def one_of(field: str, values: Sequence[str]) -> str:
    """
    Return a filter for records whose field has one of some values.

    :raises ValueError: without values: such a filter would not filter
    """
    if not values:
        raise ValueError("no values to filter by")
    return f"{field}[in]:[{','.join(map(quoted, values))}]"


def starts_with(field: str, prefix: str) -> str:
    """Return a filter for records whose text field starts with a prefix."""
    return f"{field}[startsWith]:{quoted(prefix)}"


def equals(field: str, value: str) -> str:
    """Return a filter for records whose field has a value."""
    return f"{field}[eq]:{quoted(value)}"


def all_of(*filters: str) -> str | None:
    """Return the conjunction of those filters that are not empty, None when all are."""
    kept = [f for f in filters if f]
    return f"and({','.join(kept)})" if len(kept) > 1 else "".join(kept) or None


def holds_one_of(field: FieldSpec, values: Sequence[str]) -> list[dict[str, Any]]:
    """
    Return GraphQL filters of which one holds for records whose field has one of some values.

    Further addresses are kept as JSON and found in its text, as Twenty's own search for them does
    (read in its source); the pattern may find more than was asked for.

    :raises ValueError: for types that identify nobody
    """
    among = {"in": list(values)}
    match field.type:
        case FieldType.EMAILS:
            further = [{field.name: {"additionalEmails": {"like": f'%"{v}"%'}}} for v in values]
            return [{field.name: {"primaryEmail": among}}, *further]
        case FieldType.LINKS:
            return [{field.name: {"primaryLinkUrl": among}}]
        case FieldType.TEXT:
            return [{field.name: among}]
    raise ValueError(f"records cannot be found by {field.name}, which is a {field.type} field")


def chunks(values: Iterable[str], most: int) -> Iterator[list[str]]:
    """
    Cut values into lists that fit into a request line.

    :param most: values in a list
    """
    chunk: list[str] = []
    size = 0
    for value in values:
        length = len(quote(f'"{value}",', safe=""))
        if chunk and (len(chunk) == most or size + length > _LONGEST_LIST):
            yield chunk
            chunk, size = [], 0
        chunk.append(value)
        size += length
    if chunk:
        yield chunk
