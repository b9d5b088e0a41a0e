"""A CRM and a pair of another distribution move without a line of ours being changed."""

from __future__ import annotations

import copy
import io
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import airflow_crm_migration
from airflow_crm_migration.core.errors import LeaseLost, UserMistake
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec
from airflow_crm_migration.core.freeze import ask_quiet
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.core.protocols import Write
from airflow_crm_migration.get_provider_info import get_provider_info
from airflow_crm_migration.hooks.registry import source_hook
from tests.support.rolling_back import Rollback
from tests.support.toy import PAIR, by_source, office, outcomes

if TYPE_CHECKING:
    from types import ModuleType

    from tests.support.migration import Migration

SOURCE_OF_THE_ENGINE = ("core", "operators", "sensors", "tasks.py", "dag_factory.py", "cli")


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


def test_a_source_that_can_tell_is_asked_whether_it_is_quiet(
    migration: Migration, shop: ModuleType
) -> None:
    source = source_hook("toy_shop", str(migration.source))
    frozen = datetime(2024, 2, 1, tzinfo=UTC)
    found = ask_quiet(source, migration.pair.source_objects, frozen)
    assert (found.quiet, found.loud) == (("firm", "client", "chat"), {})
    assert set(found.attested) == {"sticker", "scan"}
    shop.SHELF.put("firm", id="f3", called="Late", touched="2024-02-01T00:00:01Z")
    found = ask_quiet(source, migration.pair.source_objects, frozen)
    assert found.loud == {"firm": datetime(2024, 2, 1, 0, 0, 1, tzinfo=UTC)}


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


def test_nothing_is_asked_nor_written_that_the_guard_keeps_back(migration: Migration) -> None:
    migration.full()
    hook = migration.hook()
    before = copy.deepcopy(vars(office(migration)))

    def lost() -> None:
        raise LeaseLost("lost")

    hook.guard = lost
    spec = ObjectSpec("human", "", {"mood": FieldSpec("mood", FieldType.TEXT)})
    row = Write("h9", {"post": ["zoe@x.example"]})
    for call in (
        lambda: hook.create("human", [row]),
        lambda: hook.update("human", [row]),
        lambda: hook.restore("human", ["h9"]),
        lambda: hook.trash("human", ["h9"]),
        lambda: hook.delete("human", ["h9"]),
        lambda: hook.children("human", ["h9"]),
        lambda: hook.upload("a.txt", 3, io.BytesIO(b"abc"), print),
        lambda: hook.ensure_schema([spec], dry_run=False),
        lambda: hook.read("human", ["h9"]),
        lambda: list(hook.listing("human")),
    ):
        with pytest.raises(LeaseLost):
            call()
    assert vars(office(migration)) == before
