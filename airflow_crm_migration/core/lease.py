"""One writer at a time: a lease whose epoch is part of every name that its holder writes.

``lease/<environment>/<epoch:08d>`` is made exclusively, rewritten at every beat, and marked when
its holder lets go. Whoever wants to write next and finds it unmarked watches it on its own clock: a
beat that moves is a holder that lives, one that stands still for the lease time is a holder that
died. The holder asks at every beat whether a higher epoch was taken, and before a call when its
last beat is too old to be sure, so that a process which slept longer than its lease writes nothing
when it wakes.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import socket
import threading
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import LeaseHeld, LeaseLost, StagingUnusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.protocols import Destination
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.staging import Staging

FORMAT = 1
_BEATS = 10
"""How often in a row a beat may be old when it is known."""

_log = logging.getLogger(__name__)


def clock() -> float:
    """Return seconds that only grow, also while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class LeaseTimes:
    """
    How long things take, in seconds.

    :param beat: between two beats
    :param lease: that a beat must stand still before somebody else takes over
    """

    beat: float = 10.0
    lease: float = 60.0


@dataclass(frozen=True)
class LeaseRecord:
    """
    A lease as it lies in staging.

    :param content: as read; two equal ones are one beat
    :param holder: who took it, in words for people
    :param run: the run's prefix in staging
    :param since: UTC time at which it was taken
    :param beaten: UTC time of the last beat by the holder's clock
    :param released: its holder let go
    :param lease: seconds that its holder counts on
    """

    epoch: int
    content: bytes
    holder: str
    run: str
    since: str
    beaten: str
    released: bool
    lease: float

    def __str__(self) -> str:
        """Name the holder in a message."""
        of_run = f" of run {self.run}" if self.run else ""
        return f"{self.holder}{of_run} since {self.since}"


def read_lease(staging: Staging, folder: str, epoch: int) -> LeaseRecord:
    """Return one lease; one that is not readable is held by somebody unknown."""
    content = staging.read_bytes(_name(folder, epoch))
    told = _parsed(content)
    return LeaseRecord(
        epoch,
        content,
        holder=str(told.get("holder", "somebody")),
        run=str(told.get("run", "")),
        since=str(told.get("since", "a time that is not readable")),
        beaten=str(told.get("beaten", "")),
        released=told.get("released") is True,
        lease=float(told.get("lease", LeaseTimes.lease)),
    )


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def newest_lease(staging: Staging, folder: str) -> LeaseRecord | None:
    """Return the lease with the highest epoch, None when there never was one."""
    epoch = _highest(staging, folder)
    return read_lease(staging, folder, epoch) if epoch else None


def release_command(environment: str, engagement_file: str = "FILE") -> str:
    """Return the command that takes a lease from whoever holds it."""
    words = ["airflow", "crm-migration", "release", "--engagement", engagement_file]
    return shlex.join([*words, "--environment", environment])


