from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.csv_format import CsvFormat, CustomField
from airflow_crm_migration.core.inbox import Expected, InboxState, copy_inbox, inbox_state
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

if TYPE_CHECKING:
    from pathlib import Path

TAGS = b"Parent Type,Parent ID,Tag\nContact,p1,VIP\n"
EXPECTED = [Expected(OBJECTS["tag"], id_needed=False), Expected(OBJECTS["company"], optional=True)]


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def look(staging: Staging, form: CsvFormat | None = None) -> InboxState:
    return inbox_state(staging, EXPECTED, form or CsvFormat())


def test_a_missing_file_is_named(staging: Staging) -> None:
    state = look(staging)
    assert not state.ready
    assert state.findings == ("inbox/tags.csv: is missing: export Tag as CSV and drop it there",)


def test_files_that_are_there_and_right_make_it_ready(staging: Staging) -> None:
    staging.write_bytes("inbox/tags.csv", TAGS)
    state = look(staging)
    assert state.ready
    assert state.rows == {"tag": 1}
    assert state.digests == {"tag": hashlib.sha256(TAGS).hexdigest()}


def test_an_optional_file_is_looked_at_when_it_is_there(staging: Staging) -> None:
    staging.write_bytes("inbox/tags.csv", TAGS)
    staging.write_bytes("inbox/companies.csv", b"Company Name\nAcme\n")
    assert any("'Company ID' is missing" in line for line in look(staging).findings)


def test_a_file_that_is_still_being_written_is_not_ready(staging: Staging) -> None:
    staging.write_bytes("inbox/tags.csv", TAGS + b'Contact,p2,"VI')
    assert any("quotation marks" in line for line in look(staging).findings)


def test_settings_for_objects_that_no_file_carries_are_told(staging: Staging) -> None:
    form = CsvFormat(
        aliases={"tags": {"x": "tag"}},
        formats={"taag.created_at": "iso"},
        custom_fields=(CustomField(object="companys", header="X"),),
    )
    told = "\n".join(look(staging, form).findings)
    assert "csv.aliases: 'tags' is no object read from CSV; they are: tag, company" in told
    assert "csv.formats: 'taag'" in told
    assert "csv.custom_fields: 'companys'" in told


def test_files_are_copied_in_once_per_run_with_their_digest(staging: Staging) -> None:
    staging.write_bytes("inbox/tags.csv", TAGS)
    modified = staging.modified("inbox/tags.csv")
    copied = copy_inbox(staging, "r1", list(OBJECTS.values()))
    staging.write_bytes("inbox/tags.csv", b"changed")
    assert (
        copy_inbox(staging, "r1", list(OBJECTS.values()))
        == copied
        == {
            "tag": {
                "name": "r1/extract/inbox/tags.csv",
                "modified": time_text(modified),
                "size": len(TAGS),
                "sha256": hashlib.sha256(TAGS).hexdigest(),
            }
        }
    )
    assert staging.read_bytes(copied["tag"]["name"]) == TAGS
    assert staging.read_json("r1/extract/inbox.json") == {"format": 1, "files": copied}
