"""One holder at a time; whoever lost the lease learns it before its next call."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core import lease as module
from airflow_crm_migration.core.errors import LeaseHeld, LeaseLost, StagingUnusable
from airflow_crm_migration.core.lease import Lease, LeaseTimes, newest_lease
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.hooks.staging import open_staging

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = "lease/sandbox"
QUICK = LeaseTimes(beat=0.02, lease=0.3)
#: A holder that shows itself once in the time of a test.
ASLEEP = LeaseTimes(beat=3600, lease=0.3)
#: Whoever watches it would watch for ever.
PATIENT = LeaseTimes(beat=0.02, lease=3600)


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def lease(staging: Staging, what: str = "me", times: LeaseTimes = QUICK, **more: Any) -> Lease:
    return Lease(staging, FOLDER, what, run="r1", times=times, **more)


def until(so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not so():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def kept(staging: Staging, epoch: int) -> Any:
    return staging.read_json(f"{FOLDER}/{epoch:08d}")


@dataclass(frozen=True)
class Counted(Staging):
    """Notes what is listed and written, and can be told to do something in between."""

    asked: list[str] = field(default_factory=list)
    hooks: dict[str, Callable[[], None]] = field(default_factory=dict)

    def names(self, folder: str) -> list[str]:
        self.asked.append("names")
        return super().names(folder)

    def read_bytes(self, name: str) -> bytes:
        self.asked.append("read")
        return super().read_bytes(name)

    def write_json(self, name: str, value: Any, *, exclusive: bool = False) -> None:
        self.asked.append("make" if exclusive else "rewrite")
        self.hooks.pop(self.asked[-1], lambda: None)()
        super().write_json(name, value, exclusive=exclusive)


# -- taking and letting go -----------------------------------------------------------------


def test_every_holder_has_an_epoch_of_its_own(staging: Staging) -> None:
    for epoch in (1, 2, 3):
        with lease(staging) as held:
            assert held.epoch == epoch
    assert staging.names(FOLDER) == [f"{FOLDER}/{epoch:08d}" for epoch in (1, 2, 3)]


def test_the_object_says_who_holds_it_and_then_that_it_was_let_go(staging: Staging) -> None:
    with lease(staging, "load person"):
        held = kept(staging, 1)
        assert held["format"] == 1
        assert held["holder"].startswith("load person (process ")
        assert (held["run"], held["released"], held["lease"]) == ("r1", False, 0.3)
    assert kept(staging, 1) == {
        **held,
        **{name: kept(staging, 1)[name] for name in ("beat", "beaten")},
        "released": True,
    }


class Deferred(BaseException):
    """Like Airflow's deferral, which is no Exception."""


@pytest.mark.parametrize("end", [ValueError, Deferred, KeyboardInterrupt, SystemExit])
def test_it_is_let_go_however_the_block_ends(staging: Staging, end: type[BaseException]) -> None:
    with pytest.raises(end), lease(staging, times=PATIENT):
        raise end
    with lease(staging, times=PATIENT) as held:
        assert held.epoch == 2


def test_a_holder_that_beats_is_named_and_left_alone(staging: Staging) -> None:
    with lease(staging, "load person", PATIENT):
        since = kept(staging, 1)["since"]
        with pytest.raises(LeaseHeld) as raised, lease(staging, times=PATIENT):
            pass
    [line] = raised.value.findings
    assert line.startswith("lease/sandbox: load person (process ")
    assert f" of run r1 since {since} writes here: " in line
    assert "crm-migration release --engagement FILE --environment sandbox" in line
    assert len(staging.names(FOLDER)) == 1


@pytest.mark.parametrize("content", ["died", b"{}", b'{"for', b"[1]", b'{"released": "yes"}'])
def test_a_holder_whose_beat_stands_still_is_followed(
    staging: Staging, content: str | bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LeaseTimes, "lease", 0.3)
    if content == "died":
        dead = lease(staging, times=ASLEEP)
        dead.__enter__()
    else:
        staging.write_bytes(f"{FOLDER}/00000001", content)
    ticks = itertools.count()
    monkeypatch.setattr(module, "clock", lambda: next(ticks) / 10)
    asked = Counted(staging.root)
    with lease(asked, times=ASLEEP) as held:
        assert held.epoch == 2
        # once to see it, at 0.1, 0.2 and 0.3 seconds, and once more when it was taken over
        assert asked.asked == ["names", *["read"] * 4, "make", "read"]