class Lease:
    """
    The right to write, held from the beginning to the end of a ``with`` block.

    However the block ends, a deferral among others, the lease is let go.
    """

    epoch: int

    def __init__(
        self,
        staging: Staging,
        folder: str,
        holder: str,
        *,
        run: str = "",
        times: LeaseTimes | None = None,
        force: bool = False,
    ) -> None:
        """
        Say who wants to write.

        :param folder: of the epochs of one ledger
        :param holder: what is done, in words for people; machine and process are added
        :param run: the run's prefix in staging
        :param force: take over from a holder that lives; it is given the lease time to notice
        """
        self._staging = staging
        self._folder = folder
        self._times = times or LeaseTimes()
        self._force = force
        self._told: dict[str, Any] = {
            "format": FORMAT,
            "holder": f"{holder} (process {os.getpid()} on {socket.gethostname()})",
            "run": run,
            "lease": self._times.lease,
            # Two that take an epoch at once must not write the same: equal is taken for one's own.
            "nonce": uuid.uuid4().hex,
        }
        self._beats = 0
        self._confirmed = clock()
        self._lost = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._keep_beating, name="lease", daemon=True)

    def __enter__(self) -> Self:
        """
        Take the next epoch.

        :raises LeaseHeld: somebody else writes
        """
        before = self._make()
        self._heart.start()
        try:
            self._outlast(before)
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        self._let_go()

    def _let_go(self) -> None:
        """Mark the lease, unless it was lost: then it is somebody else's already."""
        self._ended.set()
        with self._lock:
            if self._lost:
                return
            try:
                self._write(released=True)
            except StagingUnusable as error:
                _log.warning("%s is not released, its beat stands still: %s", self._own, error)

    def check(self) -> None:
        """
        Make sure that the lease is still held; costs nothing while its last beat is young.

        A store may be so slow to answer that a beat is old when it is known: then one more.

        :raises LeaseLost: somebody else took over
        :raises StagingUnusable: the store never answers in time
        """
        for _ in range(_BEATS):
            if not self._is_unsure():
                break
            self._beat()
        else:
            raise StagingUnusable(
                f"{self._own}: staging answers too slowly to hold a lease of "
                f"{self._times.lease:g} s; see what is the matter with it, then clear this task"
            )
        if self._lost:
            holder = newest_lease(self._staging, self._folder)
            raise LeaseLost(
                f"{self._own} was taken over by {holder}: nothing more is written here; "
                "see what that run did, then clear this task"
            )

    def _is_unsure(self) -> bool:
        """Tell whether another may have taken over since it was last known that nobody did."""
        if self._lost or self._ended.is_set():
            return False
        return clock() - self._confirmed >= self._times.lease / 3

    # -- taking ----------------------------------------------------------------------------

    def _make(self) -> LeaseRecord | None:
        """Make the next epoch and return the lease before it, whose holder let go or died."""
        while True:
            before = newest_lease(self._staging, self._folder)
            if before is not None and not self._is_free(before):
                continue
            self._told["since"] = time_text(datetime.now(UTC))
            self.epoch = before.epoch + 1 if before else 1
            self._confirmed = clock()
            try:
                self._write(exclusive=True)
            except FileExistsError:
                continue
            return before

    def _is_free(self, lease: LeaseRecord) -> bool:
        """
        Tell whether the next epoch may be taken; False when the lease was released meanwhile.

        :raises LeaseHeld: its holder lives
        """
        if lease.released or self._force:
            return True
        now = self._watch(lease)
        if now.content != lease.content and not now.released:
            raise LeaseHeld(
                f"{self._folder}: {now} writes here: wait until it ends; if it hangs stop it, then "
                f"run: {release_command(self._folder.rpartition('/')[2])} --force"
            )
        return now.content == lease.content

    def _watch(self, lease: LeaseRecord) -> LeaseRecord:
        """Return a lease as soon as it changes, or as it was when it stood still too long."""
        began, pause = clock(), min(self._times.beat, lease.lease / 6) / 10
        while True:
            watched = clock() - began
            now = read_lease(self._staging, self._folder, lease.epoch)
            if now.content != lease.content or watched >= lease.lease:
                return now
            self._ended.wait(pause)

    def _outlast(self, before: LeaseRecord | None) -> None:
        """
        Wait until the holder before has noticed that it lost, should it live after all.

        It writes its beat and then looks for a higher epoch; here the higher epoch was written
        first and then its beat is looked at: one of the two sees the other.
        """
        if before is None:
            return
        now = read_lease(self._staging, self._folder, before.epoch)
        if now.content == before.content and not self._force:
            return
        while not now.released:
            seen, now = now, self._watch(now)
            if now.content == seen.content:
                return

    # -- beating ---------------------------------------------------------------------------

    def _keep_beating(self) -> None:
        while not self._lost and not self._ended.wait(self._times.beat):
            try:
                self._beat()
            except StagingUnusable as error:
                _log.warning("%s: no beat: %s", self._own, error)

    def _beat(self) -> None:
        """Show that the holder lives, then look whether somebody took over."""
        with self._lock:
            if self._lost or self._ended.is_set():
                return
            began = clock()
            self._write()
            if _highest(self._staging, self._folder) > self.epoch:
                self._lost = True
            else:
                self._confirmed = began

    def _write(self, *, exclusive: bool = False, released: bool = False) -> None:
        self._beats += 1
        now = {"beat": self._beats, "beaten": time_text(datetime.now(UTC)), "released": released}
        self._staging.write_json(self._own, {**self._told, **now}, exclusive=exclusive)

    @property
    def _own(self) -> str:
        return _name(self._folder, self.epoch)


@contextmanager
def hold_lease(run: Run, destination: Destination, what: str) -> Iterator[Lease]:
    """
    Hold the lease of a run's environment; no request leaves the hook without it.

    :param what: the step, in words for people
    :raises LeaseHeld: somebody else writes
    """
    lease = Lease(run.staging, run.ledger.lease, what, run=run.folder, times=run.lease_times)
    with lease:
        before, destination.guard = destination.guard, lease.check
        try:
            yield lease
        finally:
            destination.guard = before


def _highest(staging: Staging, folder: str) -> int:
    numbers = (name.rpartition("/")[2] for name in staging.names(folder))
    return max((int(number) for number in numbers if number.isdigit()), default=0)


def _name(folder: str, epoch: int) -> str:
    return f"{folder}/{epoch:08d}"
