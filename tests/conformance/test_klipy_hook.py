"""One customer of Klipy read by CSV alone, and by API and CSV: the same records either way."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.csv_format import CsvFormat
from airflow_crm_migration.core.extract import Extraction
from airflow_crm_migration.core.extract_read import (
    extract_manifest,
    read_extract,
    rejected_rows,
)
from airflow_crm_migration.core.inbox import Expected, copy_inbox, inbox_state
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.core.protocols import Route
from airflow_crm_migration.core.secure_files import Securing, read_files
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.emulators import klipy
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.messy import World, generate
from airflow_crm_migration.hooks.klipy import KlipyHook
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.klipy import Export

API = ("contact", "activity", "company")
ORDER = (*API, "deal", "note", "tag", "attachment")
MAX_BYTES = 1_000_000_000
JUDGED_LATER = ("email_", "phone_", "country_")
"""Kinds of bad cells that only the destination's rules can judge."""


@dataclass
class Reading:
    """One customer in a staging of its own, read in one way."""

    staging: Staging
    export: Export | None = None
    hook: KlipyHook | None = None

    def rows(self, name: str) -> dict[str, dict[str, Any]]:
        return {str(r["id"]): r for r in read_extract(self.staging, "r1", name)}

    def manifest(self, name: str) -> dict[str, Any]:
        return extract_manifest(self.staging, "r1", name)

    def rejected(self, name: str) -> list[dict[str, Any]]:
        return list(rejected_rows(self.staging, "r1", name))


def form() -> CsvFormat:
    """Declare the date formats that the emulator says its export has."""
    formats = {}
    for spec in OBJECTS.values():
        headers = {f.header: f.name for f in spec.fields.values()}
        for header, fmt in klipy.DATE_FORMATS.get(spec.csv_name, {}).items():
            formats[f"{spec.name}.{headers.get(header, header)}"] = fmt
    return CsvFormat(formats=formats)


def identity(name: str) -> tuple[str, ...]:
    mapping = load_mapping("klipy_to_twenty")
    lines = (*mapping.folds, *mapping.lines)
    found = [line.identity for line in lines if line.source == name]
    return max(found, key=len)


def read_all(reading: Reading) -> Reading:
    copied = copy_inbox(reading.staging, "r1", list(OBJECTS.values()))
    routes = dict.fromkeys(ORDER, Route.CSV)
    if reading.hook is not None:
        routes |= {access.object: access.route for access in reading.hook.probe()}
    for name in ORDER:
        if routes[name] is Route.CSV and name not in copied:
            continue
        Extraction(
            reading.staging,
            "r1",
            OBJECTS[name],
            routes[name],
            form(),
            source=reading.hook,
            identity=identity(name),
            copied=copied,
        ).extract()
    return reading


@pytest.fixture(scope="module")
def world() -> World:
    return generate(7, 400)


@pytest.fixture(scope="module")
def hook(world: World) -> Iterator[KlipyHook]:
    server = start(klipy.create(world, scale=1e6))
    connection = {
        "conn_type": "klipy",
        "host": server.base_url,
        "password": klipy.API_KEY,
        "extra": {"rate_limits": "100000/1s"},
    }
    patch = pytest.MonkeyPatch()
    patch.setenv("AIRFLOW_CONN_KLIPY_CONFORMANCE", json.dumps(connection))
    yield KlipyHook("klipy_conformance")
    patch.undo()
    server.stop()


