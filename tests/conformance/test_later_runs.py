"""Later runs read only what changed, and what they load is as if they had read everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.extract_read import extract_manifest, read_extract
from airflow_crm_migration.core.protocols import Page
from airflow_crm_migration.core.steps.extract import Reading
from airflow_crm_migration.core.steps.reconcile import NotReconciled
from airflow_crm_migration.core.watermarks import read_watermark
from tests.support.toy import by_source, office

if TYPE_CHECKING:
    from types import ModuleType

    from airflow_crm_migration.core.run import Run
    from tests.support.migration import Migration

READ_SINCE = ("firm", "client", "chat")


def window(run: Run, object_name: str) -> dict[str, Any]:
    found: dict[str, Any] = extract_manifest(run.staging, run.folder, object_name)["window"]
    return found


def content(run: Run, object_name: str) -> dict[str, dict[str, Any]]:
    """Return what a run holds of an object, without the place of each record."""
    rows = read_extract(run.staging, run.folder, object_name)
    return {r["id"]: {k: v for k, v in r.items() if not k.startswith("_")} for r in rows}


def start(migration: Migration, object_name: str) -> datetime:
    mark = read_watermark(migration.staging, migration.environment, object_name)
    assert mark is not None
    return mark.start


def test_only_what_changed_is_asked_for_and_the_extract_is_complete(
    migration: Migration, shop: ModuleType
) -> None:
    migration.full()
    shop.SHELF.change("client", "c3", mail="bob@bolt.example")
    shop.SHELF.put("chat", id="t3", about="New", mood="fine", touched=now(), **{"with": ["c3"]})
    shop.SHELF.given.clear()
    delta = migration.delta()
    assert {name: shop.SHELF.given[name] for name in READ_SINCE} == {
        "firm": 0, "client": 1, "chat": 1,
    }  # fmt: skip
    whole = migration.new_run()
    migration.read_source(whole)
    for name in migration.pair.source_objects:
        assert content(delta, name) == content(whole, name)
    assert window(delta, "client")["base"] == "run-1"
    assert (window(delta, "client")["anew"], window(delta, "client")["taken_over"]) == (1, 2)
    assert "base" not in window(whole, "client")


def test_what_changed_arrives_and_finds_parents_that_did_not(
    migration: Migration, shop: ModuleType
) -> None:
    migration.full()
    shop.SHELF.change("client", "c3", mail="bob@bolt.example")
    shop.SHELF.put("chat", id="t3", about="New", mood="fine", touched=now(), **{"with": ["c1"]})
    migration.delta()
    humans, meetings = by_source(migration, "human"), by_source(migration, "meeting")
    assert humans["c3"]["post"] == ["bob@bolt.example"]
    seats = [s.values for s in office(migration).rows["seat"].values()]
    assert {"meeting": meetings["t3"]["id"], "human": humans["c1"]["id"]} in seats


def test_a_delta_without_changes_writes_nothing(migration: Migration) -> None:
    migration.full()
    writes = office(migration).calls["write"]
    migration.delta()
    assert office(migration).calls["write"] == writes


def test_deltas_follow_each_other(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    for number in range(3):
        shop.SHELF.change("client", "c3", mail=f"bob{number}@bolt.example")
        run = migration.delta()
        assert window(run, "client")["base"] == f"run-{number + 1}"
    assert by_source(migration, "human")["c3"]["post"] == ["bob2@bolt.example"]
    assert len(content(run, "client")) == 3


def test_a_record_of_the_overlap_is_not_doubled(migration: Migration, shop: ModuleType) -> None:
    shop.SHELF.change("client", "c3", mail="bob@bolt.example")
    migration.full()
    shop.SHELF.given.clear()
    run = migration.delta()
    assert shop.SHELF.given["client"] == 1
    assert window(run, "client")["overlap_seconds"] == 600
    assert extract_manifest(run.staging, run.folder, "client")["counts"]["read"] == 3
    assert len(office(migration).rows["human"]) == 2


def test_a_change_while_the_source_is_read_is_seen_by_the_next_run(
    migration: Migration, shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run may read a record before it changes: only its start says what it has surely seen."""
    read = shop.ShopHook.read

    def change_behind(self: Any, object_name: str, *how: Any) -> Any:
        yield from read(self, object_name, *how)
        if object_name == "client":
            shop.SHELF.change("client", "c3", mail="late@bolt.example")

    with monkeypatch.context() as patch:
        patch.setattr(shop.ShopHook, "read", change_behind)
        migration.full()
    assert "post" not in by_source(migration, "human")["c3"]
    migration.delta(reading=Reading(changes_only=True, overlap=timedelta(0)))
    assert by_source(migration, "human")["c3"]["post"] == ["late@bolt.example"]


