from __future__ import annotations

import io

import pytest

from airflow_crm_migration.core.csv_encoding import encoding_findings, first_undecodable
from airflow_crm_migration.core.csv_export import CsvFile


def a_file(content: bytes) -> CsvFile:
    return CsvFile("contacts.csv", lambda: io.BytesIO(content))


@pytest.mark.parametrize("content", ["ID,Name\n1,Zoë\n".encode(), "ID,Zoë\n".encode("utf-8-sig")])
def test_utf_8_is_fine_with_and_without_a_mark(content: bytes) -> None:
    assert encoding_findings(a_file(content), "utf-8") == []


def test_a_wrong_byte_is_named_with_line_and_offset_and_the_encoding_that_works() -> None:
    content = "ID,Name\n1,Ada\n2,Zoë\n".encode("cp1252")
    [line] = encoding_findings(a_file(content), "utf-8")
    assert "contacts.csv: line 3 (byte 18) is not utf-8" in line
    assert "csv.encoding: cp1252" in line


def test_a_byte_far_into_a_file_keeps_its_offset() -> None:
    before = "é\n".encode() * 700_000
    assert first_undecodable(a_file(before + b"\xff\n"), "utf-8") == (700_001, len(before))


def test_a_character_cut_off_at_the_end_is_found() -> None:
    assert first_undecodable(a_file("a\né".encode()[:-1]), "utf-8") == (2, 2)


@pytest.mark.parametrize("declared", ["utf-8", "cp1252"])
def test_a_utf_16_file_is_recognised_by_its_mark(declared: str) -> None:
    [line] = encoding_findings(a_file("ID,Name\n".encode("utf-16")), declared)
    assert line == f"contacts.csv: is written in utf-16, not {declared}: set csv.encoding: utf-16"


def test_a_utf_8_file_is_not_read_as_something_that_never_complains() -> None:
    [line] = encoding_findings(a_file("ID,Zoë\n".encode("utf-8-sig")), "cp1252")
    assert "is written in utf-8" in line


def test_utf_16_without_a_mark_is_no_text() -> None:
    [line] = encoding_findings(a_file("ID\n".encode("utf-16-le")), "utf-8")
    assert "byte 1 is zero" in line


def test_utf_8_declared_as_something_stricter_is_suggested() -> None:
    [line] = encoding_findings(a_file("ID,Zoë\n".encode()), "ascii")
    assert "csv.encoding: utf-8" in line


def test_a_zero_within_a_record_is_that_records_affair() -> None:
    assert encoding_findings(a_file(b"ID,Name\n1,A\0da\n"), "utf-8") == []
