"""The CSV export of Klipy carries the world, cell by cell."""

from __future__ import annotations

import csv
import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.emulators.klipy import DATE_FORMATS, Export, write_export
from airflow_crm_migration.emulators.messy import World, generate

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {
    "contacts.csv": (
        "Contact ID,First Name,Last Name,Email,Other Emails,Phone,Title,Company,Company ID,"
        "Company Domain,LinkedIn URL,City,State,Country,Owner,Tags,Relationship Strength,"
        "Last Contacted At,Source,Notes,Created At,Updated At,"
        "Favourite Topic,Lead Score,Birthday,T-Shirt Size,Opted in?"
    ),
    "companies.csv": (
        "Company ID,Company Name,Domain,Website,Industry,Size,Estimated Revenue,City,State,"
        "Country,LinkedIn URL,Owner,Tags,Created At,Updated At"
    ),
    "deals.csv": (
        "Deal ID,Deal Name,Pipeline,Stage,Estimated Value,Currency,Estimated Close Date,Outcome,"
        "Owner,Company,Company Domain,Primary Contact Email,Contact Emails (;),Next Step,"
        "Is Private,Closed At,Created At,Updated At,"
        "Competitor,Discount %,Renewal Date,Région,Signed"
    ),
    "activities.csv": (
        "Interaction ID,Type,Direction,Source,Title,Summary,Sentiment,Contact Emails (;),"
        "Company Domains (;),Deal ID,Created By,Interaction Date,Duration (s),Disposition,"
        "Created At"
    ),
    "notes.csv": (
        "Note ID,Author Email,Created At,Parent Type,Parent (id|email|domain|deal name),"
        "Kind (manual|ai_draft),Channel,Draft Status,Content"
    ),
    "tags.csv": "Parent Type,Parent ID,Tag",
    "attachments.csv": (
        "Attachment ID,Parent Type,Parent ID,File Name,Path/URL,Size,Content Type,Created At"
    ),
}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(11, 400)


