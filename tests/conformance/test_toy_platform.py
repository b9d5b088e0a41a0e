"""A CRM and a pair of another distribution move without a line of ours being changed."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import airflow_crm_migration
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.ledger.writer import Ledger
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.core.protocols import Write
from airflow_crm_migration.get_provider_info import get_provider_info
from tests.support.migration import Migration, connection
from tests.support.rolling_back import Rollback

if TYPE_CHECKING:
    from types import ModuleType

PAIR = "toy_shop_to_toy_office"
TOYLAND = Path(__file__).parents[1] / "support" / "toyland"
ENTRY_POINTS = """
[airflow_crm_migration.platforms]
toy_shop = toyland.shop:ShopHook
toy_office = toyland.office:OfficeHook

[airflow_crm_migration.mappings]
toyland = toyland.pairs
"""
SOURCE_OF_THE_ENGINE = ("core", "operators", "sensors", "tasks.py", "dag_factory.py", "cli")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the distribution, as far as Python can tell."""
    folder = tmp_path / "site"
    shutil.copytree(TOYLAND, folder / "toyland", ignore=shutil.ignore_patterns("__pycache__"))
    info = folder / "toyland-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: toyland\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] == "toyland"]:
        monkeypatch.delitem(sys.modules, name)
    return folder


@pytest.fixture
def shop(site: Path) -> ModuleType:
    """Return the module of a source with something in it."""
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


