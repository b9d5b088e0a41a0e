"""A rollback that dies and goes on ends as one that did not; a load after it settles it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.steps.rollback import NotRolledBack
from tests.support.loading import company, person, task
from tests.support.rolling_back import Died, Mortal, RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading

POINTS = {
    "before the first deletion": ("delete", 1, "before"),
    "after the first deletion, before its result": ("delete", 1, "after"),
    "after the third deletion, before its result": ("delete", 3, "after"),
    "before a look": ("read", 3, "before"),
    "before children are looked for": ("children", 2, "before"),
    "before records are restored": ("update", 1, "before"),
    "after records were restored, before the result": ("update", 1, "after"),
    "before records go into the trash": ("trash", 1, "before"),
    "after records went into the trash, before the result": ("trash", 1, "after"),
}
TRASHED = ("updatedAt", "deletedAt")


@pytest.fixture
def mixed(make_loading: Callable[..., Loading]) -> Callable[[], Loading]:
    """Return what makes a workspace with everything that a rollback knows to undo."""

    def make() -> Loading:
        loading = make_loading("update", batch_size=2, read_size=2)
        for name in ("old", "lost"):
            made = loading.made_by_hand(
                "person", emails={"primaryEmail": f"{name}@x.example"}, jobTitle="Boss",
                createdAt="2019-01-01T00:00:00.000Z", updatedAt="2019-01-01T00:00:00.000Z",
                position=1,
            )  # fmt: skip
        loading.remove("person", made["id"])
        loading.load("company", [company(f"c{n}") for n in range(3)])
        people = [person(f"p{n}", f"c{n % 3}", jobTitle="X") for n in range(5)]
        people += [person(name, "c0", jobTitle="X") for name in ("old", "lost")]
        loading.load("person", people)
        loading.load("task", [task(f"t{n}", f"p{n}", "old") for n in range(5)])
        loading.load("attachment", [loading.file("f", "p1", b"x")])
        loading.edit("task", str(loading.entry("task", "t4").destination_id), title="Mine")
        return loading

    return make


def state(loading: Loading) -> dict[str, Any]:
    """Return what the workspace holds and what the ledger says, without times and made ids."""
    left = {
        name: sorted(
            (
                str(row.get("migrationSourceId")), row.get("title"), row.get("jobTitle"),
                (row.get("emails") or {}).get("primaryEmail"), row["deletedAt"] is None,
                row.get("companyId") is None,
            )
            for row in rows
        )
        for name, rows in RollingBack(loading).left().items()
    }  # fmt: skip
    entries = {
        (phase, *entry.key): (entry.stands, str(entry.outcome), entry.last["reason"])
        for phase in loading.mapping.phases
        for principal in (True, False)
        for entry in loading.entries(phase, principal=principal).values()
    }
    intents = {phase: loading.open_intents(phase) for phase in loading.mapping.phases}
    return {"left": left, "entries": entries, "intents": intents}


@pytest.fixture(scope="module")
def endings() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize("point", POINTS)
def test_killed(mixed: Callable[[], Loading], endings: dict[str, Any], point: str) -> None:
    if not endings:
        undisturbed = mixed()
        endings["done"] = RollingBack(undisturbed).whole()
        endings |= state(undisturbed)
    loading = mixed()
    back = RollingBack(loading).begin()
    back.forecast()
    signed = back.sign()
    with pytest.raises(Died):
        back.undo(signed, Mortal(loading.hook, *POINTS[point]))
    with pytest.raises(NotRolledBack, match="was not undone"):
        back.result()
    assert back.undo(signed) == endings["done"]
    assert back.result() == endings["done"]
    found = state(loading)
    assert found["left"] == endings["left"]
    assert found["entries"] == endings["entries"]
    assert not any(found["intents"].values())


def test_and_again_when_it_was_whole_already(mixed: Callable[[], Loading]) -> None:
    loading = mixed()
    back = RollingBack(loading).begin()
    back.forecast()
    signed = back.sign()
    done = back.undo(signed)
    before, calls = state(loading), loading.control("requests")["calls"]
    assert back.undo(signed) == done
    assert back.result() == done
    assert state(loading) == before
    writing = ("destroy", "update", "delete", "POST /rest/batch")
    told = loading.control("requests")["calls"]
    assert {n: c for n, c in told.items() if any(w in n for w in writing)} == {
        n: c for n, c in calls.items() if any(w in n for w in writing)
    }


@pytest.mark.parametrize("point", ["after the first deletion, before its result"])
def test_a_load_that_follows_a_dead_rollback_settles_it(
    mixed: Callable[[], Loading], point: str
) -> None:
    loading = mixed()
    back = RollingBack(loading).begin()
    back.forecast()
    with pytest.raises(Died):
        back.undo(back.sign(), Mortal(loading.hook, *POINTS[point]))
    assert loading.open_intents("attachment")
    loading.load("attachment", [loading.file("f", "p1", b"x")], run="run-2")
    assert loading.open_intents("attachment") == []
    [row] = loading.records("attachment")
    assert row["id"] == loading.entry("attachment", "f").destination_id


def test_a_rollback_settles_a_load_that_died(loading: Loading) -> None:
    """What it wrote and could not tell any more is ours too."""
    with pytest.raises(Died):
        loading.load("person", [person("a")], hook=Mortal(loading.hook, "create", 1, "after"))
    assert len(loading.records("person")) == 1
    assert RollingBack(loading).whole()["person"] == {"delete": 1}
    assert loading.records("person") == []
