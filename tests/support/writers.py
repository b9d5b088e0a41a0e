"""Processes that load one engagement, as tasks of Airflow do, and what they leave behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.lease import Lease, LeaseTimes
from airflow_crm_migration.core.mapping import parse_mapping
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.load import load_step
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.twenty import create
from airflow_crm_migration.hooks.twenty import TwentyHook
from airflow_crm_migration.tasks import MigrationOperator
from tests.support.loading import PAIR, Loading, company, person, task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from airflow_crm_migration.emulators.base import RunningEmulator

KEY = "emulator-key"
WORKSPACE = "0d2f4ab1-58cf-4a5c-9d0c-6a3f4f1f7a10"
CONNECTION = "writers"
PHASES = ("company", "person", "task", "attachment")
PATIENCE = 120.0
#: Fields that a load decides; the server makes the rest.
OURS = ("name", "emails", "companyId", "title", "taskId", "targetPersonId", "deletedAt")
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Job:
    """
    What a process does.

    :param connection: to the destination, as Airflow reads it from the environment
    :param told: file that takes why it failed
    :param temporary: where its temporary files go
    :param lease_times: seconds between beats, and of the lease
    :param guarded: False switches off all asking whether the lease is still held
    """

    connection: str
    staging: Path
    run: str
    told: Path
    temporary: Path
    lease_times: tuple[float, float]
    guarded: bool = True


class Load(MigrationOperator):
    """A task that loads all phases."""

    def __init__(self, *, job: Job, **kwargs: Any) -> None:
        super().__init__(engagement_id="acme", staging_url="", environment="sandbox", **kwargs)
        self.job = job

    def work(self, context: Any) -> None:
        times = LeaseTimes(*self.job.lease_times)
        run = Run(Staging(self.job.staging), self.job.run, "acme", "sandbox", lease_times=times)
        mapping = parse_mapping(PAIR.format(policy="link"), "small.yaml")
        for phase in PHASES:
            hook = TwentyHook(CONNECTION)
            load_step(run, hook, mapping, phase, owners={}, say=lambda line: None)


def work(job: Job) -> None:
    """Do a job; the status is 0 when all went well."""
    # The fork server keeps the environment that it was started with.
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = job.connection
    # What is logged must not grow a file: a test may forbid that.
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    tempfile.tempdir = str(job.temporary)
    if not job.guarded:
        Lease.check = lambda self: None  # type: ignore[method-assign]
    load = Load(task_id="load", job=job)
    signal.signal(signal.SIGTERM, lambda *_: load.on_kill())  # as Airflow does
    try:
        load.execute({})  # type: ignore[arg-type]
    except Exception as error:
        job.told.write_text(str(error))
        sys.exit(1)


@dataclass
class Writer:
    """One of the processes."""

    job: Job
    process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> int:
        """Wait until it has ended and return its status, negative for a signal."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, f"{self.job.run} does not end"
        return self.process.exitcode

    @property
    def failure(self) -> str:
        """What Airflow would show as the reason, empty where there is none."""
        return self.job.told.read_text() if self.job.told.exists() else ""


class Desk(Loading):
    """A workspace, a staging, and drafts that wait to be loaded by runs."""

    def __init__(self, folder: Path, server: RunningEmulator) -> None:
        self.folder = folder
        self.writers: list[Writer] = []
        connection = {"conn_type": "twenty", "host": server.base_url, "password": KEY}
        self.connection = json.dumps(connection | {"extra": {"rate_limits": "100000/1s"}})
        os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = self.connection
        super().__init__(server, folder / "staging", CONNECTION, "link")
        for run in ("run-1", "run-2"):
            self.transform("company", [company(f"c{n}") for n in range(150)], run=run)
            people = [person(f"p{n}", f"c{n % 150}") for n in range(200)]
            self.transform("person", people, run=run)
            tasks = [task(f"t{n}", f"p{n}", f"p{n + 1}") for n in range(100)]
            self.transform("task", tasks, run=run)
            files = [self.file(f"f{n}", f"p{n}", b"content %d" % n) for n in range(4)]
            self.transform("attachment", files, run=run)

    # -- writers ---------------------------------------------------------------------------

    def begin(
        self, run: str, *, lease: tuple[float, float] = (0.05, 1.0), guarded: bool = True
    ) -> Writer:
        """Start a process that loads all phases of a run."""
        (temporary := self.folder / f"temporary of {run}").mkdir()
        told = self.folder / f"failure of {run}"
        staging = self.folder / "staging"
        job = Job(self.connection, staging, run, told, temporary, lease, guarded)
        process = PROCESSES.Process(target=work, args=(job,))
        process.start()
        self.writers.append(Writer(job, process))
        return self.writers[-1]

    def begin_until_held(self, run: str, gate: dict[str, Any], **more: Any) -> Writer:
        """Start a process and return when a request of it is held."""
        self.control("gate", gate)
        writer = self.begin(run, **more)
        self.wait_until_held(writer)
        return writer

    def wait_until_held(self, writer: Writer | None = None) -> None:
        """Return when a request is held; a writer's must come before it ends."""
        deadline = time.monotonic() + PATIENCE
        while not self.control("gate")["held"]:
            assert time.monotonic() < deadline, "no request was held"
            assert writer is None or writer.process.is_alive(), writer.failure

    def begin_anew(self, phase: str, drafts: list[dict[str, Any]]) -> None:
        """Write drafts for a first run in a staging that is empty."""
        self._prepared.clear()
        self.transform(phase, drafts)

    def stop(self) -> None:
        for writer in self.writers:
            if writer.process.is_alive():
                writer.process.kill()
            writer.process.join()
            writer.process.close()

    # -- looking ---------------------------------------------------------------------------

    def content(self) -> dict[str, dict[str, Any]]:
        """Return object -> id -> what loads wrote there."""
        return {
            name: {row["id"]: {f: row[f] for f in OURS if f in row} for row in rows}
            for name, rows in self.control("content").items()
            if name in (*PHASES, "taskTarget")
        }

    def told(self) -> dict[str, Any]:
        """Return what the ledger says of every record, and what it leaves open."""
        found: dict[str, Any] = {}
        for phase in PHASES:
            found[f"open {phase}"] = self.open_intents(phase)
            for principal in (True, False):
                for entry in self.entries(phase, principal=principal).values():
                    found[str(entry.key)] = [entry.outcome, entry.last["reason"], entry.last["id"]]
        return found

    def ending(self) -> tuple[Any, Any]:
        """Return all that must be as if nothing had happened."""
        return self.content(), self.told()

    def written(self) -> dict[str, Any]:
        """Return all that a process which lost its lease must leave alone."""
        return {
            "content": self.content(),
            "requests": self.control("requests")["total"],
            "ledger": self.staging.names("ledger"),
        }


@contextmanager
def desk(folder: Path) -> Iterator[Desk]:
    """Make a workspace and what waits for it, and end all that was started."""
    free = {"short_limit": (1e9, 1.0), "long_limit": (1e9, 60.0), "demo_records": False}
    server = start(create(api_key=KEY, scale=600, workspace_id=WORKSPACE, **free))
    made = Desk(folder, server)
    try:
        yield made
    finally:
        made.stop()
        server.stop()