def test_a_holder_that_lets_go_while_it_is_watched_is_followed_at_once(staging: Staging) -> None:
    first = lease(staging, times=LeaseTimes(beat=3600, lease=3600))
    first.__enter__()
    asked = Counted(staging.root)
    second = lease(asked)
    follower = threading.Thread(target=second.__enter__)
    follower.start()
    until(lambda: "names" in asked.asked)
    first.__exit__()
    follower.join(60)
    assert second.epoch == 2
    second.__exit__()


def test_of_many_that_race_for_a_lease_one_gets_it(staging: Staging) -> None:
    """All see the same epochs taken before any takes the next."""
    racers = 6
    line = threading.Barrier(racers)

    class Together(Staging):
        def names(self, folder: str) -> list[str]:
            found = super().names(folder)
            if not found:
                line.wait()
            return found

    def race() -> None:
        held = lease(Together(staging.root), times=LeaseTimes(0.02, 30))
        try:
            held.__enter__()
            won.append(held)
        except LeaseHeld:
            refused.append(held)

    won: list[Lease] = []
    refused: list[Lease] = []
    threads = [threading.Thread(target=race) for _ in range(racers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(refused)) == (1, racers - 1)
    won[0].__exit__()


def test_two_that_take_an_epoch_in_one_moment_never_write_the_same(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is equal would be taken for one's own, and there would be two holders."""
    now = datetime.now(UTC)
    monkeypatch.setattr(module, "datetime", SimpleNamespace(now=lambda _: now))
    asked = Counted(staging.root)
    other = lease(staging)
    asked.hooks["make"] = lambda: (other.__enter__(), None)[1]
    with pytest.raises(LeaseHeld), lease(asked):
        pass
    other.__exit__()


# -- holding -------------------------------------------------------------------------------


def test_a_young_beat_costs_nothing(staging: Staging) -> None:
    asked = Counted(staging.root)
    with lease(asked, times=LeaseTimes(3600, 3600)) as held:
        asked.asked.clear()
        for _ in range(1000):
            held.check()
        assert asked.asked == []


def test_it_beats_by_itself(staging: Staging) -> None:
    with lease(staging, times=PATIENT):
        until(lambda: kept(staging, 1)["beat"] > 3)


def test_an_old_beat_is_renewed_and_the_epochs_are_listed(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = module.clock()
    monkeypatch.setattr(module, "clock", lambda: now)
    asked = Counted(staging.root)
    with lease(asked, times=LeaseTimes(3600, 60)) as held:
        now += 19.9
        held.check()
        asked.asked.clear()
        now += 0.1
        held.check()
        assert asked.asked == ["rewrite", "names"]
        held.check()
        assert asked.asked == ["rewrite", "names"]


@pytest.mark.parametrize("taken", [True, False])
def test_a_beat_that_is_old_when_it_is_known_is_not_relied_upon(
    staging: Staging, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> None:
    """The store lists the epochs at once, but its replies take longer than the lease."""
    now = module.clock()
    delays = [90.0, 20.0, 19.9, 90.0]
    monkeypatch.setattr(module, "clock", lambda: now)

    class Slow(Staging):
        def names(self, folder: str) -> list[str]:
            nonlocal now
            found = super().names(folder)
            now += delays.pop(0)
            if taken:
                self.write_json(f"{FOLDER}/00000002", {"holder": "follower"})
            return found

    with lease(staging, times=LeaseTimes(3600, 60)) as held:
        held._staging = Slow(staging.root)
        now += 20
        if taken:
            with pytest.raises(LeaseLost, match="00000001 was taken over by follower"):
                held.check()
        else:
            held.check()
            assert delays == [90.0]


def test_a_store_that_is_always_too_slow_is_told_and_not_asked_for_ever(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = module.clock()
    monkeypatch.setattr(module, "clock", lambda: now)

    class Slow(Staging):
        def names(self, folder: str) -> list[str]:
            nonlocal now
            now += 21
            return super().names(folder)

    with lease(staging, times=LeaseTimes(3600, 60)) as held:
        held._staging = Slow(staging.root)
        now += 20
        with pytest.raises(StagingUnusable, match="answers too slowly to hold a lease of 60 s"):
            held.check()


def test_who_slept_too_long_learns_at_the_next_check_that_another_took_over(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = 0.0
    real = module.clock
    sleeper = lease(staging, "sleeper", ASLEEP)
    with sleeper:
        with lease(staging, "follower") as follower:
            monkeypatch.setattr(module, "clock", lambda: real() + slept)
            slept = 0.1
            with pytest.raises(LeaseLost, match="00000001 was taken over by follower"):
                sleeper.check()
            with pytest.raises(LeaseLost):
                sleeper.check()
            until(lambda: kept(staging, 2)["beat"] > 1)
            follower.check()
        before = kept(staging, 1)
    assert kept(staging, 1) == before
    assert before["released"] is False


def test_who_beats_learns_by_itself_that_another_took_over_by_force(staging: Staging) -> None:
    with lease(staging, "stubborn") as stubborn, lease(staging, "release", force=True) as forced:
        assert forced.epoch == 2
        with pytest.raises(LeaseLost):
            stubborn.check()


def test_a_holder_that_wakes_in_the_moment_of_the_take_over_is_waited_for(
    staging: Staging,
) -> None:
    """It beat after it was looked at and before the higher epoch was there, so it goes on."""
    sleeper = lease(staging, "sleeper", LeaseTimes(3600, 0.3))
    sleeper.__enter__()
    asked = Counted(staging.root)
    woken: list[int] = []

    def wakes() -> None:
        sleeper._beat()
        woken.append(kept(staging, 1)["beat"])

    asked.hooks["make"] = wakes
    with lease(asked, times=ASLEEP) as follower:
        assert (follower.epoch, woken) == (2, [2])
        made = asked.asked.index("make")
        assert asked.asked[made:].count("read") > 2
        sleeper._beat()
        with pytest.raises(LeaseLost):
            sleeper.check()


def test_who_cannot_beat_goes_on_until_it_cannot_be_sure(
    staging: Staging, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Counted(staging.root)

    def full() -> None:
        asked.hooks["rewrite"] = full
        raise StagingUnusable("full")

    with lease(asked, times=LeaseTimes(0.02, 0.9)) as held:
        asked.hooks["rewrite"] = full
        until(lambda: bool(caplog.messages))
        held.check()
        assert caplog.messages[0] == f"{FOLDER}/00000001: no beat: full"
        until(lambda: module.clock() - held._confirmed > 0.3)
        with pytest.raises(StagingUnusable, match="full"):
            held.check()
    assert caplog.messages[-1].startswith(f"{FOLDER}/00000001 is not released")


def test_the_newest_lease_is_told(staging: Staging) -> None:
    assert newest_lease(staging, FOLDER) is None
    with lease(staging), pytest.raises(LeaseHeld), lease(staging, times=PATIENT):
        pass
    with lease(staging, "second"):
        found = newest_lease(staging, FOLDER)
        assert found is not None
        assert (found.epoch, found.released, found.run) == (2, False, "r1")
        assert found.beaten >= found.since


def test_it_is_the_same_on_object_storage(bucket: Any) -> None:
    staging = open_staging(f"s3://{bucket.name}/{uuid.uuid4().hex}", "acme", conn_id=bucket.conn_id)
    with lease(staging, "first", PATIENT), pytest.raises(LeaseHeld), lease(staging):
        pass
    with lease(staging, "second") as second, lease(staging, "third", force=True) as third:
        assert (second.epoch, third.epoch) == (2, 3)
        with pytest.raises(LeaseLost, match="third"):
            second.check()
        third.check()
    found = newest_lease(staging, FOLDER)
    assert found is not None
    assert found.released
