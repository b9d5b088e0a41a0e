"""Writes a world as the set of CSV files that a Klipy customer hands over."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from airflow_crm_migration.emulators.klipy import tables
from airflow_crm_migration.emulators.klipy.tables import DATE_FORMATS, Column

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from airflow_crm_migration.emulators.messy import (
        Company,
        Contact,
        CustomColumn,
        Deal,
        File,
        World,
    )

WITH_MARK = "companies.csv"
"""The one file that begins with a byte order mark, as files do that a spreadsheet saved."""
_STRFTIME = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "A": "%p"}


class Tagging(NamedTuple):
    """
    One tag of one record.

    :param kind: of the record
    :param id: of the record
    """

    kind: str
    id: str
    text: str


@dataclass(slots=True)
class Export:
    """
    What was written.

    :param rows: file -> rows without the header
    :param bad_cells: file, row as a spreadsheet counts (the header is row 1), column
    """

    folder: Path
    rows: dict[str, int] = field(default_factory=dict)
    bad_cells: list[tuple[str, int, str]] = field(default_factory=list)


def write_export(
    world: World,
    folder: Path,
    *,
    only: Collection[str] | None = None,
    files_url: str | None = None,
) -> Export:
    """
    Write the CSV files, and the binaries into ``files/``.

    :param world: what to write
    :param folder: where to; made when missing
    :param only: names of the CSV files without their ending, all when left out; binaries come with
        ``attachments``
    :param files_url: where Klipy serves attachments that the export names by URL; when left out
        they are written as files too
    :return: what was written
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Writer(world, Export(folder), files_url)
    for name, write in {
        "contacts": writer.contacts,
        "companies": writer.companies,
        "deals": writer.deals,
        "activities": writer.activities,
        "notes": writer.notes,
        "tags": writer.tags,
        "attachments": writer.attachments,
    }.items():
        if only is None or name in only:
            write()
    return writer.export


def text(value: Any, form: str = "iso") -> str:
    """
    Render a value as a cell.

    :param value: as the world holds it
    :param form: format of the column, for dates
    :return: the cell
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return _date(value, form)
    return str(value)


def _date(value: date, form: str) -> str:
    if form == "iso":
        return value.isoformat().replace("+00:00", "Z")
    for code, directive in _STRFTIME.items():
        form = form.replace(code, directive)
    return value.strftime(form)


class _Writer:
    """Writes one file after another."""

    def __init__(self, world: World, export: Export, files_url: str | None) -> None:
        self.world = world
        self.export = export
        self.files_url = files_url
        self.shown = world.truth.shown()
        self.bad = {(c.object, c.source_id, c.field) for c in world.truth.bad_cells}

    def contacts(self) -> None:
        columns = (*tables.CONTACTS, *self._custom("contact"))
        self._write("contacts.csv", "contact", columns, self.world.contacts.values())

    def companies(self) -> None:
        self._write("companies.csv", "company", tables.COMPANIES, self.world.companies.values())

    def deals(self) -> None:
        columns = (*tables.DEALS, *self._custom("deal"))
        self._write("deals.csv", "deal", columns, self.world.deals.values())

    def activities(self) -> None:
        records = self.world.activities.values()
        self._write("activities.csv", "activity", tables.ACTIVITIES, records)

    def notes(self) -> None:
        self._write("notes.csv", "note", tables.NOTES, self.world.notes.values())

    def tags(self) -> None:
        self._write("tags.csv", "tag", tables.TAGS, _taggings(self.world))

    def attachments(self) -> None:
        place = Column("Path/URL", "place", lambda _, file: self._place(file))
        columns = [place if c.header == place.header else c for c in tables.ATTACHMENTS]
        self._write("attachments.csv", "file", columns, self.world.files.values())
        for file in self.world.files.values():
            if file.place == "file" or (file.place == "source" and self.files_url is None):
                path = self.export.folder / "files" / local_path(file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content())

    def _place(self, file: File) -> str:
        if file.place == "source" and self.files_url is not None:
            return f"{self.files_url}/{file.id}/{quote(file.name)}"
        return file.url or local_path(file)

    def _custom(self, kind: str) -> list[Column]:
        return [_custom_column(c) for c in self.world.columns if c.kind == kind]

    def _write(
        self, name: str, kind: str, columns: Iterable[Column], records: Iterable[Any]
    ) -> None:
        columns = tuple(columns)
        encoding = "utf-8-sig" if name == WITH_MARK else "utf-8"
        row = 1
        with (self.export.folder / name).open("w", encoding=encoding, newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(c.header for c in columns)
            for row, record in enumerate(records, start=2):
                writer.writerow(self._row(name, kind, columns, record))
                bad = (c for c in columns if (kind, record.id, c.field) in self.bad)
                self.export.bad_cells.extend((name, row, c.header) for c in bad)
        self.export.rows[name] = row - 1

    def _row(self, name: str, kind: str, columns: tuple[Column, ...], record: Any) -> Iterator[str]:
        forms = DATE_FORMATS.get(name, {})
        for column in columns:
            shown = self.shown.get((kind, record.id, column.field))
            if shown is not None:
                yield shown
                continue
            value = (
                column.value(self.world, record) if column.value else getattr(record, column.field)
            )
            yield text(value, forms.get(column.header, "iso"))


def local_path(file: File) -> str:
    """
    Tell where a binary lies within ``files/``, whatever it is called.

    :param file: of the world
    :return: relative path with forward slashes
    """
    _, dot, ending = file.name.rpartition(".")
    return f"{file.parent.kind}/{file.id}{dot}{ending if ending.isalnum() else ''}"


def _custom_column(column: CustomColumn) -> Column:
    return Column(column.name, column.name, lambda _, record: record.custom.get(column.name))


def _taggings(world: World) -> Iterator[Tagging]:
    collections: dict[str, Iterable[Contact | Company | Deal]] = {
        "contact": world.contacts.values(),
        "company": world.companies.values(),
        "deal": world.deals.values(),
    }
    for kind, records in collections.items():
        for record in records:
            yield from (Tagging(kind, record.id, tag) for tag in record.tags)
