from __future__ import annotations

import io

import pytest

from airflow_crm_migration.core import csv_export
from airflow_crm_migration.core.csv_export import CsvFile, CsvRow, read_rows, template
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

COLUMNS = ("id", "name", None)


def rows(text: str, delimiter: str = ",", encoding: str = "utf-8") -> list[CsvRow]:
    file = CsvFile("deals.csv", lambda: io.BytesIO(text.encode(encoding)))
    return list(read_rows(file, encoding, delimiter, COLUMNS))


def test_cells_go_by_field_and_a_column_left_aside_is_left_aside() -> None:
    [row] = rows("ID,Name,Row\n1,Ada,x\n")
    assert row == CsvRow(2, {"id": "1", "name": "Ada"})


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    text = 'ID,Name,Row\n1,"two\nlines, and ""quotes""",x\n\n,,\n2,Ada,x\n'
    assert [(r.number, r.cells["id"]) for r in rows(text)] == [(2, "1"), (5, "2")]
    assert rows(text)[0].cells["name"] == 'two\nlines, and "quotes"'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_declared_encodings_and_delimiters(encoding: str) -> None:
    [row] = rows("ID;Name;Row\r\n1;Zoë, Ltd;x\r\n", ";", encoding)
    assert row.cells == {"id": "1", "name": "Zoë, Ltd"}


@pytest.mark.parametrize("line", ["1,Ada", "1,Ada,x,y"])
def test_a_row_of_another_width_is_a_problem_of_that_row(line: str) -> None:
    first, second = rows(f"ID,Name,Row\n{line}\n2,Bob,x\n")
    assert first.cells["id"] == "1"
    assert first.problem == f"{line.count(',') + 1} cells, the header has 3"
    assert second.problem == ""


@pytest.mark.parametrize("cell", ['"never closed', '"closed" too early', '"a"b'])
def test_quotation_marks_that_do_not_match_name_file_and_line(cell: str) -> None:
    with pytest.raises(UserMistake, match=r"deals.csv: line \d: quotation marks do not match"):
        rows(f"ID,Name,Row\n1,{cell},x\n")


def test_a_cell_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_export, "MAX_CELL", 1000)
    with pytest.raises(UserMistake, match="larger than field limit"):
        rows(f'ID,Name,Row\n1,"{"x" * 2000}",x\n')


def test_the_template_is_the_header_line() -> None:
    fields = {
        "id": FieldSpec("id", FieldType.TEXT, header="Deal ID"),
        "made_by_us": FieldSpec("made_by_us", FieldType.TEXT),
        "size": FieldSpec("size", FieldType.NUMBER, header='Size, "gross"'),
    }
    assert template(ObjectSpec("deal", "Deal", fields)) == 'Deal ID,"Size, ""gross"""\r\n'
