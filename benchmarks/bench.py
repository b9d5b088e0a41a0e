"""A destination of its own for every measurement, and what is seen of it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import Throttled
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.schema import prepare_destination
from airflow_crm_migration.hooks.twenty import TwentyHook
from benchmarks.workload import ENGAGEMENT, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

KEY = "benchmark-key"
PER_MINUTE, PER_SECOND = 100, 100
"""What Twenty 2.21 allows to an API key in a minute and in a second."""

LATENCY = {"p50": 0.15, "p99": 0.8}
"""Of a reply, in seconds of the emulator's clock."""

FAULTS = {"429": 0.005, "5xx": 0.005}
SEED = 178
"""With it the few hundred requests of each object meet as many faults as the shares say."""


class TimedHook(TwentyHook):
    """Notes from when until when limited requests were made, and how often one was refused."""

    first: float | None = None
    last: float = 0.0
    throttled: int = 0

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask, and note the time."""
        if not options.get("limited", True):
            return super().request(method, path, **options)
        if self.first is None:
            self.first = self.clock()
        try:
            return super().request(method, path, **options)
        finally:
            self.last = self.clock()

    def translate(self, response: requests.Response) -> Exception | None:
        """Return what a reply means, and count refusals."""
        error = super().translate(response)
        self.throttled += isinstance(error, Throttled)
        return error


@dataclass
class Bench:
    """
    An empty workspace, and a run that loads into it.

    :param scale: seconds on the workspace's clock per second of ours
    """

    url: str
    scale: float
    folder: Path

    @property
    def staging(self) -> Staging:
        """Where the runs lie."""
        return Staging(self.folder)

    def run(self, name: str, *, dry_run: bool = False) -> Run:
        """Return a run whose destination is prepared."""
        run = Run(self.staging, name, ENGAGEMENT, "sandbox", dry_run)
        prepare_destination(run, self.hook(), mapping())
        return run

    def hook(self) -> TimedHook:
        """Return a new hook, as every task makes one."""
        minute, second = 60 / self.scale, 1 / self.scale
        limits = f"{PER_MINUTE}/{minute:.9f}s, {PER_SECOND}/{second:.9f}s"
        connection = {"conn_type": "twenty", "host": self.url, "password": KEY}
        os.environ["AIRFLOW_CONN_TWENTY_BENCH"] = json.dumps(
            {**connection, "extra": {"rate_limits": limits}}
        )
        return TimedHook("twenty_bench")

    def ask(self, path: str, body: Any = None) -> Any:
        """Ask the emulator about itself."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_emulator/{path}", data)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def count(self, plural: str) -> int:
        """Ask the workspace how many records it holds, without the package."""
        request = urllib.request.Request(
            f"{self.url}/rest/{plural}?limit=1", headers={"Authorization": f"Bearer {KEY}"}
        )
        with urllib.request.urlopen(request, timeout=60) as reply:
            return int(json.load(reply)["totalCount"])

    def disturb(self) -> None:
        """Inject latency and refusals from now on, and count from nothing."""
        self.ask("faults", {"rates": FAULTS, **LATENCY, "seed": SEED})
        self.ask("reset-counters", {})


@contextmanager
def workspace(scale: float) -> Iterator[Bench]:
    """
    Start an empty workspace in a process of its own.

    :param scale: seconds on its clock per second of ours
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="crm-bench-"))
        url = stack.enter_context(_process(scale))
        yield Bench(url, scale, Path(folder))


@contextmanager
def _process(scale: float) -> Iterator[str]:
    command = [sys.executable, "-m", "airflow_crm_migration.emulators", "twenty", "--empty"]
    command += [f"--scale={scale}", f"--api-key={KEY}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if "http://" not in line:
                raise SystemExit("the Twenty emulator did not start; its own words are above")
            yield line.split()[-1]
        finally:
            process.terminate()
            process.wait(timeout=30)
