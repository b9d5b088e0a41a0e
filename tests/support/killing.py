"""Loads that die, and how what they leave behind is compared with a load that did not."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import requests

from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace
from airflow_crm_migration.core.propose import wanted_schema
from airflow_crm_migration.core.staging import Staging, read_manifest
from airflow_crm_migration.core.steps.owners import MATCHES
from airflow_crm_migration.emulators import twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.emulated import KEY, SCALE
from tests.support.migration import connection

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping as PairMapping

PROGRAM = Path(__file__).parent.parent / "faults" / "load_process.py"
WORKSPACE = "0d2f4ab1-58cf-4a5c-9d0c-6a3f4f1f7a10"
RATE = f"100/{60 / SCALE}s"
FREE = "100000/1s"
PATIENCE = 60.0
#: Seconds between two beats, and of the lease: who follows a load that was killed waits for it.
LEASE_TIMES = (0.05, 0.5)
#: Columns that the server fills by itself, and objects that are not ours.
COLUMNS = {"searchVector", "updatedBy"}
OBJECTS = {"timelineActivity", "workspaceMember", "files"}
#: Fields that hold ids of members, which every workspace makes anew.
OWNERS = {"accountOwnerId", "ownerId", "assigneeId"}
#: Times that are the server's own where nothing was sent.
TIMES = ("createdAt", "updatedAt")


@dataclass(frozen=True)
class Transformed:
    """
    A run that has everything but its loads.

    :param folder: staging
    :param members: e-mail and names of the workspace's members
    :param member_ids: e-mail -> id in the workspace that the run was prepared with
    :param begun: an instant before which no server of these tests ran
    """

    folder: Path
    run: str
    engagement: str
    mapping: PairMapping
    signed: Any
    phases: list[str]
    members: list[twenty.Member]
    member_ids: dict[str, str]
    begun: str


class LoadProcesses:
    """A program that forks a process per load."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )

    def begin(self, job: dict[str, Any]) -> int:
        """Start a load and return its process id."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(job) + "\n")
        self._program.stdin.flush()
        return self._number()

    def end(self) -> int:
        """Wait until the load has ended and return its status, negative for a signal."""
        return self._number()

    def stop(self) -> None:
        self._program.communicate(timeout=PATIENCE)

    def _number(self) -> int:
        assert self._program.stdout is not None
        return int(self._program.stdout.readline())


class Case:
    """A workspace of its own, a copy of the transformed run, and processes that load it."""

    def __init__(self, transformed: Transformed, processes: LoadProcesses, folder: Path) -> None:
        self._of = transformed
        self._processes = processes
        self._folder = folder
        self._jobs = itertools.count(1)
        shutil.copytree(transformed.folder, folder / "staging", copy_function=os.link)
        (folder / "temporary").mkdir()
        self.staging = Staging(folder / "staging")
        self._server = start(
            twenty.create(
                api_key=KEY,
                scale=SCALE,
                members=transformed.members,
                demo_records=False,
                workspace_id=WORKSPACE,
            )
        )
        self._members = self._prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    # -- loading ---------------------------------------------------------------------------

    def load(self, rule: dict[str, Any] | None = None, *, settle: bool = True) -> int:
        """Load every phase in a process that dies by a rule, and return its status."""
        self._processes.begin(self._job(rule, settle))
        return self._processes.end()

    def load_and_kill(self, **gate: Any) -> int:
        """Load until a request is held, kill the process then, and return its status."""
        self.control("gate", gate)
        process = self._processes.begin(self._job(None, settle=True))
        deadline = time.monotonic() + PATIENCE
        while not self.control("gate")["held"]:
            assert time.monotonic() < deadline, f"no request was held: {gate}"
        os.kill(process, signal.SIGKILL)
        return self._processes.end()

    def _prepare(self) -> dict[str, str]:
        """Make the fields, give the owners the ids of this workspace, and return those."""
        name = f"twenty_{self._server.base_url.rpartition(':')[2]}"
        hook = TwentyHook(connection(name, "twenty", self._server.base_url, KEY, rate_limits=FREE))
        hook.ensure_schema(wanted_schema(self._of.mapping), dry_run=False)
        members = {m.email: str(m.id) for m in hook.members()}
        matches = f"{self._of.run}/{MATCHES}"
        text = self.staging.read_bytes(matches).decode()
        for email, before in self._of.member_ids.items():
            text = text.replace(before, members[email])
        self.staging.write_bytes(matches, text.encode())
        return members

    def events(self) -> list[tuple[str, str]]:
        """Return the events that the last load lived through."""
        return [(what, name) for what, name in json.loads((self._folder / "seen").read_text())]

    def _job(self, rule: dict[str, Any] | None, settle: bool) -> dict[str, Any]:
        (self._folder / "failure").unlink(missing_ok=True)
        return {
            "connection": {
                "conn_type": "twenty",
                "host": self._server.base_url,
                "password": KEY,
                "extra": {"rate_limits": RATE},
            },
            "temporary": str(self._folder / "temporary"),
            "folder": str(self._folder / "staging"),
            "seen": str(self._folder / "seen"),
            "failure": str(self._folder / "failure"),
            "run": self._of.run,
            "engagement": self._of.engagement,
            "mapping": self._of.signed,
            "phases": self._of.phases,
            "rule": rule,
            "lease_times": LEASE_TIMES,
            "settle": settle,
        }

    # -- looking ---------------------------------------------------------------------------

    def control(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        url = f"{self._server.base_url}/_emulator/{path}"
        reply = requests.request(method, url, json=body, timeout=PATIENCE)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def ending(self) -> Ending:
        """Look at everything that the loads left behind."""
        content = json.dumps(self.control("content"))
        for email, identity in self._members.items():
            content = content.replace(identity, email)
        objects = json.loads(content)
        files = {file["id"]: file for file in objects.pop("files")}
        manifest = read_manifest(self.staging, f"{self._of.run}/load/attachment") or {}
        return Ending(
            failure=self._failure(),
            records={
                (name, row["id"]): comparable(row, files, self._of.begun)
                for name, rows in objects.items()
                if name not in OBJECTS
                for row in rows
            },
            ledger=self._ledger(),
            loose_files={i for i, file in files.items() if not file["record"]},
            residue=[row["id"] for row in manifest.get("residue", ())],
        )

    def _ledger(self) -> dict[tuple[str, ...], dict[str, Any]]:
        with Ledger(self.staging, LedgerPlace.of("sandbox")) as ledger:
            intents = {phase: ledger.snapshot.open_intents(phase) for phase in self._of.phases}
            found: dict[tuple[str, ...], dict[str, Any]] = {("open intents",): intents}
            for phase, principal in itertools.product(self._of.phases, (True, False)):
                for entry in ledger.snapshot.entries(phase, principal=principal):
                    origin = entry.origin["outcome"] if entry.origin else None
                    last = {n: entry.last.get(n) for n in ("outcome", "reason", "id")}
                    stored = entry.last.get("stored") or {}
                    last["stored"] = {n: h for n, h in stored.items() if n not in OWNERS}
                    found[tuple(entry.key)] = {"origin": origin, **last}
        return found

    def _failure(self) -> str:
        file = self._folder / "failure"
        return file.read_text().strip().rpartition("\n")[2] if file.exists() else ""


@dataclass(frozen=True)
class Ending:
    """
    What loads left behind.

    :param failure: why the last load failed, empty when it did not
    :param records: (object, id) -> record, without what the server makes by itself
    :param ledger: key -> how a record came to stand there and what became of it last
    :param loose_files: ids of the files that are attached to nothing
    :param residue: ids of the uploads that the last load lists as such; empty where it knows none
    """

    failure: str
    records: dict[tuple[str, str], dict[str, Any]]
    ledger: dict[tuple[str, ...], dict[str, Any]]
    loose_files: set[str]
    residue: list[str]

    def complaints(self, undisturbed: Ending) -> list[str]:
        """Return in words what is not as after a load that nothing happened to."""
        told = [f"the load failed: {self.failure}"] if self.failure else []
        told += differences(undisturbed.records, self.records)
        told += differences(undisturbed.ledger, self.ledger)
        named = set(self.residue) - {""}
        if named - self.loose_files:
            told.append(f"residue that is none: {named - self.loose_files}")
        if len(self.loose_files - named) > self.residue.count(""):
            told.append(f"loose files that nobody lists: {self.loose_files - named}")
        return told


@dataclass(frozen=True)
class Undisturbed:
    """
    A load that nothing happened to.

    :param events: what it lived through: what it was, and its name
    """

    ending: Ending
    events: list[tuple[str, str]]


def comparable(row: dict[str, Any], files: dict[str, Any], begun: str) -> dict[str, Any]:
    """
    Return a record without what the server makes by itself.

    :param begun: a time of creation or change after this instant is the server's own
    """
    kept = {name: value for name, value in row.items() if name not in COLUMNS}
    kept |= {name: "now" for name in TIMES if kept[name] >= begun}
    if kept.get("file"):
        kept["file"] = [{f["label"]: files[f["fileId"]]["sha256"]} for f in kept["file"]]
    if "bodyV2" in kept:
        kept["bodyV2"] = (kept["bodyV2"] or {}).get("markdown")  # its blocks have random ids
    return kept


def differences(wanted: dict[Any, Any], found: dict[Any, Any]) -> list[str]:
    """Return in words how two tables differ."""
    told = []
    for key in sorted(wanted.keys() | found.keys()):
        before, after = wanted.get(key) or {}, found.get(key) or {}
        names = [n for n in before.keys() | after.keys() if before.get(n) != after.get(n)]
        told += [f"{key} {n}: {after.get(n)!r} instead of {before.get(n)!r}" for n in names]
    return told
