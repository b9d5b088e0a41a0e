"""Which column of a CSV file carries which field; every mistake is found before a row is read."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_crm_migration.core.csv_encoding import encoding_findings
from airflow_crm_migration.core.csv_export import CsvFile, open_rows
from airflow_crm_migration.core.csv_format import IGNORE, CsvFormat, CustomField
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DELIMITERS = (",", ";", "\t")
_ALIKE = 80
"""Least likeness, of 100, for a suggestion; a column so like a missing one is taken for a typo."""


@dataclass(frozen=True)
class Columns:
    """
    The columns of one file.

    :param object: that the file carries
    :param delimiter: as declared or recognised
    :param fields: field of each column in order, None for one that is left aside
    :param custom: fields that the customer added, of type text until their cells were looked at
    :param undeclared: those of ``custom`` whose type nobody declared
    :param absent: declared fields that the file does not carry
    """

    object: str
    delimiter: str = ","
    fields: tuple[str | None, ...] = ()
    custom: tuple[FieldSpec, ...] = ()
    undeclared: frozenset[str] = frozenset()
    absent: tuple[str, ...] = ()


@dataclass
class _Reading:
    """What is learned column by column."""

    spec: ObjectSpec
    form: CsvFormat
    file: str
    known: dict[str, str] = field(default_factory=dict)
    fields: list[str | None] = field(default_factory=list)
    strange: list[int] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    custom: list[FieldSpec] = field(default_factory=list)
    undeclared: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)

    def find(self, message: str) -> None:
        self.findings.append(f"{self.file}: {message}")


def read_columns(
    file: CsvFile, spec: ObjectSpec, form: CsvFormat, *, id_needed: bool = True
) -> tuple[Columns, list[str]]:
    """
    Read the header of a file.

    :param file: the file
    :param form: how the customer's files are written
    :param id_needed: whether there must be an id column, because nothing else identifies a record
    :return: the columns, and all mistakes at once: one line each with the column and the fix
    """
    findings = encoding_findings(file, form.encoding)
    if findings:
        return Columns(spec.name), findings
    reading = _Reading(spec, form, file.name)
    reading.known = _known(reading)
    delimiter, header = _header(file, reading)
    if not any(header):
        reading.find("has no header: the first line must name the columns, as in the template")
        return Columns(spec.name, delimiter), reading.findings
    reading.fields = [_known_column(reading, number, text) for number, text in enumerate(header, 1)]
    for index in reading.strange:
        reading.fields[index] = _custom(reading, header[index].strip())
    reading.findings.extend(_missing(reading, header, id_needed))
    absent = [n for n, f in spec.fields.items() if f.header and n not in reading.taken]
    columns = Columns(
        spec.name,
        delimiter,
        tuple(reading.fields),
        tuple(reading.custom),
        frozenset(reading.undeclared),
        tuple(absent),
    )
    return columns, reading.findings


def _normal(header: str) -> str:
    return " ".join(header.casefold().split())


def _plain(header: str) -> str:
    """Return a header without the remark at its end: ``Duration (s)`` is ``Duration``."""
    return _normal(re.sub(r"\s*\([^()]*\)\s*$", "", header))


def _known(reading: _Reading) -> dict[str, str]:
    """Map every spelling of a header to its field; what the engagement says goes first."""
    known: dict[str, str] = {}
    for header, name in reading.form.aliases.get(reading.spec.name, {}).items():
        if name != IGNORE and name not in reading.spec.fields:
            place = f"csv.aliases.{reading.spec.name}.{header} = {name!r}"
            reading.find(f"{place} is no field{_suggestion(name, reading.spec.fields)}")
        known[_normal(header)] = name
    for name, spec in reading.spec.fields.items():
        if spec.header:
            for spelling in (_normal(spec.header), _plain(spec.header), name):
                known.setdefault(spelling, name)
    return known


def _header(file: CsvFile, reading: _Reading) -> tuple[str, list[str]]:
    """Return delimiter and header: undeclared, it is the one that gives most known names."""
    wanted = reading.form.delimiter
    best: tuple[str, list[str]] = ("," if wanted == "auto" else wanted, [])
    most = (-1, -1)
    for delimiter in _DELIMITERS if wanted == "auto" else (wanted,):
        header = _first_row(file, reading.form.encoding, delimiter)
        score = (sum(_field_of(reading, h) is not None for h in header), len(header))
        if score > most:
            best, most = (delimiter, header), score
    return best


def _first_row(file: CsvFile, encoding: str, delimiter: str) -> list[str]:
    try:
        with open_rows(file, encoding, delimiter) as rows:
            return next(rows, [])
    except (UserMistake, csv.Error):
        return []


def _field_of(reading: _Reading, header: str) -> str | None:
    return reading.known.get(_normal(header)) or reading.known.get(_plain(header))


def _known_column(reading: _Reading, number: int, text: str) -> str | None:
    """Return the field of a column that the platform defines, None for any other."""
    header = text.strip()
    name = _field_of(reading, header)
    if not header:
        reading.find(f"column {number} has no name: name it or delete it")
    elif name is None:
        reading.strange.append(number - 1)
    elif name != IGNORE:
        return _take(reading, name, header)
    return None


def _take(reading: _Reading, name: str, header: str) -> str | None:
    if name not in reading.taken:
        reading.taken[name] = header
        return name
    reading.find(
        f"columns {reading.taken[name]!r} and {header!r} both carry {name}: keep one of them, or "
        f"name the field of the other, or 'ignore', in csv.aliases.{reading.spec.name}"
    )
    return None


def _custom(reading: _Reading, header: str) -> str | None:
    """Take a column that the platform does not define for one that the customer added."""
    declared = _declared(reading).get(_normal(header))
    typo = None if declared else _like(header, _unseen(reading))
    allowed = reading.spec.custom_fields and reading.form.custom_columns == "detect"
    if not declared and (typo or not allowed or header.startswith("_")):
        reading.find(_unknown(reading, header, typo))
        return None
    if _take(reading, header, header) is None:
        return None
    field_spec = FieldSpec(header, FieldType.TEXT, header, custom=True, header=header)
    if declared:
        field_spec = replace(field_spec, type=declared.type, label=declared.label or header)
    else:
        reading.undeclared.add(header)
    reading.custom.append(field_spec)
    return header


def _declared(reading: _Reading) -> dict[str, CustomField]:
    own = (c for c in reading.form.custom_fields if c.object == reading.spec.name)
    return {_normal(c.header): c for c in own}


def _unknown(reading: _Reading, header: str, typo: str | None) -> str:
    meant = f" (did you mean {typo!r}?)" if typo else ""
    name = reading.spec.name
    fix = f"name its field or 'ignore' in csv.aliases.{name}"
    if reading.spec.custom_fields:
        fix += ", or list it in csv.custom_fields"
    return f"column {header!r} is unknown{meant}: {fix}"


def _unseen(reading: _Reading) -> list[str]:
    """List the headers that no column so far was taken for."""
    specs = reading.spec.fields.items()
    return [f.header for name, f in specs if f.header and name not in reading.taken]


def _missing(reading: _Reading, header: Sequence[str], id_needed: bool) -> Iterator[str]:
    left = [h for h in map(str.strip, header) if h and h not in reading.taken.values()]
    for name, spec in reading.spec.fields.items():
        wanted = spec.required or (id_needed and name == "id")
        if wanted and name not in reading.taken and spec.header:
            meant = _like(spec.header, left)
            hint = f" (is it {meant!r}?)" if meant else ""
            yield (
                f"{reading.file}: column {spec.header!r} is missing{hint}: add it, or name the "
                f"column that carries {name} in csv.aliases.{reading.spec.name}"
            )
    for normal, custom in _declared(reading).items():
        if normal not in {_normal(h) for h in header}:
            yield (
                f"{reading.file}: column {custom.header!r} of csv.custom_fields is missing: "
                "add it, or mend its spelling"
            )


def _suggestion(name: str, fields: Mapping[str, FieldSpec]) -> str:
    like = _like(name, list(fields))
    return f"; did you mean {like!r}?" if like else f"; fields are: {', '.join(fields)}"


def _like(text: str, choices: Sequence[str]) -> str | None:
    """Return the choice that a text is most like, if it is like one at all."""
    from rapidfuzz import fuzz, process, utils

    found = process.extractOne(
        text, choices, scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=_ALIKE
    )
    return found[0] if found else None
