from __future__ import annotations

import io
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.csv_check import CheckedCsv, check_csv
from airflow_crm_migration.core.csv_export import CsvFile
from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.fields import FieldType
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable

DAYS = [date(2024, 1, 1) + timedelta(days=7 * n) for n in range(40)]


def check(
    name: str, header: str, lines: Iterable[str], form: CsvFormat | None = None
) -> CheckedCsv:
    text = "\n".join([header, *lines])
    file = CsvFile(OBJECTS[name].csv_name, lambda: io.BytesIO(text.encode()))
    return check_csv(file, OBJECTS[name], form or CsvFormat())


def deals(
    cells: Iterable[object], header: str = "Created At", form: CsvFormat | None = None
) -> CheckedCsv:
    lines = (f'd{n},Deal,Won,"{cell}"' for n, cell in enumerate(cells))
    return check("deal", f"Deal ID,Deal Name,Stage,{header}", lines, form)


def custom(cells: Iterable[object], form: CsvFormat | None = None) -> tuple[FieldType, CheckedCsv]:
    checked = deals(cells, "Extra", form)
    return checked.spec.fields["Extra"].type, checked


def test_a_good_file_has_its_rows_counted() -> None:
    checked = deals(DAYS)
    assert (checked.rows, checked.findings) == (40, ())


def test_a_header_without_rows_is_an_export_of_nothing() -> None:
    assert (deals([]).rows, deals([]).findings) == (0, ())


@pytest.mark.parametrize(
    ("written", "fits"),
    [
        ("%d/%m/%Y", "DD/MM/YYYY"),
        ("%m/%d/%Y", "MM/DD/YYYY"),
        ("%d.%m.%Y", "DD.MM.YYYY"),
        ("%d/%m/%Y 08:30", "DD/MM/YYYY HH:mm"),
        ("%m/%d/%Y 08:30 PM", "MM/DD/YYYY hh:mm A"),
    ],
)
def test_dates_in_another_format_name_the_one_that_fits(written: str, fits: str) -> None:
    [line] = deals(day.strftime(written) for day in DAYS).findings
    assert line.startswith("deals.csv: column 'Created At': 40 of 40 cells are no datetime:")
    assert line.endswith(f"all of them fit {fits}: set csv.formats: deal.created_at to it")


def test_the_declared_format_is_taken() -> None:
    form = CsvFormat(formats={"deal.created_at": "DD/MM/YYYY"})
    checked = deals((day.strftime("%d/%m/%Y") for day in DAYS), form=form)
    assert checked.findings == ()
    assert checked.rules.formats["created_at"] == "DD/MM/YYYY"


def test_days_of_a_spreadsheet_are_recognised() -> None:
    [line] = deals(range(45292, 45332)).findings
    assert "all of them fit excel: set csv.formats: deal.created_at" in line


def test_dates_that_can_be_read_in_two_ways_name_both() -> None:
    [line] = deals(["01/02/2024", "03/04/2024"]).findings
    assert "all of them fit DD/MM/YYYY and MM/DD/YYYY" in line


def test_a_few_odd_cells_do_not_hide_the_format_of_the_rest() -> None:
    [line] = deals([*(day.strftime("%d/%m/%Y") for day in DAYS), "spring"]).findings
    assert "40 of 41 of them fit DD/MM/YYYY" in line


def test_a_few_bad_cells_are_no_mistake_of_the_file() -> None:
    assert deals([*DAYS, "spring", "32.13.2024"]).findings == ()


def test_words_instead_of_dates_are_told_without_quoting_them() -> None:
    [line] = deals(["Ada Lovelace", "Bob Byron"]).findings
    assert "none of the known formats fits" in line
    assert "Ada" not in line


def test_a_column_of_numbers_with_the_other_mark_is_told() -> None:
    [line] = deals(["1.234,50", "12,5"], "Estimated Value").findings
    assert "all are numbers with csv.decimal_mark: ','" in line
    assert (
        deals(["1.234,50", "12,5"], "Estimated Value", CsvFormat(decimal_mark=",")).findings == ()
    )