def test_a_record_that_changes_while_pages_turn_is_one_record(
    migration: Migration, shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = shop.ShopHook.read

    def again(self: Any, object_name: str, *how: Any) -> Any:
        yield from read(self, object_name, *how)
        if object_name == "client":
            shop.SHELF.change("client", "c3", mail="late@bolt.example")
            yield Page([r for r in shop.SHELF.records["client"] if r["id"] == "c3"])

    monkeypatch.setattr(shop.ShopHook, "read", again)
    for run in (migration.full(), migration.delta()):
        assert extract_manifest(run.staging, run.folder, "client")["counts"]["rejected"] == 0
        assert content(run, "client")["c3"]["mail"] == "late@bolt.example"


# -- watermarks --------------------------------------------------------------------------------


def test_a_failed_run_widens_the_next_window(
    migration: Migration, shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration.full()
    before = start(migration, "client")
    shop.SHELF.change("client", "c3", mail="bob@bolt.example")
    failed = migration.new_run()
    migration.read_source(failed)
    migration.decide(failed)
    migration.load_phase(failed, "house")
    migration.transform(failed, "human")
    migration.load(failed, "human")
    assert start(migration, "firm") > before
    assert start(migration, "client") == before
    run = migration.delta()
    assert window(run, "client")["since"] == iso(before - timedelta(minutes=10))
    assert window(run, "client")["base"] == "run-1"


def test_what_does_not_reconcile_moves_no_watermark(
    migration: Migration, shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration.full()
    before = start(migration, "client")
    shop.SHELF.put("client", id="c4", given="Cy", family="Dow", touched=now())
    run = migration.new_run()
    migration.read_source(run)
    migration.decide(run)
    migration.load_phase(run, "house")
    migration.transform(run, "human")
    migration.load(run, "human")
    humans = office(migration).rows["human"]
    del humans[by_source(migration, "human")["c4"]["id"]]
    with pytest.raises(NotReconciled):
        migration.reconcile(run, "human")
    assert start(migration, "client") == before


@pytest.mark.parametrize("how", [{"sample": 2}, {"dry_run": True}])
def test_samples_and_dry_runs_leave_watermarks_alone(
    migration: Migration, how: dict[str, Any]
) -> None:
    migration.full(**how)
    assert migration.staging.names("watermarks") == []
    migration.full()
    before = start(migration, "client")
    migration.full(**how)
    assert start(migration, "client") == before


def test_each_environment_has_its_own(migration: Migration) -> None:
    migration.full()
    before = start(migration, "client")
    migration.environment = "production"
    run = migration.full(reading=Reading(changes_only=True))
    assert window(run, "client").keys() == {"start", "end"}
    assert start(migration, "client") > before
    migration.environment = "sandbox"
    assert start(migration, "client") == before


def test_an_old_run_that_is_repaired_does_not_turn_the_clock_back(migration: Migration) -> None:
    old = migration.full()
    migration.full()
    after = start(migration, "client")
    for phase in migration.phases(old):
        migration.reconcile(old, phase)
    assert start(migration, "client") == after


def test_the_watermark_says_what_it_stands_for(migration: Migration) -> None:
    run = migration.full()
    kept = migration.staging.read_json("watermarks/sandbox/sticker.json")
    manifest = extract_manifest(run.staging, run.folder, "sticker")
    assert kept == {
        "format": 1,
        "tenant": "",
        "start": manifest["window"]["start"],
        "run": "run-1",
        "records": 3,
        "csv": {"sha256": manifest["csv"]["sha256"], "modified": manifest["csv"]["modified"]},
        "earlier": [],
    }
    assert migration.staging.read_json("watermarks/sandbox/client.json")["tenant"] == "shop"


# -- when a window does not fit ----------------------------------------------------------------


def test_without_the_base_everything_is_read_and_it_is_said(
    migration: Migration, shop: ModuleType
) -> None:
    base = migration.full()
    for name in base.staging.names(f"{base.folder}/extract/client"):
        base.staging.delete(name)
    shop.SHELF.given.clear()
    run = migration.delta()
    assert (shop.SHELF.given["client"], shop.SHELF.given["chat"]) == (3, 0)
    assert window(run, "client")["whole"] == "what run run-1 received is no longer in staging"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"package": "0.0.1"}, "with version 0.0.1 of this package"),
        (
            {"fields": {"id": "text"}},
            "fields given, family, mail, firm_id, keeper, touched, born are",
        ),
        ({"format": 99}, "has format 99"),
    ],
)
def test_a_base_of_another_kind_is_not_continued(
    migration: Migration, change: dict[str, Any], why: str
) -> None:
    base = migration.full()
    name = f"{base.folder}/extract/client/manifest.json"
    base.staging.write_json(name, base.staging.read_json(name) | change)
    assert why in window(migration.delta(), "client")["whole"]


def test_another_account_behind_the_connection_stops(
    migration: Migration, shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration.full()
    monkeypatch.setattr(shop.ShopHook, "tenant", lambda _: "another shop")
    with pytest.raises(UserMistake, match="account another shop, but the records of firm"):
        migration.delta()


def now() -> str:
    return iso(datetime.now(UTC))


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# -- what is read whole ------------------------------------------------------------------------


def test_a_file_is_read_whole_and_says_when_nothing_changed(migration: Migration) -> None:
    first = migration.full()
    again = migration.delta()
    assert "same_as" not in extract_manifest(first.staging, first.folder, "sticker")["csv"]
    manifest = extract_manifest(again.staging, again.folder, "sticker")
    assert manifest["csv"]["same_as"] == "run-1"
    assert (manifest["counts"]["read"], manifest["window"].keys()) == (3, {"start", "end"})


def test_a_shrunken_file_stops_before_anything_is_loaded(migration: Migration) -> None:
    migration.full()
    migration.staging.write_bytes("inbox/stickers.csv", b"ID,CLIENT_ID,WORD\nw1,c2,VIP\n")
    writes = office(migration).calls["write"]
    with pytest.raises(UserMistake, match=r"inbox/stickers\.csv: holds 1 records, but 3"):
        migration.delta()
    with pytest.raises(UserMistake, match="accept_shrunk"):
        migration.full()
    assert office(migration).calls["write"] == writes
    migration.delta(reading=Reading(changes_only=True, accept_shrunk=True))
    assert migration.staging.read_json("watermarks/sandbox/sticker.json")["records"] == 1


def test_what_an_api_gives_whole_may_not_shrink_either(
    migration: Migration, shop: ModuleType
) -> None:
    migration.full()
    shop.SHELF.take_out("scan", "s3")
    with pytest.raises(UserMistake, match="scan: holds 2 records, but 3 when sandbox"):
        migration.delta()
