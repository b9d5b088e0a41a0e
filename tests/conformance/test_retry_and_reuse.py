"""Runs of what is unfinished, runs on what another one read, and what is gone from the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.extract_read import extract_manifest, read_extract
from airflow_crm_migration.core.protocols import Stored
from airflow_crm_migration.core.secure_files import read_files
from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.core.steps.extract import Reading
from tests.support.migration import connection
from tests.support.toy import by_source, office, outcomes

if TYPE_CHECKING:
    from types import ModuleType

    from airflow_crm_migration.core.run import Run
    from tests.support.migration import Migration


# -- retry -------------------------------------------------------------------------------------

STICKERS = "ID,CLIENT_ID,WORD\nw1,c2,VIP\nw2,c3,vip\nw3,c9,old\n"


@pytest.fixture
def unfinished(migration: Migration, shop: ModuleType) -> Migration:
    """Return a loaded customer of whom some records wait for a cause to be mended."""
    put = shop.SHELF.put
    shop.SHELF.take_out("firm", "f2")
    shop.SHELF.take_out("scan", "s3")
    put("client", id="c4", given="Cy", family="Dow", mail="cy@dow.example", born="?")
    put("chat", id="t3", about="Plan", mood="fine", **{"with": ["c4"]})
    put("scan", id="s4", client_id="c4", title="Plan", place="https://shop.example/1", bytes=5)
    inbox(migration, STICKERS + "w4,c3\n")
    migration.full()
    told = outcomes(migration)
    assert told["contact"]["c4"] == "rejected bad_cell"
    assert told["sticker"]["w4"] == "rejected bad_cell"
    assert told["paper"]["s4"] == "held parent_not_loaded"
    return migration


def inbox(migration: Migration, text: str) -> None:
    migration.staging.write_bytes("inbox/stickers.csv", text.encode())


def mend(migration: Migration, shop: ModuleType) -> None:
    shop.SHELF.change("client", "c4", born="1990-12-31")
    inbox(migration, STICKERS + "w4,c3,good\n")


def test_a_retry_loads_what_was_mended_and_touches_nothing_else(
    unfinished: Migration, shop: ModuleType
) -> None:
    mend(unfinished, shop)
    shop.SHELF.change("client", "c1", given="Somebody Else")
    run = unfinished.retry()
    humans = by_source(unfinished, "human")
    assert humans["c4"]["post"] == ["cy@dow.example"]
    assert set(humans["c3"]["our_words"]) == {"vip", "good"}
    assert humans["c1"]["called"]["first"] == "Ada"
    told = outcomes(unfinished)
    assert (told["contact"]["c4"], told["sticker"]["w4"]) == ("created new", "merged folded")
    assert told["paper"]["s4"] == "created new"
    assert run.read("selection.json") == {
        "client": ["c3", "c4"],
        "scan": ["s2", "s4"],
        "sticker": ["w3", "w4"],
    }


def test_the_identities_of_a_retry_balance(unfinished: Migration, shop: ModuleType) -> None:
    mend(unfinished, shop)
    run = unfinished.retry()
    for phase in unfinished.phases(run):
        result = run.read(f"reconcile/{phase}.json")
        assert result["reconciled"]
        for line in result["lines"]:
            assert line["read"] == sum(n for r in line["outcomes"].values() for n in r.values())
    over_all_runs = {line: len(found) for line, found in outcomes(unfinished).items()}
    ids = {line.id: {str(r["id"]) for r in run.records(line.source)} for line in
           (*unfinished.pair.lines, *unfinished.pair.folds)}  # fmt: skip
    assert over_all_runs == {line: len(found) for line, found in ids.items()}


def test_what_is_not_mended_stays_as_it_was(unfinished: Migration) -> None:
    before, content = outcomes(unfinished), dict(office(unfinished).rows["human"])
    unfinished.retry()
    assert outcomes(unfinished) == before
    assert office(unfinished).rows["human"] == content


def test_a_retry_moves_no_watermark(unfinished: Migration, shop: ModuleType) -> None:
    name = "watermarks/sandbox/client.json"
    before = unfinished.staging.read_json(name)
    mend(unfinished, shop)
    shop.SHELF.change("client", "c1", given="Later")
    unfinished.retry()
    assert unfinished.staging.read_json(name) == before
    unfinished.delta()
    assert by_source(unfinished, "human")["c1"]["called"]["first"] == "Later"


def test_when_all_is_done_a_retry_does_nothing(migration: Migration, shop: ModuleType) -> None:
    shop.SHELF.take_out("firm", "f2")
    shop.SHELF.take_out("scan", "s2")
    shop.SHELF.take_out("scan", "s3")
    inbox(migration, "ID,CLIENT_ID,WORD\nw1,c2,VIP\n")
    migration.full()
    writes = office(migration).calls["write"]
    run = migration.retry()
    assert run.read("selection.json") == {}
    assert office(migration).calls["write"] == writes


# -- an earlier extract ------------------------------------------------------------------------


@pytest.fixture
def rehearsed(migration: Migration) -> Run:
    """Return a run that read everything for the sandbox; what follows is production."""
    run = migration.full()
    migration.environment = "production"
    return run


def of(run: Run) -> Reading:
    return Reading(extract_of=run.folder)


def test_production_takes_the_extract_of_the_sandbox_and_asks_the_source_nothing(
    migration: Migration, rehearsed: Run, shop: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HEADQUARTERS", "")
    migration.destination = connection("headquarters", "toy_office", "memory", "")
    monkeypatch.setattr(shop, "SHELF", shop.Shelf())
    inbox(migration, "not,what,it\nwas,before,hand\n")
    run = migration.full(reading=of(rehearsed))
    assert shop.SHELF.given == {}
    for name in migration.pair.source_objects:
        rows = [list(read_extract(r.staging, r.folder, name)) for r in (rehearsed, run)]
        assert rows[0] == rows[1]
        manifests = [extract_manifest(r.staging, r.folder, name) for r in (rehearsed, run)]
        assert manifests[1] == manifests[0] | {"extract_of": rehearsed.folder}
    assert len(office(migration).rows["human"]) == 2
    assert len(office(migration).rows["folder"]) == 1


def test_it_lives_on_when_the_run_that_read_is_purged(
    migration: Migration, rehearsed: Run, shop: ModuleType
) -> None:
    run = migration.new_run()
    migration.read_source(run, of(rehearsed))
    for name in run.staging.names(rehearsed.folder):
        run.staging.delete(name)
    migration.decide(run)
    migration.load_phases(run)
    assert list(read_files(run.staging, run.folder, "scan"))
    shop.SHELF.change("client", "c3", mail="bob@bolt.example")
    shop.SHELF.given.clear()
    migration.delta()
    assert shop.SHELF.given["client"] == 1


def test_its_watermark_is_when_the_source_was_read(migration: Migration, rehearsed: Run) -> None:
    run = migration.full(reading=of(rehearsed))
    names = [f"watermarks/{e}/client.json" for e in ("sandbox", "production")]
    sandbox, production = (run.staging.read_json(name) for name in names)
    assert production["start"] == sandbox["start"]
    assert production["run"] == run.folder


def test_an_extract_that_is_not_complete_is_not_taken(migration: Migration, rehearsed: Run) -> None:
    for name in ("client/manifest.json", "scan/files/manifest.json"):
        rehearsed.staging.delete(f"{rehearsed.folder}/extract/{name}")
    with pytest.raises(UserMistake, match="run run-1 did not read client, scan to the end"):
        migration.full(reading=of(rehearsed))


@pytest.mark.parametrize("folder", ["run-9", "run-2"])
def test_a_run_that_there_is_not_is_told(migration: Migration, folder: str) -> None:
    migration.full()
    with pytest.raises(UserMistake, match=f"extract_of: '{folder}' is no earlier run"):
        migration.full(reading=Reading(extract_of=folder))


def test_an_extract_older_than_what_was_loaded_is_not_taken(migration: Migration) -> None:
    old = migration.full()
    migration.full()
    with pytest.raises(UserMistake, match="run run-1 read firm before run run-2"):
        migration.full(reading=of(old))


def test_an_older_run_is_not_loaded_again_after_a_newer_one(
    migration: Migration, shop: ModuleType
) -> None:
    old = migration.full()
    shop.SHELF.change("client", "c1", given="Later")
    new = migration.full()
    with pytest.raises(UserMistake, match=r"client by run run-2.*older values would replace newer"):
        migration.load(old, "human")
    migration.load(new, "human")
    assert by_source(migration, "human")["c1"]["called"]["first"] == "Later"


def test_a_shrunken_extract_is_not_taken_either(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    shop.SHELF.take_out("scan", "s3")
    migration.environment = "production"
    run = migration.full()
    migration.environment = "sandbox"
    with pytest.raises(UserMistake, match="scan: holds 2 records, but 3 when sandbox"):
        migration.full(reading=of(run))


# -- gone from the source ----------------------------------------------------------------------


def gone(run: Run, object_name: str) -> list[dict[str, Any]]:
    return list(read_parts(run.staging, run.name(f"gone/{object_name}")))


ACCEPT = Reading(accept_shrunk=True)


def test_what_is_gone_is_listed_and_stays(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    house = by_source(migration, "house")["f1"]["id"]
    shop.SHELF.take_out("firm", "f1")
    shop.SHELF.take_out("firm", "f2")
    run = migration.full(reading=ACCEPT)
    assert gone(run, "firm") == [{"id": "f1", "line": "account", "destination_id": house}]
    assert gone(run, "client") == []
    assert by_source(migration, "house").keys() == {"f1"}


def test_what_comes_back_is_simply_there(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    firms = list(shop.SHELF.records["firm"])
    shop.SHELF.take_out("firm", "f1")
    migration.full(reading=ACCEPT)
    shop.SHELF.records["firm"] = firms
    run = migration.full()
    assert gone(run, "firm") == []
    assert outcomes(migration)["account"]["f1"] == "created new"


def test_what_cannot_be_read_is_not_gone(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    shop.SHELF.change("firm", "f1", touched="gestern")
    run = migration.full()
    assert gone(run, "firm") == []


def test_what_people_deleted_is_not_gone_from_the_source(
    migration: Migration, shop: ModuleType
) -> None:
    migration.full()
    rows = office(migration).rows["house"]
    [house] = rows.values()
    rows[house.id] = Stored(house.id, house.values, trashed=True)
    shop.SHELF.change("firm", "f1", called="Acme Inc")
    migration.full()
    shop.SHELF.take_out("firm", "f1")
    assert gone(migration.full(reading=ACCEPT), "firm") == []


def test_a_window_cannot_tell_what_is_gone(migration: Migration, shop: ModuleType) -> None:
    migration.full()
    shop.SHELF.take_out("firm", "f1")
    run = migration.delta()
    assert not run.staging.exists(run.name("gone/firm/manifest.json"))
    assert run.staging.exists(run.name("gone/sticker/manifest.json"))
