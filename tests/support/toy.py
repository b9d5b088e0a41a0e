"""A CRM and a pair of another distribution: the whole engine on a few records, in memory."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.mapping import load_mapping
from tests.support.migration import Migration, connection

if TYPE_CHECKING:
    from types import ModuleType

    import pytest

PAIR = "toy_shop_to_toy_office"
TOYLAND = Path(__file__).parent / "toyland"
ENTRY_POINTS = """
[airflow_crm_migration.platforms]
toy_shop = toyland.shop:ShopHook
toy_office = toyland.office:OfficeHook

[airflow_crm_migration.mappings]
toyland = toyland.pairs
"""


def install(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Install the distribution, as far as Python can tell."""
    shutil.copytree(TOYLAND, folder / "toyland", ignore=shutil.ignore_patterns("__pycache__"))
    info = folder / "toyland-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: toyland\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    patch.syspath_prepend(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "toyland"]:
        patch.delitem(sys.modules, name)


def stock() -> ModuleType:
    """Return the module of the source with something in it."""
    shop = importlib.import_module("toyland.shop")
    put = shop.SHELF.put
    put("firm", id="f1", called=" Acme ", web="www.brightwell.co.uk/home", keeper="Ann Able",
        touched="2024-01-31T08:00:00Z")  # fmt: skip
    put("firm", id="f2", called="x" * 80, web="bolt.example")
    put("client", id="c1", given="ada", family="LOVELACE", mail="ada@acme.example", keeper="Ann")
    put("client", id="c2", given="Ada", family="Lovelace", mail="ADA@acme.example", firm_id="f1")
    put("client", id="c3", given="Bob", family="Builder", mail="bob", firm_id="f9")
    put("chat", id="t1", about="Price", mood="FINE", **{"with": ["c1", "c2", "c3"]})
    put("chat", id="t2", about="Delay", mood="Cross", **{"with": []})
    put("scan", id="s1", client_id="c2", title="Contract", place="https://shop.example/1", bytes=5)
    put("scan", id="s2", client_id="nobody", title="Lost", place="https://shop.example/1", bytes=5)
    put("scan", id="s3", client_id="c1", title="Huge", place="https://shop.example/2", bytes=500)
    shop.SHELF.binaries["https://shop.example/1"] = b"scan!"
    return shop


def begin(folder: Path, patch: pytest.MonkeyPatch) -> Migration:
    """Return a migration from the shop to the office, with the file that the API leaves out."""
    inbox = folder / "acme" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "stickers.csv").write_text("ID,CLIENT_ID,WORD\nw1,c2,VIP\nw2,c3,vip\nw3,c9,old\n")
    patch.setenv("AIRFLOW_CONN_OFFICE", "")
    patch.setenv("AIRFLOW_CONN_SHOP", "")
    return Migration(
        folder / "acme",
        connection("office", "toy_office", "memory", ""),
        connection("shop", "toy_shop", "memory", ""),
        pair=load_mapping(PAIR),
    )


def office(migration: Migration) -> Any:
    return importlib.import_module("toyland.office").OFFICES[migration.destination]


def by_source(migration: Migration, object_name: str) -> dict[str, dict[str, Any]]:
    rows = office(migration).rows[object_name].values()
    return {row.values["our_id"].rpartition(":")[2]: row.values | {"id": row.id} for row in rows}


def outcomes(migration: Migration) -> dict[str, dict[str, str]]:
    """Return line -> source id -> outcome and reason."""
    found: dict[str, dict[str, str]] = {}
    with Ledger(migration.staging, migration.new_run().ledger) as ledger:
        for phase in migration.pair.phases:
            for entry in ledger.snapshot.entries(phase):
                told = f"{entry.outcome} {entry.last['reason']}"
                found.setdefault(entry.key.line, {})[entry.key.source_id] = told
    return found
