"""A review sheet survives a spreadsheet, or is refused in one clear line."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.dedupe.sheet import NEEDED, sheet_bytes, sheet_rows
from airflow_crm_migration.core.errors import UserMistake

NAME = "review/duplicates/contact.csv"
ROWS = [
    {"cluster": "c1", "record": "-7", "name": '=HYPERLINK("http://example.com")', "decision": ""},
    {"cluster": "c1", "record": "008", "name": "Jörg, Müller;=1+1", "decision": "merge"},
]
READ = [{key: row[key] for key in NEEDED} for row in ROWS]


def saved(delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    """Return the sheet as a spreadsheet saves it."""
    text = io.StringIO(newline="")
    rows = csv.reader(io.StringIO(sheet_bytes(ROWS).decode("utf-8-sig"), newline=""))
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def test_no_cell_is_a_formula() -> None:
    text = sheet_bytes(ROWS).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in set("=+-@")]
    assert "Jörg, Müller;'=1+1" in cells


@given(st.text(st.sampled_from("=+-@'a0;"), min_size=1))
def test_ids_come_back_as_they_were(source_id: str) -> None:
    rows = [{"cluster": "c", "record": source_id, "decision": ""}]
    if not source_id.startswith("'") and ";'" not in source_id:
        assert sheet_rows(NAME, sheet_bytes(rows)) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_a_spreadsheet_separates_by_is_read(delimiter: str) -> None:
    assert sheet_rows(NAME, saved(delimiter)) == READ


def test_no_clusters_are_no_rows() -> None:
    assert sheet_rows(NAME, sheet_bytes([])) == []


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_another_encoding_is_named_with_the_fix(encoding: str) -> None:
    with pytest.raises(UserMistake) as caught:
        sheet_rows(NAME, saved(encoding=encoding))
    [line] = caught.value.findings
    assert line.startswith(f"{NAME}: ")
    assert encoding in line
    assert 'save it again as "CSV UTF-8"' in line


def test_a_missing_column_is_one_line() -> None:
    with pytest.raises(UserMistake) as caught:
        sheet_rows(NAME, b"cluster,Record\nc1,7\n")
    [line] = caught.value.findings
    assert line.startswith(f"{NAME}: row 1 has no column 'record', 'decision'")
