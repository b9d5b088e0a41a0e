"""What people decide in a review sheet holds in later runs over the same and over other data."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from airflow_crm_migration.cli.command import command
from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.core.signoff import state
from airflow_crm_migration.core.steps.duplicates import find_step, read_decided, reread_sheets
from tests.support.customer import customer
from tests.support.emulated import emulated
from tests.support.migration import KEYRING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_crm_migration.core.run import Run
    from tests.support.migration import Migration

pytestmark = pytest.mark.migration

GATE = Gate("acme", "duplicates")
SHEET = "review/duplicates/contact.csv"
PEOPLE = {
    "001": ("Robert", "Halloway", "rob.halloway@alpha-example.com"),
    "-2": ("Bob", "Halloway", "bob@halloway-home.example.org"),
    "k3": ("Robert", "Haloway", "robert.h@third-example.com"),
}
NEWCOMER = {"000": ("Rob", "Halloway", "rob@fourth-example.com")}
MERGED = {"members": ["-2", "001"], "decision": "merge"}


def add(folder: Path, people: dict[str, tuple[str, str, str]]) -> None:
    """Write people of one company and one telephone into the customer's export."""
    file = folder / "inbox" / "contacts.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
    for source_id, (first, last, email) in people.items():
        new = dict.fromkeys(rows[0], "") | {"Contact ID": source_id, "Email": email}
        new |= {"First Name": first, "Last Name": last, "Company": "=Alpha Inc"}
        new |= {key: rows[0][key] for key in ("Created At", "Updated At")}
        rows.append({**new, "Phone": "+1 212 555 0147", "Title": "CTO"})
    save(file, rows)


def save(file: Path, rows: list[dict[str, str]], **form: Any) -> None:
    text = io.StringIO(newline="")
    sheet = csv.DictWriter(text, list(rows[0]), **form)
    sheet.writeheader()
    sheet.writerows(rows)
    file.write_bytes(text.getvalue().encode())


class Review:
    """An engagement up to the decision about duplicates."""

    def __init__(self, migration: Migration) -> None:
        self.migration = migration
        self.staging = migration.staging
        self.file = migration.folder / SHEET

    def find(self) -> Run:
        run = self.migration.new_run()
        self.migration.read_source(run)
        find_step(run, self.migration.pair)
        return run

    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.file.read_text("utf-8-sig"), newline="")))

    def merge_two(self) -> None:
        """Take the third record out of its cluster and merge the other two."""
        rows = [row for row in self.rows() if row["record"] != "k3"]
        for row in rows:
            row["decision"] = "merge" if row["record"] == "001" else row["decision"]
        save(self.file, rows, delimiter=";")
        reread_sheets(self.staging, "acme")
        self.migration.signed(GATE)

    def proposed(self) -> tuple[Any, str]:
        proposal = read_proposal(self.staging, GATE)
        assert proposal is not None
        return proposal.decisions["decided"]["contact"], proposal.digest

    def fates(self, run: Run) -> tuple[dict[str, str], set[str]]:
        """Return which of our people merge into whom, and which are held."""
        self.migration.decide(run)
        [contacts] = [read_decided(run).maps["contact"]]
        ours = {*PEOPLE, *NEWCOMER}
        merged = {i: into for i, into in contacts.merged.items() if i in ours}
        return merged, ours.intersection(contacts.held)


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Review]:
    with emulated(customer(), tmp_path, api=False) as running:
        add(running.migration.folder, PEOPLE)
        yield Review(running.migration)


def test_nothing_of_the_customer_is_a_formula_in_the_sheet(review: Review) -> None:
    review.find()
    cells = [cell for row in review.rows() for cell in row.values()]
    assert "'=Alpha Inc" in cells
    assert not [cell for cell in cells if cell[:1] in set("=+-@")]


def test_a_decision_holds_in_the_next_run_over_the_same_data(review: Review) -> None:
    review.find()
    review.merge_two()
    before = review.proposed()
    assert before[0] == [MERGED]
    for _ in range(2):
        run = review.find()
        assert review.proposed() == before
        assert state(review.staging, KEYRING, GATE).signed
        reread_sheets(review.staging, "acme")
        assert review.proposed() == before
    merged, held = review.fates(run)
    assert len(merged) == 1
    assert {*merged, *merged.values()} == {"001", "-2"}
    assert held == {"k3"}


def test_a_newcomer_in_a_decided_cluster_is_held_and_the_decision_holds(review: Review) -> None:
    review.find()
    review.merge_two()
    before = review.proposed()
    add(review.migration.folder, NEWCOMER)
    run = review.find()
    assert review.proposed() == before
    merged, held = review.fates(run)
    assert {*merged, *merged.values()} == {"001", "-2"}
    assert held == {"k3", "000"}


def test_a_decision_outlives_a_run_that_does_not_find_its_records(review: Review) -> None:
    export = review.migration.folder / "inbox" / "contacts.csv"
    whole = export.read_bytes()
    review.find()
    review.merge_two()
    before = review.proposed()
    rows = list(csv.DictReader(io.StringIO(whole.decode("utf-8-sig"), newline="")))
    save(export, [row for row in rows if row["Contact ID"] not in PEOPLE])
    review.find()
    assert review.proposed() == before
    export.write_bytes(whole)
    review.find()
    assert review.proposed() == before


def test_a_decision_goes_when_somebody_blanks_it(review: Review) -> None:
    review.find()
    review.merge_two()
    review.find()
    save(review.file, [{**row, "decision": ""} for row in review.rows()])
    reread_sheets(review.staging, "acme")
    assert review.proposed()[0] == []
    review.find()
    assert review.proposed()[0] == []


def test_a_lost_sheet_loses_no_decision(review: Review) -> None:
    review.find()
    review.merge_two()
    before = review.proposed()
    review.file.unlink()
    review.find()
    assert review.proposed() == before


def test_signing_a_sheet_that_a_spreadsheet_spoilt_is_refused_in_lines(
    review: Review, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    review.find()
    rows = review.rows()
    [number] = [n for n, row in enumerate(rows, 2) if row["record"] == "001"]
    rows[number - 2] |= {"record": "1", "decision": "merge"}
    save(review.file, rows)
    monkeypatch.setenv("AIRFLOW__CRM_MIGRATION__SIGNING_KEYS", "test:" + "c2VjcmV0" * 6)
    engagement = {
        "id": review.migration.folder.name,
        "customer": "ACME GmbH",
        "pair": "klipy_to_twenty",
        "staging": {"url": f"file://{review.migration.folder.parent}"},
        "connections": {"source": "klipy_acme", "sandbox": "twenty_test"},
    }
    file = tmp_path / "acme.yaml"
    file.write_text(yaml.safe_dump(engagement))
    args = Namespace(
        engagement=str(file), gate="duplicates", environment=None, signer="Ann", evidence=None,
        yes=True,
    )  # fmt: skip
    with pytest.raises(SystemExit):
        command("airflow_crm_migration.cli.sign.run")(args)
    line = capsys.readouterr().err
    assert line.startswith(f"{SHEET}: row {number}: record '1' is not in cluster")
    assert "Traceback" not in line
