"""Reading and drafting the CSV export of one object."""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from airflow_crm_migration.core.fields import ObjectSpec

MAX_CELL = 10_000_000
"""Most characters of one cell; longer ones come from a quotation mark that is never closed."""


@dataclass(frozen=True)
class CsvFile:
    """
    A CSV file somewhere.

    :param name: as people know it
    :param open: opens it for reading, as often as wanted
    """

    name: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class CsvRow:
    """
    One row of a CSV file.

    :param number: as a spreadsheet counts, the header being row 1
    :param cells: field name -> cell as received
    :param problem: why the row as a whole cannot be read; empty when it can
    """

    number: int
    cells: Mapping[str, str]
    problem: str = ""


@contextmanager
def open_rows(file: CsvFile, encoding: str, delimiter: str) -> Iterator[Iterator[list[str]]]:
    """
    Open a CSV file as rows of cells, header included.

    :param file: the file
    :raises UserMistake: while walking the rows, where quotation marks do not match
    """
    csv.field_size_limit(MAX_CELL)
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    with file.open() as stream, io.TextIOWrapper(stream, codec, newline="") as text:
        yield _rows(file.name, csv.reader(text, delimiter=delimiter, strict=True))


def _rows(name: str, reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise UserMistake(
            f"{name}: line {reader.line_num}: quotation marks do not match ({error}); "
            'a cell with quotation marks is written as "say ""hello"""'
        ) from None


def read_rows(
    file: CsvFile, encoding: str, delimiter: str, columns: Sequence[str | None]
) -> Iterator[CsvRow]:
    """
    Walk the rows of a CSV file whose header was checked; blank rows are passed over.

    :param file: the file
    :param columns: field of each column in order, None for a column that is left aside
    """
    with open_rows(file, encoding, delimiter) as rows:
        next(rows)
        for number, row in enumerate(rows, 2):
            if not any(row):
                continue
            cells = {c: cell for c, cell in zip(columns, row, strict=False) if c is not None}
            wrong = len(row) != len(columns)
            problem = f"{len(row)} cells, the header has {len(columns)}" if wrong else ""
            yield CsvRow(number, cells, problem)


def template(spec: ObjectSpec) -> str:
    """
    Return the header line of an object's CSV file, for the customer to fill.

    :param spec: object with the columns of its export
    """
    text = io.StringIO()
    headers = [f.header for f in spec.fields.values() if f.header]
    csv.writer(text, lineterminator="\r\n").writerow(headers)
    return text.getvalue()
