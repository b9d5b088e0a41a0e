"""A dry run asks the real destination everything and writes nothing to it."""

from __future__ import annotations

import copy
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec, Option
from airflow_crm_migration.core.protocols import Destination, Stored, Write
from tests.support.toyland.office import OFFICES, OfficeHook

if TYPE_CHECKING:
    from pathlib import Path

MOOD = FieldSpec("mood", FieldType.TEXT)


@pytest.fixture
def real() -> Any:
    OFFICES.pop("real", None)
    hook = OfficeHook("real")
    hook.create("human", [Write("h1", {"post": ["ann@x.org"], "house": "h"})])
    return hook


@pytest.fixture
def dry(real: OfficeHook) -> DryDestination:
    return DryDestination(real)


def state(hook: OfficeHook) -> Any:
    office = hook.office
    return copy.deepcopy((office.rows, office.binaries, office.objects, office.calls["write"]))


def test_whatever_is_written_the_destination_stays_as_it_was(real: Any, dry: Any) -> None:
    before = state(real)
    dry.ensure_schema([ObjectSpec("human", "", {"mood": MOOD})], dry_run=False)
    dry.create("human", [Write("h2", {"post": ["bob@x.org"]})])
    dry.update("human", [Write("h1", {"post": ["eve@x.org"]})])
    dry.restore("human", ["h1"])
    dry.trash("human", ["h1"])
    dry.delete("human", ["h1"])
    dry.upload("a.txt", 3, io.BytesIO(b"abc"), print)
    assert state(real) == before


def test_changes_of_the_schema_are_told_not_made(dry: Any) -> None:
    [change] = dry.ensure_schema([ObjectSpec("human", "", {"mood": MOOD})], dry_run=False)
    assert (change.object, change.field, change.action) == ("human", "mood", "create_field")
    assert "mood" not in dry.describe()["human"].fields


def test_what_would_be_written_is_answered_as_stored(dry: Any) -> None:
    rows = [Write("h2", {"post": ["bob@x.org"]}), Write("h3", {})]
    assert dry.create("human", rows) == [Stored("h2", {"post": ["bob@x.org"]}), Stored("h3", {})]


def test_and_read_back_beside_what_is_really_there(dry: Any) -> None:
    dry.create("human", [Write("h2", {"post": ["bob@x.org"]})])
    found = dry.read("human", ["h1", "h2", "h3"])
    assert {row_id: row.values["post"] for row_id, row in found.items()} == {
        "h1": ["ann@x.org"], "h2": ["bob@x.org"],
    }  # fmt: skip


def test_nobody_is_asked_for_what_the_run_itself_would_have_made(real: Any, dry: Any) -> None:
    dry.create("human", [Write("h2", {})])
    before = real.office.calls["read"]
    dry.read("human", ["h2"])
    assert real.office.calls["read"] == before


def test_a_binary_comes_back_as_it_was(dry: Any) -> None:
    ids = [dry.upload("a.txt", len(b), io.BytesIO(b), print) for b in (b"abc", b"def")]
    attached = [Stored(i, {"sheet": [{"file_id": i, "label": "a"}]}) for i in ids]
    contents = []
    for stored in attached:
        with dry.download(stored) as stream:
            contents.append(stream.read())
    assert contents == [b"abc", b"def"]


def test_a_kept_binary_has_no_name_that_could_be_left_behind(
    dry: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dry.upload("a.txt", 3, io.BytesIO(b"abc"), print)
    assert not list(tmp_path.rglob("*"))


def test_a_binary_that_is_really_there_is_opened_there(real: Any, dry: Any) -> None:
    file_id = real.upload("a.txt", 3, io.BytesIO(b"abc"), print)
    with dry.download(Stored("x", {"sheet": [{"file_id": file_id}]})) as stream:
        assert stream.read() == b"abc"


def test_what_would_be_restored_reads_as_if_it_were(real: Any, dry: Any) -> None:
    rows = real.office.rows["human"]
    rows["h1"] = replace(rows["h1"], trashed=True)
    assert dry.read("human", ["h1"])["h1"].trashed
    dry.restore("human", ["h1"])
    assert not dry.read("human", ["h1"])["h1"].trashed
    assert rows["h1"].trashed


def test_what_would_be_made_is_counted_and_listed_beside_what_is_there(dry: Any) -> None:
    dry.create("human", [Write("h2", {})])
    dry.assume({"human": ["h3"]})
    assert dry.count("human") == 3
    assert {row.id for row in dry.listing("human")} == {"h1", "h2", "h3"}
    assert set(dry.read("human", ["h1", "h3", "h4"])) == {"h1", "h3"}


def test_calls_are_foretold_in_their_order_at_the_cost_of_the_real_one(dry: Any) -> None:
    dry.count("human")
    dry.create("human", [Write("h2", {}), Write("h3", {})])
    dry.upload("a.txt", 3, io.BytesIO(b"abc"), print)
    list(dry.listing("human"))
    dry.read("human", ["h1", "h2"])
    step = dry.foretold("human", "load")
    assert step.calls == [(1.0, 2), (2.0, 1), (1.0, 3)]


def test_everything_else_is_asked_of_the_real_one(real: Any, dry: Any) -> None:
    spec = real.describe()["human"].fields["post"]
    asked: list[tuple[str, tuple[Any, ...]]] = [
        ("tenant", ()), ("preflight", ()), ("describe", ()), ("members", ()),
        ("count", ("human",)), ("count", ("human", "post", "zzz")),
        ("find", ("human", "post", ["ann@x.org", "bob@x.org"])),
        ("children", ("house", ["h"])), ("children", ("house", ["h"], ["h1"])),
        ("traces", ("human", ["h1"])),
        ("normalise", (spec, ["A@x.org", "no address"])),
        ("option", ("Big", [Option("big", "Big")])), ("custom_field_name", ("Big", ())),
    ]  # fmt: skip
    for name, arguments in asked:
        assert getattr(dry, name)(*arguments) == getattr(real, name)(*arguments), name
    assert list(dry.listing("human")) == list(real.listing("human"))
    assert dry.capabilities == real.capabilities
    assert dry.requests_made == real.requests_made


def test_nothing_that_a_destination_can_do_is_forgotten() -> None:
    wanted = {name for name in dir(Destination) if not name.startswith("_")}
    assert wanted <= set(dir(DryDestination))
