"""A CSV file is looked at whole before any of it is used; every mistake is told at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_crm_migration.core.cells import CellRules, type_record
from airflow_crm_migration.core.csv_export import CsvFile, read_rows
from airflow_crm_migration.core.csv_headers import Columns, read_columns
from airflow_crm_migration.core.csv_types import date_type, detect
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.values.dates import FORMATS, formats_that_fit
from airflow_crm_migration.core.values.numbers import decimal_marks_that_fit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow_crm_migration.core.csv_format import CsvFormat

_SAMPLE = 20_000
"""Cells per column that are looked at to tell its type or whether its format is right."""

_PROBE = 200
"""Cells that are tried with every known format."""

_DATES = (FieldType.DATE, FieldType.DATETIME)


@dataclass(frozen=True)
class CheckedCsv:
    """
    What is known of a CSV file.

    :param spec: the object with the customer's own fields added
    :param columns: which column carries which field
    :param rules: how its cells are written
    :param rows: how many records it holds
    :param findings: mistakes, one line each; the file is usable when there are none
    """

    spec: ObjectSpec
    columns: Columns
    rules: CellRules
    rows: int = 0
    findings: tuple[str, ...] = ()


@dataclass
class _Sample:
    """Cells of the columns that have to be looked at, and the shape of the rows."""

    cells: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    rows: int = 0
    ragged: int = 0


def check_csv(
    file: CsvFile, spec: ObjectSpec, form: CsvFormat, *, id_needed: bool = True
) -> CheckedCsv:
    """
    Check a file: bytes, header, quotation marks, and whether dates and numbers are as declared.

    :param file: the file
    :param spec: what it should carry
    :param form: how the customer's files are written
    :param id_needed: whether there must be an id column, because nothing else identifies a record
    """
    columns, findings = read_columns(file, spec, form, id_needed=id_needed)
    rules = CellRules(decimal_mark=form.decimal_mark, timezone=form.timezone)
    if findings:
        return CheckedCsv(spec, columns, rules, findings=tuple(findings))
    try:
        sample = _sample(file, spec, form, columns)
    except UserMistake as error:
        return CheckedCsv(spec, columns, rules, findings=tuple(error.findings))
    told = list(_shape(file.name, sample))
    whole, formats, doubts = _detected(file.name, spec, form, columns, sample)
    dates = [name for name, f in whole.fields.items() if f.type in _DATES]
    rules = replace(rules, formats=formats | _declared(form, spec.name))
    told += (*_formats(form, spec.name, dates), *doubts)
    told += _cells(file.name, whole, rules, sample.cells)
    return CheckedCsv(whole, columns, rules, sample.rows, tuple(told))


def _sample(file: CsvFile, spec: ObjectSpec, form: CsvFormat, columns: Columns) -> _Sample:
    """Walk the whole file, so that quotation marks are known to match up to its end."""
    judged = (*_DATES, FieldType.NUMBER, FieldType.BOOLEAN)
    fields = {**spec.fields, **{c.name: c for c in columns.custom}}
    names = [
        n for n in columns.fields if n and (fields[n].type in judged or n in columns.undeclared)
    ]
    sample = _Sample()
    for row in read_rows(file, form.encoding, columns.delimiter, columns.fields):
        sample.rows += 1
        sample.ragged += bool(row.problem)
        for name in names:
            cell = row.cells.get(name, "").strip()
            if cell and len(sample.cells[name]) < _SAMPLE:
                sample.cells[name].append(cell)
    return sample


def _declared(form: CsvFormat, object_name: str) -> dict[str, str]:
    """Return the declared date formats of an object's fields."""
    places = {place.partition("."): fmt for place, fmt in form.formats.items()}
    return {name: fmt for (owner, _, name), fmt in places.items() if owner == object_name}


def _detected(
    file: str, spec: ObjectSpec, form: CsvFormat, columns: Columns, sample: _Sample
) -> tuple[ObjectSpec, dict[str, str], list[str]]:
    """Add the customer's own fields; return formats of dates among them, and what is in doubt."""
    customs = {custom.name: custom for custom in columns.custom}
    formats: dict[str, str] = {}
    doubts: list[str] = []
    for name in columns.undeclared:
        cells = sample.cells[name]
        if name in _declared(form, spec.name):
            customs[name] = replace(customs[name], type=date_type(cells))
            continue
        found = detect(cells, form.decimal_mark)
        customs[name] = replace(customs[name], type=found.type)
        if found.formats:
            formats[name] = found.formats[0]
        if len(found.formats) > 1:
            fix = f"set csv.formats: {spec.name}.{name} to the one that is meant"
            doubts.append(f"{file}: column {name!r} may be {' or '.join(found.formats)}: {fix}")
    return replace(spec, fields={**spec.fields, **customs}), formats, doubts


def _formats(form: CsvFormat, object_name: str, dates: Sequence[str]) -> Iterator[str]:
    """Tell what the declared formats of an object name wrongly."""
    for place, declared in form.formats.items():
        owner, _, name = place.partition(".")
        if owner == object_name and name not in dates:
            yield f"csv.formats: {place}: is no date; dates are: {', '.join(dates) or 'none'}"
        elif owner == object_name and declared not in FORMATS:
            yield f"csv.formats: {place}: {declared!r} is unknown; known are {', '.join(FORMATS)}"


def _shape(file: str, sample: _Sample) -> Iterator[str]:
    if sample.ragged > sample.rows / 2:
        yield (
            f"{file}: {sample.ragged} of {sample.rows} rows have another number of cells than the "
            "header: quote cells that hold the delimiter, and name every column"
        )


def _cells(
    file: str, spec: ObjectSpec, rules: CellRules, sample: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Tell the columns of which most cells have no reading."""
    for name, cells in sample.items():
        own = spec.fields[name]
        bad = [b for cell in cells for b in type_record(spec, {name: cell}, rules)[1]]
        if len(bad) > len(cells) / 2:
            yield (
                f"{file}: column {own.header!r}: {len(bad)} of {len(cells)} cells are no "
                f"{own.type}: {bad[0].problem}; {_fix(spec.name, own, cells)}"
            )


def _fix(object_name: str, spec: FieldSpec, cells: Sequence[str]) -> str:
    if spec.type in _DATES:
        place = f"csv.formats: {object_name}.{spec.name}"
        probe = cells[:_PROBE]
        fits = Counter(fmt for cell in probe for fmt in formats_that_fit([cell]))
        best = [fmt for fmt in FORMATS if fits[fmt] == max(fits.values(), default=0) > 0]
        if best:
            count = "all" if fits[best[0]] == len(probe) else f"{fits[best[0]]} of {len(probe)}"
            return f"{count} of them fit {' and '.join(best)}: set {place} to it"
        return f"none of the known formats fits; export {place} as one of {', '.join(FORMATS)}"
    if spec.type is FieldType.NUMBER and (marks := decimal_marks_that_fit(cells)):
        return f"all are numbers with csv.decimal_mark: {marks[0]!r}"
    return "is it the right column?"