@pytest.fixture
def migration(shop: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migration:
    inbox = tmp_path / "acme" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "stickers.csv").write_text("ID,CLIENT_ID,WORD\nw1,c2,VIP\nw2,c3,vip\nw3,c9,old\n")
    monkeypatch.setenv("AIRFLOW_CONN_OFFICE", "")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "")
    return Migration(
        tmp_path / "acme",
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


def test_the_whole_customer_arrives(migration: Migration) -> None:
    migration.full()
    houses, humans = by_source(migration, "house"), by_source(migration, "human")
    assert houses["f1"]["sign"] == "Acme"
    assert houses["f1"]["site"] == [{"url": "https://brightwell.co.uk", "label": ""}]
    assert houses["f1"]["warden"] == "m1"
    assert humans["c1"]["called"] == {"first": "Ada", "last": "Lovelace"}
    assert humans["c1"]["house"] == houses["f1"]["id"]
    assert humans["c1"]["our_words"] == humans["c3"]["our_words"] == ["vip"]
    assert humans["c3"]["our_rest"] == "post: bob"
    meetings = by_source(migration, "meeting")
    assert {m["topic"]: m["mood"] for m in meetings.values()} == {"Price": "fine", "Delay": "cross"}
    seats = {
        (s.values["meeting"], s.values["human"]) for s in office(migration).rows["seat"].values()
    }
    assert seats == {(meetings["t1"]["id"], humans[name]["id"]) for name in ("c1", "c3")}


def test_every_record_has_one_outcome(migration: Migration) -> None:
    migration.full()
    assert outcomes(migration) == {
        "account": {"f1": "created new", "f2": "rejected unusable_value"},
        "contact": {"c1": "created new", "c2": "merged duplicate_certain", "c3": "created new"},
        "sticker": {"w1": "merged folded", "w2": "merged folded", "w3": "held parent_missing"},
        "chat": {"t1": "created new", "t2": "created new"},
        "paper": {
            "s1": "created new",
            "s2": "held parent_missing",
            "s3": "rejected file_too_large",
        },
    }


def test_files_lie_where_the_destination_says(migration: Migration) -> None:
    migration.full()
    [folder] = office(migration).rows["folder"].values()
    [sheet] = folder.values["sheet"]
    assert office(migration).binaries[sheet["file_id"]] == b"scan!"
    assert (folder.values["heading"], sheet["label"]) == ("Contract", "Contract")
    assert folder.values["human"] == by_source(migration, "human")["c1"]["id"]


def test_a_second_run_writes_nothing(migration: Migration) -> None:
    migration.full()
    writes = office(migration).calls["write"]
    migration.full()
    assert office(migration).calls["write"] == writes


def test_the_time_of_change_alone_is_no_change(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    firm = shop.SHELF.records["firm"][0]
    firm["touched"] = "2025-01-31T08:00:00Z"
    migration.full()
    assert by_source(migration, "house")["f1"]["stirred"].startswith("2024")
    firm["called"] = "Acme Inc"
    migration.full()
    house = by_source(migration, "house")["f1"]
    assert (house["sign"], house["stirred"][:4]) == ("Acme Inc", "2025")


def test_a_dry_run_writes_nothing_at_all(migration: Migration) -> None:
    migration.full(dry_run=True)
    assert not any(office(migration).rows.values())
    assert not office(migration).binaries


def test_a_rollback_leaves_nothing_behind(migration: Migration) -> None:
    """Here the rows that link a record outlive it, and take a deletion of their own."""
    migration.full()
    place = office(migration)
    assert place.rows["seat"]
    rollback = Rollback(migration.new_run(), migration.hook(), migration.pair)
    done = rollback.whole()
    assert done["meeting"] == {"delete": 2}
    assert not any(place.rows.values())
    assert place.calls["delete"] == 5  # one of each object, two meetings and two seats at once
    migration.full()
    assert len(place.rows["seat"]) == 2


def test_a_rollback_keeps_what_people_hung_on_a_record(migration: Migration) -> None:
    migration.full()
    humans = by_source(migration, "human")
    scan = {"heading": "Theirs", "human": humans["c3"]["id"]}
    migration.hook().create("folder", [Write("theirs", scan)])
    rollback = Rollback(migration.new_run(), migration.hook(), migration.pair)
    assert rollback.whole()["human"] == {"delete": 1, "keep": 1}
    assert set(by_source(migration, "human")) == {"c3"}
    assert set(office(migration).rows["folder"]) == {"theirs"}


def test_there_is_a_dag_for_it(migration: Migration, tmp_path: Path) -> None:
    from airflow_crm_migration.dag_factory import build_dag
    from airflow_crm_migration.engagement import Engagement

    engagement = Engagement.model_validate(
        {
            "id": "acme", "customer": "Acme", "pair": PAIR,
            "staging": {"url": f"file://{tmp_path}"},
            "connections": {"source": "shop", "sandbox": "office"},
        }
    )  # fmt: skip
    tasks = build_dag(engagement).task_dict
    for phase in ("house", "human", "meeting", "folder"):
        assert f"sandbox.{phase}.load" in tasks
    assert type(tasks["sandbox.folder.load"]).__name__ == "AttachFilesOperator"
    assert {f"extract.{name}" for name in (*migration.pair.source_objects, "files")} <= set(tasks)


def test_a_pair_without_files_has_no_task_for_them(
    site: Path, migration: Migration, tmp_path: Path
) -> None:
    from airflow_crm_migration.dag_factory import build_dag
    from airflow_crm_migration.engagement import Engagement

    text = (site / "toyland" / "pairs" / f"{PAIR}.yaml").read_text()
    bare = re.sub(r"  - id: paper\n.*?\n\n", "", text, flags=re.DOTALL)
    bare = re.sub(r"  - \{source: Scan.*\n", "", bare)
    (site / "toyland" / "pairs" / "bare.yaml").write_text(bare)
    engagement = Engagement.model_validate(
        {
            "id": "acme", "customer": "Acme", "pair": "bare",
            "staging": {"url": f"file://{tmp_path}"}, "connections": {"sandbox": "office"},
        }
    )  # fmt: skip
    assert "extract.files" not in build_dag(engagement).task_dict


@pytest.mark.usefixtures("site")
def test_an_unknown_pair_is_told_with_the_known_ones() -> None:
    with pytest.raises(UserMistake, match=f"'a_to_b'.*: klipy_to_twenty, {PAIR}$"):
        load_mapping("a_to_b")


def test_nobody_replaces_a_pair_of_ours(site: Path) -> None:
    (site / "toyland" / "pairs" / "klipy_to_twenty.yaml").write_text("format: 99")
    assert load_mapping("klipy_to_twenty").format == 1


def test_the_engine_names_no_platform() -> None:
    info = get_provider_info()
    platforms = [entry["connection-type"] for entry in info["connection-types"]]
    named = re.compile("|".join([*platforms, "pipedrive", "salesforce", "kylas", "claritysoft"]))
    package = Path(airflow_crm_migration.__file__).parent
    for place in SOURCE_OF_THE_ENGINE:
        path = package / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            assert not named.search(file.read_text(encoding="utf-8").lower()), file
