"""Rows as typed Parquet: the columns come from the declared field types, never from the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import canonical_json, time_text
from airflow_crm_migration.core.fields import FieldType

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_crm_migration.core.protocols import Values

FILE, ROW, OTHER = "_file", "_row", "_other"
"""Where a row comes from, and its undeclared values."""

Kinds = Mapping[str, FieldType]
"""Declared field -> its type, in order."""

_LISTS = (FieldType.MULTI_SELECT, FieldType.EMAILS)
_JSON = (
    FieldType.MONEY,
    FieldType.PHONES,
    FieldType.LINKS,
    FieldType.ADDRESS,
    FieldType.PERSON_NAME,
    FieldType.FILE,
    FieldType.JSON,
)
_INTO: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.DATE: date.fromisoformat,
    FieldType.DATETIME: datetime.fromisoformat,
    **dict.fromkeys(_JSON, canonical_json),
}
_OUT_OF: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.DATE: date.isoformat,
    FieldType.DATETIME: time_text,
    **dict.fromkeys(_JSON, json.loads),
}


def schema(kinds: Kinds) -> pa.Schema:
    """
    Return the columns for declared fields: their own, then place and undeclared values.

    Numbers stay decimal text, which no binary type holds exactly; what has parts is JSON.
    """
    import pyarrow as pa

    types = {
        FieldType.BOOLEAN: pa.bool_(),
        FieldType.DATE: pa.date32(),
        FieldType.DATETIME: pa.timestamp("ms", tz="UTC"),
        **dict.fromkeys(_LISTS, pa.list_(pa.string())),
    }
    own = [(name, types.get(kind, pa.string())) for name, kind in kinds.items()]
    return pa.schema([*own, (FILE, pa.string()), (ROW, pa.int64()), (OTHER, pa.string())])


def write_rows(stream: IO[bytes], kinds: Kinds, rows: Sequence[Values]) -> None:
    """
    Write rows as a Parquet file.

    :param rows: values by declared field, with ``_file``, ``_row`` and in ``_other`` the rest
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: _column(_INTO.get(kind), name, rows) for name, kind in kinds.items()}
    columns |= {name: [row.get(name) for row in rows] for name in (FILE, ROW)}
    columns[OTHER] = _column(canonical_json, OTHER, rows)
    pq.write_table(pa.Table.from_pydict(columns, schema=schema(kinds)), stream, compression="zstd")


def read_rows(
    stream: IO[bytes], kinds: Kinds, only: Sequence[str] | None = None
) -> Iterator[Values]:
    """
    Walk the rows of a Parquet file; a blank value is left out.

    :param only: columns to read, all when left out
    """
    import pyarrow.parquet as pq

    table = pq.read_table(stream, columns=list(only) if only is not None else None)
    out: dict[str, Callable[[Any], Any]] = {OTHER: json.loads}
    out |= {name: _OUT_OF[kind] for name, kind in kinds.items() if kind in _OUT_OF}
    for row in table.to_pylist():
        yield {k: out[k](v) if k in out else v for k, v in row.items() if v is not None}


def _column(into: Callable[[Any], Any] | None, name: str, rows: Sequence[Values]) -> list[Any]:
    values = (row.get(name) for row in rows)
    if into is None:
        return list(values)
    return [None if value is None else into(value) for value in values]
