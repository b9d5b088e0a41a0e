"""Loads a transformed run in processes that die where they are told to.

As a program it reads jobs from standard input, one JSON object a line, and does each in a fork of
itself, so that the imports are paid once. For each it prints the process id, and when the process
has ended its status.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from airflow_crm_migration.core.lease import LeaseTimes
from airflow_crm_migration.core.load.context import LoadContext
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps import load, mapping
from airflow_crm_migration.core.steps.owners import read_owners
from airflow_crm_migration.core.steps.reconcile import reconcile_step
from airflow_crm_migration.hooks.twenty import TwentyHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTION = "AIRFLOW_CONN_TWENTY"


@dataclass
class Fate:
    """
    Decides when this process dies, and notes what it lived through.

    :param rule: ``what`` (``http`` or ``staging``), ``match`` (regular expression for the request
        or the name written), ``nth`` (of those that match, from 1) and ``when`` (``before``,
        ``during``, ``after``); None dies of old age
    :param seen: every event so far: what it was and its name
    """

    rule: dict[str, Any] | None
    seen: list[tuple[str, str]] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)

    def begins(self, what: str, name: str) -> Callable[[str], bool]:
        """Note an event and return what tells at each moment of it whether to die."""
        self.seen.append((what, name))
        rule = self.rule
        if rule is None or rule["what"] != what or not re.search(rule["match"], name):
            return lambda moment: False
        self._counts[what] += 1
        fatal = self._counts[what] == rule["nth"]
        return lambda moment: fatal and moment == rule["when"]


def die() -> None:
    """End at once, as by a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class MortalStaging(Staging):
    """Dies before, after or in the middle of writing an object, which it then leaves torn."""

    fate: Fate = field(default_factory=lambda: Fate(None))

    @contextmanager
    def writing(self, name: str, *, exclusive: bool = False) -> Iterator[IO[bytes]]:
        fatal = self.fate.begins("staging", name)
        if fatal("before"):
            die()
        try:
            with super().writing(name, exclusive=exclusive) as stream:
                yield stream
                if fatal("during"):
                    self._tear(name, stream)
        finally:
            if fatal("after"):
                die()

    def _tear(self, name: str, stream: IO[bytes]) -> None:
        """Leave half of the object under its own name: some object stores are like that."""
        stream.flush()
        beside = Path(stream.name).read_bytes()
        (Path(self.root) / name).write_bytes(beside[: len(beside) // 2])
        die()


def watch_requests(fate: Fate) -> None:
    """Make every request of this process an event."""
    send = requests.Session.request

    def watched(self: requests.Session, method: str, url: str, **more: Any) -> requests.Response:
        query = (more.get("json") or {}).get("query", "")
        fatal = fate.begins("http", f"{method} {urlsplit(url).path} {query}")
        if fatal("before"):
            die()
        reply = send(self, method, url, **more)
        if fatal("after"):
            die()
        return reply

    requests.Session.request = watched


def never_settle() -> None:
    """Switch off all asking what became of writes whose end is unknown."""
    load.settle_open_intents = lambda context: 0
    load.settle_attachments = lambda context: None
    LoadContext.settle = lambda self, name, rows: {}


def work(job: dict[str, Any]) -> None:
    """Load and reconcile every phase of a run."""
    os.environ[CONNECTION] = json.dumps(job["connection"])
    tempfile.tempdir = job["temporary"]
    fate = Fate(job["rule"])
    watch_requests(fate)
    if not job["settle"]:
        never_settle()
    run = Run(
        MortalStaging(Path(job["folder"]), fate=fate),
        job["run"],
        job["engagement"],
        "sandbox",
        lease_times=LeaseTimes(*job["lease_times"]),
    )
    signed = mapping.load(job["mapping"])
    hook = TwentyHook("twenty")
    for phase in job["phases"]:
        load.load_step(run, hook, signed, phase, owners=read_owners(run), say=lambda line: None)
        reconcile_step(run, hook, signed, phase)
    Path(job["seen"]).write_text(json.dumps(fate.seen))


def do(job: dict[str, Any]) -> int:
    """Return 0 when all went well; else the reason stands on standard error."""
    try:
        work(job)
    except Exception:
        Path(job["failure"]).write_text(traceback.format_exc())
        return 1
    return 0


def main() -> None:
    """Do jobs until there are none; what is logged goes elsewhere than the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.environ[CONNECTION] = json.dumps({"conn_type": "twenty", "host": "http://127.0.0.1:9"})
    _ = TwentyHook("twenty").connection  # imports what Airflow needs for it
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(do(json.loads(line)))
        print(child, file=answers, flush=True)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, file=answers, flush=True)


if __name__ == "__main__":
    main()
