"""The review sheet as a CSV file, which has been through a spreadsheet when it comes back."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.values.spreadsheet import defused, undefused

if TYPE_CHECKING:
    from collections.abc import Sequence

NEEDED = ("cluster", "record", "decision")
"""Columns that are read; the others are there to be looked at."""

_DELIMITERS = ",;\t"


def sheet_bytes(rows: Sequence[dict[str, str]]) -> bytes:
    """
    Return a sheet that a spreadsheet opens and never runs.

    :param rows: of one form; the first one's keys are the headers
    """
    text = io.StringIO(newline="")
    if rows:
        sheet = csv.DictWriter(text, list(rows[0]))
        sheet.writeheader()
        sheet.writerows({key: defused(cell) for key, cell in row.items()} for row in rows)
    return text.getvalue().encode("utf-8-sig")


def sheet_rows(name: str, content: bytes) -> list[dict[str, str]]:
    """
    Return the rows of a sheet that people have saved, with commas, semicolons or tabs.

    :param name: of the file, for messages
    :return: the needed columns, stripped; a row that is blank as a whole keeps its place
    :raises UserMistake: a file that is no UTF-8, or lacks a column
    """
    lines = csv.reader(io.StringIO(text := _text(name, content), newline=""), delimiter=_mark(text))
    try:
        headers = [cell.strip() for cell in next(lines, [])]
        body = list(lines)
    except csv.Error as error:
        raise UserMistake(
            f"{name}: line {lines.line_num} is no CSV ({error}); save it as CSV"
        ) from (None)
    missing = [column for column in NEEDED if column not in headers]
    if missing and (headers or body):
        raise UserMistake(
            f"{name}: row 1 has no column {', '.join(map(repr, missing))}; bring the headers back"
            f" as they were: {', '.join(NEEDED)} are read"
        )
    places = {column: headers.index(column) for column in NEEDED} if headers else {}
    return [{column: _cell(row, place) for column, place in places.items()} for row in body]


def _text(name: str, content: bytes) -> str:
    fix = 'save it again as "CSV UTF-8"'
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UserMistake(f"{name}: is written in utf-16, not utf-8; {fix}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserMistake(
            f"{name}: line {line} is not utf-8, the file was probably saved in cp1252; {fix}"
        ) from None


def _mark(text: str) -> str:
    header = text.partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _cell(row: Sequence[str], place: int) -> str:
    return undefused(row[place]).strip() if place < len(row) else ""