@pytest.fixture(scope="module")
def export(world: World, tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("export")
    return write_export(world, folder, files_url="http://127.0.0.1:9/files")


def rows(export: Export, name: str) -> list[dict[str, str]]:
    with (export.folder / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def by_id(export: Export, name: str) -> dict[str, dict[str, str]]:
    return {next(iter(row.values())): row for row in rows(export, name)}


@pytest.mark.parametrize(("name", "header"), HEADERS.items())
def test_columns(export, name, header):
    assert list(rows(export, name)[0]) == header.split(",")


def test_every_record_is_one_row(export, world):
    counts = {name: len(rows(export, name)) for name in HEADERS}
    assert counts == export.rows
    assert counts["contacts.csv"] == len(world.contacts)
    assert counts["activities.csv"] == len(world.activities)
    assert set(by_id(export, "notes.csv")) == set(world.notes)


def test_only_what_was_asked_for_is_written(world, tmp_path):
    written = write_export(world, tmp_path, only=("deals", "notes"))
    assert {p.name for p in tmp_path.iterdir()} == {"deals.csv", "notes.csv"} == set(written.rows)


def test_line_breaks_quotes_and_control_characters_survive(export, world):
    notes, activities = by_id(export, "notes.csv"), by_id(export, "activities.csv")
    assert all(notes[n.id]["Content"] == n.content for n in world.notes.values())
    assert all(activities[a.id]["Summary"] == a.body for a in world.activities.values())
    assert any("\r\n" in n.content and '"' in n.content for n in world.notes.values())


def strptime(text: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(text)
    codes = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "A": "%p"}
    for code, directive in codes.items():
        form = form.replace(code, directive)
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def test_each_date_column_has_its_one_format_except_in_bad_cells(export, world):
    wrong = set()
    for name, forms in DATE_FORMATS.items():
        for number, row in enumerate(rows(export, name), start=2):
            for header, form in forms.items():
                try:
                    assert not row[header] or strptime(row[header], form)
                except ValueError:
                    wrong.add((name, number, header))
    dates = {(n, r, c) for n, r, c in export.bad_cells if c in DATE_FORMATS.get(n, {})}
    assert wrong == dates
    assert len(dates) > 5


def test_dates_mean_what_the_world_says(export, world):
    spoilt = {c.source_id for c in world.truth.bad_cells if c.field == "expected_close"}
    form = DATE_FORMATS["deals.csv"]
    for deal_id, row in by_id(export, "deals.csv").items():
        deal = world.deals[deal_id]
        assert strptime(row["Created At"], form["Created At"]) == deal.created_at
        if deal.expected_close and deal_id not in spoilt:
            close = strptime(row["Estimated Close Date"], form["Estimated Close Date"])
            assert close.date() == deal.expected_close


def test_bad_cells_name_the_row_of_their_record(export, world):
    shown = {(c.source_id, c.text) for c in world.truth.bad_cells if c.text}
    found = set()
    for name, number, column in export.bad_cells:
        row = rows(export, name)[number - 2]
        found.add((next(iter(row.values())), row[column]))
    assert shown <= found
    assert len(export.bad_cells) == len(world.truth.bad_cells)


def test_amounts_with_thousands_separators(export, world):
    deals = by_id(export, "deals.csv")
    odd = [c.source_id for c in world.truth.oddities if c.kind == "thousands_separators"]
    for deal_id in odd:
        text = deals[deal_id]["Estimated Value"]
        assert "," in text
        assert Decimal(text.replace(",", "")) == world.deals[deal_id].amount


def test_owners_are_named_by_email_where_they_have_one_and_on_deals_by_name(export, world):
    names = {u.name for u in world.users.values()}
    assert {r["Owner"] for r in rows(export, "deals.csv")} <= names | {""}
    owners = {r["Owner"] for r in rows(export, "contacts.csv")} - {""}
    without = {world.users[u].name for u in world.truth.owners_without_email}
    assert {o for o in owners if "@" not in o} == without


def test_tags_are_complete_in_their_own_file_only(export, world):
    tagged = [
        (kind, r.id, tag)
        for kind, records in (
            ("Contact", world.contacts),
            ("Company", world.companies),
            ("Deal", world.deals),
        )
        for r in records.values()
        for tag in r.tags
    ]
    assert [tuple(row.values()) for row in rows(export, "tags.csv")] == tagged
    contacts = by_id(export, "contacts.csv")
    plain = next(r for r in world.contacts.values() if r.tags and "," not in "".join(r.tags))
    assert contacts[plain.id]["Tags"] == ", ".join(plain.tags)


def test_notes_name_their_parents_as_the_truth_says(export, world):
    notes = by_id(export, "notes.csv")
    planted = (*world.truth.missing_parents, *world.truth.ambiguous_links)
    for link in (p for p in planted if p.object == "note"):
        assert notes[link.source_id]["Parent (id|email|domain|deal name)"] == link.named


def test_deals_name_shared_mailboxes(export, world):
    deals = by_id(export, "deals.csv")
    for link in (p for p in world.truth.ambiguous_links if p.object == "deal"):
        assert deals[link.source_id]["Primary Contact Email"] == link.named


def test_binaries_are_written_under_harmless_names(export, world):
    attachments = by_id(export, "attachments.csv")
    folder = export.folder / "files"
    written = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    listed = {attachments[f.id]["Path/URL"] for f in world.files.values() if f.place == "file"}
    assert written == listed
    for file in world.files.values():
        if file.place == "file":
            data = (folder / attachments[file.id]["Path/URL"]).read_bytes()
            assert hashlib.sha256(data).digest() == hashlib.sha256(file.content()).digest()
            assert attachments[file.id]["File Name"] == file.name


def test_unmigratable_files_are_listed_and_not_written(export, world):
    attachments = by_id(export, "attachments.csv")
    for file_id, reason in world.truth.unmigratable_files.items():
        row = attachments[file_id]
        assert not (export.folder / "files" / row["Path/URL"].lstrip("/")).is_file() or (
            reason == "outside_folder"
        )
        if reason == "too_large":
            assert int(row["Size"]) > 2**30


def test_without_a_server_the_files_of_the_source_are_written_too(world, tmp_path):
    written = write_export(world, tmp_path, only=["attachments"])
    attachments = by_id(written, "attachments.csv")
    served = [f for f in world.files.values() if f.place == "source"]
    assert served
    for file in served:
        path: Path = tmp_path / "files" / attachments[file.id]["Path/URL"]
        assert path.read_bytes() == file.content()


def test_same_world_same_bytes(world, export, tmp_path):
    again = write_export(world, tmp_path, files_url="http://127.0.0.1:9/files")
    for name in HEADERS:
        assert (again.folder / name).read_bytes() == (export.folder / name).read_bytes()
