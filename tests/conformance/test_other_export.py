"""The same data, exported again in another order or with fewer columns, changes nothing."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from airflow_crm_migration.core.steps.extract import Reading
from tests.support.customer import customer
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, str]]
SHARED = "info@shared-example.com"
LEFT_OUT = ("Phone", "Company ID", "Company", "Company Domain", "Title")


def read(file: Path) -> Rows:
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))


def write(file: Path, rows: Rows) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_rows_in_another_order_are_the_same_rows(tmp_path: Path) -> None:
    with emulated(customer(), tmp_path, api=False) as em:
        contacts = tmp_path / "inbox" / "contacts.csv"
        rows = read(contacts)
        for number, name in enumerate(("Anna", "Otto", "Yuki")):
            known = {"Contact ID": f"x{number}", "First Name": name, "Email": SHARED}
            dates = {key: rows[0][key] for key in ("Created At", "Updated At")}
            rows.append(dict.fromkeys(rows[0], "") | known | dates)
        write(contacts, rows)
        em.migration.full()
        before = em.arrived("person")
        for file in (tmp_path / "inbox").glob("*.csv"):
            if again := read(file):
                write(file, again[::-1])
        em.migration.full()
        assert em.arrived("person") == before
        assert sum(p["emails"]["primaryEmail"] == SHARED for p in before.values()) == 1


def test_a_column_that_is_not_exported_again_is_not_blank(tmp_path: Path) -> None:
    with emulated(customer(), tmp_path, api=False) as em:
        em.migration.full()
        before = em.arrived("person")
        contacts = tmp_path / "inbox" / "contacts.csv"
        left = [{n: c for n, c in r.items() if n not in LEFT_OUT} for r in read(contacts)]
        write(contacts, left)
        em.migration.full()
        assert em.arrived("person") == before
        assert any(person["companyId"] for person in before.values())
        write(contacts, [row for row in left if row["Contact ID"] not in ("p1", "p2")])
        deals = em.arrived("opportunity")
        em.migration.full(reading=Reading(accept_shrunk=True))
        assert em.arrived("opportunity") == deals