def test_a_column_of_words_where_yes_and_no_belong_is_told() -> None:
    [line] = deals(["blue", "green"], "Is Private").findings
    assert "cells are no boolean" in line


def test_rows_that_mostly_do_not_match_the_header_are_one_mistake_of_the_file() -> None:
    lines = ["d1,Deal, with comma,Won", "d2,Deal, with comma,Won", "d3,Deal,Won"]
    [line] = check("deal", "Deal ID,Deal Name,Stage", lines).findings
    assert line.startswith("deals.csv: 2 of 3 rows have another number of cells")


def test_an_open_quotation_mark_at_the_end_is_found_before_anything_is_read() -> None:
    [line] = check("deal", "Deal ID,Deal Name,Stage", ["d1,Deal,Won", 'd2,"Deal,Won']).findings
    assert "line 3: quotation marks do not match" in line


@pytest.mark.parametrize(
    ("formats", "told"),
    [
        ({"deal.name": "iso"}, "csv.formats: deal.name: is no date; dates are:"),
        ({"deal.created_at": "DD/MM"}, "csv.formats: deal.created_at: 'DD/MM' is unknown"),
    ],
)
def test_formats_that_can_never_apply_are_told(formats: dict[str, str], told: str) -> None:
    assert any(
        line.startswith(told) for line in deals([], form=CsvFormat(formats=formats)).findings
    )


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["12", "7.5", "-3"], FieldType.NUMBER),
        (["yes", "no", "Yes"], FieldType.BOOLEAN),
        (["S", "M", "L"] * 5, FieldType.SELECT),
        (["01234", "56789"], FieldType.TEXT),
        ([f"free text {n}" for n in range(50)], FieldType.TEXT),
        (DAYS, FieldType.DATE),
        ([f"{day} 08:30" for day in DAYS], FieldType.DATETIME),
        ([], FieldType.TEXT),
    ],
)
def test_the_type_of_a_custom_column_is_told_by_its_cells(
    cells: list[object], kind: FieldType
) -> None:
    assert custom(cells)[0] is kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([n / 2 for n in range(60)], FieldType.NUMBER),
        (["yes", "no"] * 30, FieldType.BOOLEAN),
        ([f"{day:%d.%m.%Y}" for day in DAYS], FieldType.DATE),
    ],
)
def test_one_bad_cell_does_not_make_a_custom_column_text(
    cells: list[object], kind: FieldType
) -> None:
    assert custom([*cells, "about a dozen"])[0] is kind
    assert custom([*cells, *["about a dozen"] * 20])[0] is not kind


def test_one_bad_cell_does_not_make_codes_numbers() -> None:
    assert custom([*(f"{n:05d}" for n in range(500, 20_000, 300)), "n/a"])[0] is FieldType.TEXT


def test_numbers_with_the_other_mark_stay_text() -> None:
    assert custom(["12,5", "7,25"])[0] is FieldType.TEXT


def test_the_format_of_a_custom_date_is_told_by_its_cells() -> None:
    kind, checked = custom(day.strftime("%d.%m.%Y") for day in DAYS)
    assert (kind, checked.rules.formats["Extra"]) == (FieldType.DATE, "DD.MM.YYYY")


def test_a_custom_date_that_can_be_read_in_two_ways_is_asked_for() -> None:
    [line] = custom(["01/02/2024", "03/04/2024"])[1].findings
    assert line == (
        "deals.csv: column 'Extra' may be DD/MM/YYYY or MM/DD/YYYY: "
        "set csv.formats: deal.Extra to the one that is meant"
    )


def test_the_declared_format_of_a_custom_column_makes_it_a_date() -> None:
    form = CsvFormat(formats={"deal.Extra": "MM/DD/YYYY"})
    kind, checked = custom(["01/02/2024", "03/04/2024", "spring"], form)
    assert (kind, checked.findings) == (FieldType.DATE, ())
