"""Reads one object of the source into staging: as received, and typed.

What the API gives and what a CSV file gives are put together record by record: the API's value
wins, the file fills what is blank. A record with a cell that has no reading is set apart.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from airflow_crm_migration import __version__
from airflow_crm_migration.core.arrow import FILE, ROW, write_rows
from airflow_crm_migration.core.canonical import canonical_json, digest, time_text
from airflow_crm_migration.core.cells import BadCell, CellRules, type_record
from airflow_crm_migration.core.csv_check import CheckedCsv, check_csv
from airflow_crm_migration.core.csv_export import read_rows
from airflow_crm_migration.core.errors import CrmError, Refused, UserMistake
from airflow_crm_migration.core.extract_reached import (
    Reached,
    forget_reached,
    raw_folder,
    read_reached,
)
from airflow_crm_migration.core.extract_read import extract_folder, extract_manifest, seen
from airflow_crm_migration.core.extract_store import API, CSV, ExtractStore, Merged, Received
from airflow_crm_migration.core.identity import content_id, natural_id
from airflow_crm_migration.core.inbox import csv_file
from airflow_crm_migration.core.outcomes import Reason
from airflow_crm_migration.core.progress import ProgressLog
from airflow_crm_migration.core.protocols import Page, Progress, Route, Source, Values
from airflow_crm_migration.core.staging import (
    PartWriter,
    Staging,
    discard_manifest,
    sha256,
    write_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.csv_format import CsvFormat
    from airflow_crm_migration.core.extract_window import Window
    from airflow_crm_migration.core.fields import ObjectSpec


@dataclass
class Extraction:
    """
    One object of one run to be read.

    :param route: how, as the probe found it
    :param form: how the customer's CSV files are written
    :param source: the CRM, where there is a connection
    :param identity: fields that identify a record: its id, then those of its natural key
    :param copied: object -> copy of its CSV file, as :func:`.inbox.copy_inbox` returned it
    :param window: what to read of an API that can tell what changed; None for everything
    """

    staging: Staging
    run: str
    spec: ObjectSpec
    route: Route
    form: CsvFormat
    source: Source | None = None
    identity: Sequence[str] = ("id",)
    copied: dict[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    window: Window | None = None
    rows_per_part: int = 5000

    def __post_init__(self) -> None:
        """Say where things go."""
        self.folder = extract_folder(self.run, self.spec.name)
        self.key = tuple(name for name in self.identity if name != "id")
        self.carried: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.identified: Counter[str] = Counter()
        self.told: dict[str, ProgressLog] = {}

    def extract(self) -> dict[str, Any]:
        """
        Read the object; what an attempt that was cut off received is not asked for again.

        :return: the manifest, with counts and window
        :raises UserMistake: when the CSV file cannot be used, or the source is another account
        """
        window = {"start": _now()}
        tenant = ""
        discard_manifest(self.staging, self.folder)
        with ExtractStore(self.key) as store:
            if self.route in (Route.API, Route.API_AND_CSV) and self.source is not None:
                tenant = self.source.tenant()
                window |= self._receive_api(store, self.source, tenant)
            copy = None if self.route is Route.API else self.copied.get(self.spec.name)
            if copy:
                self._receive_csv(store, copy["name"])
            elif self.route is Route.CSV:
                raise UserMistake(f"inbox/{self.spec.csv_name}: is missing")
            window["end"] = _now()
            for told in self.told.values():
                told.finish()
            self._match(store)
            parts = self._write(store)
            self.counts["collapsed"] += store.collapsed
        fields = self.spec.fields.values()
        manifest = write_manifest(
            self.staging,
            self.folder,
            parts,
            object=self.spec.name,
            route=self.route,
            tenant=tenant,
            window=window,
            csv=copy,
            counts=self._totals(),
            identified=dict(self.identified),
            fields={f.name: f.type for f in fields},
            custom=[{"name": f.name, "type": f.type, "label": f.label} for f in fields if f.custom],
            # Of the whole object: a row that only the file has may lack what the API gives others.
            absent=[f.name for f in fields if f.name not in self.carried],
        )
        forget_reached(self.staging, self.folder)
        return manifest

    # -- receiving -------------------------------------------------------------------------

    def _receive_api(self, store: ExtractStore, source: Source, tenant: str) -> dict[str, Any]:
        """Receive what the API gives, and tell which part of it had to be asked for."""
        misfit = self.window.misfit(self.staging, self.spec, tenant) if self.window else ""
        window = None if misfit else self.window
        since = window.since if window else None
        reached, pages = self._opened(source, self._reached(tenant, window), since)
        kept = reached.records(self.staging, self.folder)
        number = self._take(store, source, kept, 0, "an attempt that was cut off")
        raw = PartWriter(
            self.staging, raw_folder(self.folder), self.rows_per_part, list(reached.parts)
        )
        asked = self._records(pages, reached, raw)
        number = self._take(store, source, asked, number, "the API")
        facts: dict[str, Any] = {"start": reached.start} | ({"whole": misfit} if misfit else {})
        if window:
            taken_over = self._take_over(store, source, window, raw, number)
            facts |= window.facts() | {"anew": number, "taken_over": taken_over}
        raw.finish()
        return facts

    def _take(
        self, store: ExtractStore, source: Source, records: Iterator[Values], done: int, where: str
    ) -> int:
        """Take records and return the number of the last one."""
        number = done
        for number, record in enumerate(records, start=done + 1):
            store.add(API, self._typed(source, record, number))
            self._tell(number, where)
        return number

    def _reached(self, tenant: str, window: Window | None) -> Reached:
        """Return how far an attempt came that asked for the same; else a beginning."""
        fields = {f.name: f.type for f in self.spec.fields.values()}
        facts = window.facts() if window else {}
        asked = digest([__version__, tenant, self.route, fields, facts])
        found = read_reached(self.staging, self.folder, asked)
        if found and all(self._version(name) == then for name, then in found.seen.items()):
            return found
        return Reached(asked, _now())

    def _version(self, object_name: str) -> str:
        """Tell by a digest which extract of an object this run has."""
        return digest(extract_manifest(self.staging, self.run, object_name)["parts"])

    def _opened(
        self, source: Source, reached: Reached, since: datetime | None
    ) -> tuple[Reached, Iterator[Page]]:
        """Go on where an attempt was cut off; one that the source does not know begins anew."""

        def known(object_name: str, field_name: str) -> Iterator[str]:
            reached.seen[object_name] = self._version(object_name)
            return seen(self.staging, self.run, object_name, field_name)

        if reached.complete:
            return reached, iter(())
        pages = source.read(self.spec.name, known, since, reached.following)
        if reached.following is None:
            return reached, pages
        try:
            return reached, chain([*islice(pages, 1)], pages)
        except Refused:
            return self._opened(source, Reached(reached.asked, _now()), since)

    def _records(
        self, pages: Iterator[Page], reached: Reached, raw: PartWriter
    ) -> Iterator[Values]:
        """Keep the records and walk them; how far that went is noted whenever a part is full."""
        for page in self._until_cut_off(pages, reached, raw):
            for record in map(_storable, page.records):
                raw.add(record)
                yield record
            reached.following = page.following
            if page.following is not None and len(raw.parts) > len(reached.parts):
                self._note(reached, raw)
        if not reached.complete:
            reached.complete = True
            self._note(reached, raw)

    def _until_cut_off(
        self, pages: Iterator[Page], reached: Reached, raw: PartWriter
    ) -> Iterator[Page]:
        """Walk the pages, and note how far that went when the source gives no more for now."""
        try:
            yield from pages
        except (CrmError, SystemExit):
            if reached.following is not None:
                self._note(reached, raw)
            raise

    def _note(self, reached: Reached, raw: PartWriter) -> None:
        raw.flush()
        reached.parts = list(raw.parts)
        reached.keep(self.staging, self.folder)

    def _take_over(
        self, store: ExtractStore, source: Source, window: Window, raw: PartWriter, number: int
    ) -> int:
        """Take the records of an earlier run that did not change since; return how many."""
        taken = 0
        before = window.records(self.staging, self.spec.name)
        for row, record in enumerate(before, start=number + 1):
            if store.add(API, self._typed(source, record, row), anew=False):
                raw.add(record)
                taken += 1
            self._tell(row, f"run {window.base}")
        return taken

    def _typed(self, source: Source, record: Values, number: int) -> Received:
        cells = source.fields_of(self.spec.name, record)
        self.carried.update(cells)
        values, bad = type_record(self.spec, cells, CellRules())
        return Received(values, tuple(bad), API, number)

    def _receive_csv(self, store: ExtractStore, name: str) -> None:
        file = csv_file(self.staging, name)
        checked = check_csv(file, self.spec, self.form, id_needed=not self.key)
        if checked.findings:
            raise UserMistake(checked.findings)
        self.spec = checked.spec
        columns = checked.columns
        self.carried.update(name for name in columns.fields if name)
        rows = read_rows(file, self.form.encoding, columns.delimiter, columns.fields)
        for done, row in enumerate(rows, start=1):
            store.add(CSV, _received(checked, file.name, row.number, row.cells, row.problem))
            self._tell(done, file.name)

    def _match(self, store: ExtractStore) -> None:
        """Bring both sides together; ids of two kinds would make every record twice."""
        sides = [store.ids(side) for side in (API, CSV)]
        if not store.match() and all(sides):
            raise UserMistake(
                f"{self.spec.csv_name}: none of its {sides[1]} ids is among the {sides[0]} of the "
                "API, so every record would arrive twice: export again, or take the source "
                "connection out"
            )

    def _tell(self, number: int, where: str) -> None:
        if where not in self.told:
            label = f"extract {self.spec.name} from {where}"
            self.told[where] = ProgressLog(label, 0, self.progress.say)
        self.told[where](number)

    # -- writing ---------------------------------------------------------------------------

    def _write(self, store: ExtractStore) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        rows: list[Values] = []
        rejected = PartWriter(self.staging, f"{self.folder}/rejected", self.rows_per_part)
        for merged in store.records():
            source_id = self._source_id(store, merged)
            if source_id is None:
                continue
            self.counts["_and_".join(sorted(merged.sides))] += 1
            received = merged.received
            if merged.twice or received.bad:
                rejected.add(_rejection(source_id, merged))
                self.counts["rejected"] += 1
                continue
            place = {FILE: received.file, ROW: received.row}
            rows.append({**received.values, "id": source_id, **place})
            if len(rows) >= self.rows_per_part:
                parts.append(self._part(len(parts), rows))
                rows = []
        if rows:
            parts.append(self._part(len(parts), rows))
        rejected.finish()
        self.counts["typed"] = sum(part["rows"] for part in parts)
        return parts

    def _source_id(self, store: ExtractStore, merged: Merged) -> str | None:
        """
        Return the id by which a record is known; None for one that an API gave a second time.

        Equal rows of a file are as many records: which of them is which makes no difference.
        """
        values = merged.received.values
        own = values.get("id")
        if own and not merged.twice:
            self.identified["id"] += 1
            return str(own)
        natural = None if own else natural_id(values, self.key)
        if natural and store.claim(natural) == 1:
            self.identified["key"] += 1
            return natural
        content = [values, [(b.field, b.value) for b in merged.received.bad]]
        occurrence = store.claim(content_id(content))
        if occurrence > 1 and API in merged.sides:
            self.counts["collapsed"] += 1
            return None
        self.identified["content"] += 1
        return content_id(content, occurrence)

    def _part(self, number: int, rows: Sequence[Values]) -> dict[str, Any]:
        stream = io.BytesIO()
        write_rows(stream, {f.name: f.type for f in self.spec.fields.values()}, rows)
        name, content = f"part-{number:05d}.parquet", stream.getvalue()
        self.staging.write_bytes(f"{self.folder}/{name}", content)
        return {"name": name, "rows": len(rows), "sha256": sha256(content)}

    def _totals(self) -> dict[str, int]:
        names = ("typed", "rejected", "collapsed")
        return {
            "read": self.counts["typed"] + self.counts["rejected"],
            **{name: self.counts[name] for name in names},
            "api_only": self.counts[API],
            "csv_only": self.counts[CSV],
            "both": self.counts[f"{API}_and_{CSV}"],
        }


def _now() -> str:
    return time_text(datetime.now(UTC))


def _received(checked: CheckedCsv, file: str, number: int, cells: Any, problem: str) -> Received:
    values, bad = type_record(checked.spec, cells, checked.rules)
    if problem:
        bad = [BadCell("", problem)]
    return Received(values, tuple(bad), file, number)


def _rejection(source_id: str, merged: Merged) -> dict[str, Any]:
    received = merged.received
    line = {"id": source_id, "file": received.file, "row": received.row}
    if merged.twice:
        return {**line, "reason": Reason.SAME_ID_TWICE, "named": received.values["id"]}
    cells = [{"field": b.field, "problem": b.problem, "value": b.value} for b in received.bad]
    return {**line, "reason": Reason.BAD_CELL, "cells": cells, "values": received.values}


def _storable(record: Values) -> Values:
    """Return a record without halves of characters, which no file can hold."""
    text = canonical_json(record)
    try:
        text.encode()
    except UnicodeEncodeError:
        repaired: Values = json.loads(text.encode(errors="replace"))
        return repaired
    return record
