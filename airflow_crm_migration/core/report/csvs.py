"""Writes the tables of a report as CSV files that a spreadsheet opens and never runs."""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from airflow_crm_migration.core.values.spreadsheet import defused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.table import Cell, Table
    from airflow_crm_migration.core.staging import Staging

_PICTURES = 0x2400
"""Where Unicode keeps a picture of each of the first control characters."""

_SHOWN = {
    **{code: f"[U+{code:04X}]" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)},
    **{code: f"[U+{code:04X}]" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    **{code: f"[U+{code:04X}]" for code in range(0xD800, 0xE000)},
    **{code: chr(_PICTURES + code) for code in range(0x20) if chr(code) not in "\n\t"},
}
"""Control characters, line separators, what turns the direction of text, halves of characters."""


def visible(text: str) -> str:
    """Return text with control characters and right-to-left overrides made visible."""
    return text.replace("\r\n", "\n").translate(_SHOWN)


def csv_cell(value: Cell) -> str:
    """Return a cell as it stands in the file; numbers of ours stay numbers."""
    if value is None:
        return ""
    return visible(defused(value)) if isinstance(value, str) else str(value)


def write_csv(staging: Staging, name: str, table: Table) -> None:
    """
    Write a table, row by row.

    :param name: in staging
    """
    with staging.writing(name) as stream:
        stream.write(codecs.BOM_UTF8)
        for line in _lines(table):
            stream.write(line)


def _lines(table: Table) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(table.columns)
    for row in table.walk():
        writer.writerow([csv_cell(cell) for cell in row])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()
