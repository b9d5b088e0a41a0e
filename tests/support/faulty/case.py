"""A destination of its own, a copy of the prepared runs, and processes that load them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Self

import requests

from airflow_crm_migration.core.propose import wanted_schema
from airflow_crm_migration.core.protocols import Write
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.owners import MATCHES
from airflow_crm_migration.hooks.registry import destination_hook
from tests.support.faulty.ending import Ending, look
from tests.support.faulty.fate import HIT, entries
from tests.support.faulty.prepared import BAD, LOADS
from tests.support.faulty.processes import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.faulty.fate import Strike
    from tests.support.faulty.prepared import Prepared
    from tests.support.faulty.processes import LoadProcesses

Rule = dict[str, Any]
ASLEEP = -signal.SIGSTOP

_FILES = ("temporary", "diary", "seen", "failure")


class Case:
    """
    What a test happens to.

    :param without: what is switched off in the processes
    :ivar failures: how loads failed, in the order in which they did
    :ivar struck: labels of what happened so far
    """

    def __init__(
        self,
        prepared: Prepared,
        processes: LoadProcesses,
        folder: Path,
        without: Sequence[str] = (),
    ) -> None:
        self.prepared = prepared
        self.without = list(without)
        self.failures: list[dict[str, Any]] = []
        self.struck: set[str] = set()
        self._asleep: list[int] = []
        self._processes = processes
        self._folder = folder
        shutil.copytree(prepared.folder, folder / "staging", copy_function=os.link)
        (folder / "temporary").mkdir()
        self.staging = Staging(folder / "staging")
        self.server = prepared.pair.start(prepared.members)
        self._prepare()
        self.program([])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Stop the destination, and whoever still sleeps."""
        for process in self._asleep:
            os.kill(process, signal.SIGKILL)
        self.server.stop()

    def _prepare(self) -> None:
        """Make the fields and the prior records, and give owners the ids of this destination."""
        connection = self.prepared.pair.connection(self.server.base_url, limited=False)
        name = f"prepared_{self.server.base_url.rpartition(':')[2]}"
        os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection)
        hook = destination_hook(connection["conn_type"], name)
        hook.ensure_schema(wanted_schema(self.prepared.mapping), dry_run=False)
        members = {m.email: str(m.id) for m in hook.members()}
        for run in LOADS:
            matches = f"{run}/{MATCHES}"
            text = self.staging.read_bytes(matches).decode()
            for member in self.prepared.members:
                text = text.replace(str(member.id), members[member.email])
            self.staging.write_bytes(matches, text.encode())
        for number, prior in enumerate(self.prepared.prior):
            made_id = (
                str(uuid.uuid5(uuid.NAMESPACE_OID, f"prior {number}"))
                if hook.capabilities.client_ids
                else None
            )
            [stored] = hook.create(prior.object, [Write(made_id, prior.values)])
            if prior.trashed:
                self.prepared.pair.trash(self.server, prior.object, stored.id)

    # -- what happens ----------------------------------------------------------------------

    def control(self, path: str, body: Any = None, method: str = "") -> Any:
        """Ask the destination about itself."""
        method = method or ("GET" if body is None else "POST")
        url = f"{self.server.base_url}/_emulator/{path}"
        reply = requests.request(method, url, json=body, timeout=PATIENCE)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def program(self, rules: list[Rule], plan: dict[str, Any] | None = None) -> None:
        """Let faults happen at the destination, beside its refusal of what is bad."""
        bad = asdict(self.prepared.pair.writes) | {"kind": "400", "asks": BAD, "times": 10**9}
        self._replace([*rules, bad], plan or {})

    def mend(self) -> None:
        """Renew a credential that was refused, as the person does who reads why the load failed."""
        state = self.control("faults")
        refused = {entry.get("label") for entry in state["log"] if entry["kind"] == "401"}
        left = [rule for rule in state["rules"] if rule["label"] not in refused]
        self._replace(left, state["plan"] | {"seed": state["seed"]})

    def _replace(self, rules: list[Rule], plan: dict[str, Any]) -> None:
        log = self.control("faults")["log"]
        self.struck |= {entry["label"] for entry in log if "label" in entry}
        self.control("faults", method="DELETE")
        self.control("faults", rules)
        self.control("faults", plan)

    # -- loading ---------------------------------------------------------------------------

    def work(self, number: int = 0, strikes: Sequence[Strike] = ()) -> int:
        """Go on with a job in a process, and return its status."""
        process = self._processes.begin(self._job(number, strikes))
        status = self._ended(self._processes.end())
        if status == ASLEEP:
            self._asleep.append(process)
        return status

    def wake(self) -> None:
        """Let every process go on that fell asleep and was given up."""
        asleep, self._asleep = self._asleep, []
        for process in asleep:
            self._processes.begin({"wake": process})
            self._ended(self._processes.end())

    def seen(self) -> list[tuple[str, list[str], str]]:
        """Return the events that the last process lived through: where, kinds, name."""
        found: list[tuple[str, list[str], str]] = json.loads((self._folder / "seen").read_text())
        return found

    def _job(self, number: int, strikes: Sequence[Strike]) -> dict[str, Any]:
        done = self._folder / f"done-{number}"
        before = done.read_text().splitlines() if done.exists() else []
        of_job = self.prepared.jobs[number]
        pair = self.prepared.pair
        return {
            "connection": pair.connection(self.server.base_url, limited=True),
            "requests": {kind: asdict(request) for kind, request in pair.requests.items()},
            "staging": str(self.staging.root),
            **{
                name: str(self._folder / name) for name in ("temporary", "diary", "seen", "failure")
            },
            "done": str(done),
            "run": of_job.run,
            "number": number,
            "engagement": self.prepared.engagement,
            "signed": self.prepared.signed,
            "steps": [
                (step, of) for step, of in of_job.steps if " ".join([step, *of]) not in before
            ],
            "strikes": [asdict(strike) for strike in strikes],
            "without": self.without,
        }

    def _ended(self, status: int) -> int:
        failure = self._folder / "failure"
        if failure.exists():
            self.failures.append(json.loads(failure.read_text()))
            failure.unlink()
        self.struck |= set(entries(self._folder / "diary", HIT))
        return status

    # -- looking ---------------------------------------------------------------------------

    def ending(self) -> Ending:
        """Look at everything that the loads left behind."""
        self.program([])  # waits for what is handled late
        return look(
            self.prepared,
            self.staging,
            self.control("content"),
            self.control("notifications")["count"],
            [told["text"] for told in self.failures if not told["clean"]],
        )