@pytest.fixture(scope="module")
def by_csv(world: World, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    folder = tmp_path_factory.mktemp("csv")
    export = klipy.write_export(world, folder / "inbox")
    return read_all(Reading(Staging(folder), export))


@pytest.fixture(scope="module")
def by_both(world: World, hook: KlipyHook, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    folder = tmp_path_factory.mktemp("both")
    files_url = f"{hook.address}/files"
    export = klipy.write_export(world, folder / "inbox", files_url=files_url)
    return read_all(Reading(Staging(folder), export, hook))


@pytest.fixture(scope="module")
def by_api(hook: KlipyHook, tmp_path_factory: pytest.TempPathFactory) -> Reading:
    return read_all(Reading(Staging(tmp_path_factory.mktemp("api")), None, hook))


def carried(reading: Reading, name: str) -> set[str]:
    """Return the fields that any record has."""
    return {field for row in reading.rows(name).values() for field in row}


def test_the_export_is_ready_to_be_read(by_csv: Reading, world: World) -> None:
    expected = [Expected(spec, id_needed=spec.name != "tag") for spec in OBJECTS.values()]
    state = inbox_state(by_csv.staging, expected, form())
    assert state.findings == ()
    assert by_csv.export is not None
    assert sorted(state.rows.values()) == sorted(by_csv.export.rows.values())


@pytest.mark.parametrize("name", OBJECTS)
def test_both_ways_give_the_same_in_what_both_carry(
    by_csv: Reading, by_both: Reading, name: str
) -> None:
    csv, both = by_csv.rows(name), by_both.rows(name)
    fields = carried(by_csv, name) & carried(by_both, name) - {"path"}
    assert len(fields) > 3
    for source_id in csv.keys() & both.keys():
        of_csv = {f: csv[source_id].get(f) for f in fields}
        assert {f: both[source_id].get(f) for f in fields} == of_csv, source_id
    mended = {line["id"] for line in by_csv.rejected(name)} - {
        line["id"] for line in by_both.rejected(name)
    }
    assert both.keys() - csv.keys() == mended
    assert csv.keys() <= both.keys()


@pytest.mark.parametrize("name", API)
def test_the_api_alone_gives_the_same_in_what_it_carries(
    by_csv: Reading, by_api: Reading, name: str
) -> None:
    csv, api = by_csv.rows(name), by_api.rows(name)
    fields = carried(by_csv, name) & carried(by_api, name) - {"_file", "_row"}
    assert len(fields) > 5
    for source_id in csv.keys() & api.keys():
        of_csv = {f: csv[source_id].get(f) for f in fields}
        assert {f: api[source_id].get(f) for f in fields} == of_csv, source_id


def test_what_the_api_does_not_give_is_listed(by_api: Reading, by_both: Reading) -> None:
    assert {"owner", "tags", "phone", "created_at"} <= set(by_api.manifest("contact")["absent"])
    assert {"deal_id", "created_by", "duration"} <= set(by_api.manifest("activity")["absent"])
    assert by_both.manifest("contact")["absent"] == []
    assert by_both.manifest("activity")["absent"] == []


def test_csv_enriches_every_record_of_the_api(by_both: Reading, world: World) -> None:
    counts = by_both.manifest("activity")["counts"]
    assert counts["both"] == len(world.activities)
    named = {c for a in world.activities.values() for c in a.company_ids if c in world.companies}
    counts = by_both.manifest("company")["counts"]
    assert counts["both"] >= len(named)
    assert counts["both"] + counts["csv_only"] == len(world.companies)


@pytest.mark.parametrize("name", OBJECTS)
def test_every_record_is_read_or_set_apart(by_csv: Reading, by_both: Reading, name: str) -> None:
    for reading in (by_csv, by_both):
        counts = reading.manifest(name)["counts"]
        assert reading.export is not None
        assert counts["read"] == counts["typed"] + counts["rejected"]
        rows = reading.export.rows[OBJECTS[name].csv_name]
        assert counts["read"] + counts["collapsed"] == rows


def test_the_planted_bad_cells_and_no_others_are_set_apart(by_csv: Reading, world: World) -> None:
    assert by_csv.export is not None
    planted = {(file, row) for file, row, _ in by_csv.export.bad_cells}
    found = {(line["file"], line["row"]) for name in OBJECTS for line in by_csv.rejected(name)}
    assert found <= planted
    kinds = {c.kind for c in world.truth.bad_cells if not c.kind.startswith(JUDGED_LATER)}
    judged = {(c.object, c.source_id) for c in world.truth.bad_cells if c.kind in kinds}
    apart = {(name, line["id"]) for name in OBJECTS for line in by_csv.rejected(name)}
    assert apart == judged


def test_custom_columns_have_the_types_of_the_customers_fields(
    by_csv: Reading, world: World
) -> None:
    for name in ("contact", "deal"):
        found = {c["name"]: c["type"] for c in by_csv.manifest(name)["custom"]}
        meant = {c.name: c.type for c in world.columns if c.kind == name}
        assert found.keys() == meant.keys()
        for column, kind in meant.items():
            if kind in ("number", "date", "boolean"):
                assert found[column] == kind


@pytest.mark.parametrize("way", ["by_csv", "by_both"])
def test_every_file_is_secured_or_has_a_reason(
    way: str, world: World, request: pytest.FixtureRequest
) -> None:
    reading: Reading = request.getfixturevalue(way)
    open_url = reading.hook.open_file if reading.hook else None
    [(name, rule)] = load_mapping("klipy_to_twenty").files.items()
    Securing(reading.staging, "r1", name, rule, open_url, MAX_BYTES).secure()
    for row in read_files(reading.staging, "r1", name):
        file = world.files[row["id"]]
        if file.id in world.truth.unmigratable_files or file.id in world.truth.empty_files:
            assert "sha256" not in row, file
            assert row["reason"].startswith("file_")
        else:
            content = reading.staging.read_bytes(f"files/{row['sha256']}")
            assert content == file.content()
            assert hashlib.sha256(content).hexdigest() == row["sha256"]
