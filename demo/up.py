"""
``make up``: Airflow and two stand-in CRMs on this machine, until Ctrl-C.

It starts the four parts of Airflow (web server, scheduler, DAG processor, triggerer) with their own
database and folders in ``.demo``, the Klipy and Twenty emulators, and lays the CSV export of a
made-up customer into the engagement's inbox. Everything listens on 127.0.0.1 only, and what is
printed at the end says how to go on:

1. open the page, log in, trigger the DAG with the mode ``full``;
2. in another terminal read ``.demo/airflow.env`` into the shell; ``airflow crm-migration status``
   then shows which gate waits, and ``sign`` opens it. Gates look every 15 seconds, so a run takes
   about five minutes;
3. the report lies in ``.demo/staging/demo/reports``.

The database is SQLite, so two tasks run at a time: with more Airflow's parts die of a locked
database (observed on Airflow 3.3). Ctrl-C or SIGTERM stops all of it; the next start begins anew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from demo import airflow_home
from demo.__main__ import SCALE, say
from demo.emulators import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AIRFLOW = str(Path(sys.executable).with_name("airflow"))
PARTS = {
    "api-server": [],
    # Airflow would serve logs to every network; the page reads them from the disk.
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
POLL_SECONDS = 15
HEALTHY_WITHIN = 180
STOPPED_WITHIN = 20


def main() -> int:
    """Start everything, tell how to go on, and stop everything when asked to."""
    parser = argparse.ArgumentParser(prog="python -m demo.up", description="Airflow, locally")
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument("--port", type=int, default=8080, help="of Airflow's page")
    parser.add_argument("--folder", type=Path, default=Path(".demo"))
    args = parser.parse_args()
    refuse_taken(args.port)
    folder = args.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    inbox = folder / "staging" / "demo" / "inbox"
    inbox.mkdir(parents=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with running(1, args.contacts, SCALE, inbox) as emulators, contextlib.ExitStack() as stack:
        variables = airflow_home.prepare(
            folder / "airflow", emulators.connections(), settings(args.port)
        )
        from demo.engagement import engagement

        content = engagement(
            f"file://{folder}/staging",
            emulators,
            poll_seconds=POLL_SECONDS,
            owners=emulators.owners(everybody=True),
            dag={},
        )
        file = airflow_home.write_dags(folder / "airflow", content)
        password = write_password(folder / "airflow")
        say("making Airflow's database and the pools")
        for command in (["db", "migrate"], ["crm-migration", "setup", "--engagement", str(file)]):
            subprocess.run([AIRFLOW, *command], check=True, stdout=subprocess.DEVNULL)
        say("starting Airflow; that takes a minute")
        parts = {name: stack.enter_context(part(name, folder)) for name in PARTS}
        url = f"http://127.0.0.1:{args.port}"
        if wait_until_healthy(url, parts):
            tell(url, password, write_variables(folder, variables), file)
            watch(parts)
        return 1


def refuse_taken(port: int) -> None:
    """Say at once that the port is taken, not after a minute in some log."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SystemExit(f"port {port} is taken: stop what listens there or add --port OTHER")


def stop(*_: object) -> NoReturn:
    """Let everything be stopped on the way out, once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    say("stopping")
    raise SystemExit(0)


def settings(port: int) -> dict[str, str]:
    """Return the settings of an Airflow that really schedules, small and for this machine only."""
    return {
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }


def write_password(home: Path) -> str:
    """Make the administrator's password and leave it where Airflow looks for it."""
    password = secrets.token_urlsafe(9)
    private(home / "simple_auth_manager_passwords.json.generated", json.dumps({"admin": password}))
    return password


def write_variables(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write a file that makes another terminal's commands belong to this Airflow."""
    path = f"export PATH={shlex.quote(str(Path(AIRFLOW).parent))}:$PATH"
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return private(folder / "airflow.env", "\n".join([path, *lines, ""]))


def private(file: Path, content: str) -> Path:
    """Write what only its owner may read."""
    file.touch(mode=0o600)
    file.write_text(content, encoding="utf-8")
    return file


@contextlib.contextmanager
def part(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a part of Airflow in a group of its own: a Ctrl-C is for this process alone."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [AIRFLOW, name, *PARTS[name]],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def wait_until_healthy(url: str, parts: Mapping[str, subprocess.Popen[bytes]]) -> bool:
    """Wait until Airflow says that all of it is well."""
    deadline = time.monotonic() + HEALTHY_WITHIN
    while time.monotonic() < deadline and all_run(parts):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{url}/api/v2/monitor/health", timeout=5) as reply,
        ):
            if all(found["status"] == "healthy" for found in json.load(reply).values()):
                return True
        time.sleep(1)
    say("Airflow did not become healthy; its words are in the .log files of the folder")
    return False


def watch(parts: Mapping[str, subprocess.Popen[bytes]]) -> None:
    """Wait as long as every part runs."""
    while all_run(parts):
        time.sleep(1)


def all_run(parts: Mapping[str, subprocess.Popen[bytes]]) -> bool:
    """Tell whether every part runs, and which one does not."""
    ended = [name for name, process in parts.items() if process.poll() is not None]
    for name in ended:
        say(f"{name} has ended; its words are in {name}.log")
    return not ended


def tell(url: str, password: str, variables: Path, file: Path) -> None:
    """Say how to go on."""
    command = "airflow crm-migration"
    signer = '--signer "You <you@example.com>"'
    say(f"""ready

  1. open    {url}/dags/crm_migration_demo   (user admin, password {password})
  2. click   Trigger, choose the mode "full", Trigger
  3. sign, in another terminal, whatever waits:

       . {variables}
       {command} status --engagement {file}
       {command} sign --engagement {file} --gate scope {signer}
       {command} sign --engagement {file} --gate duplicates {signer}
       {command} sign --engagement {file} --gate mapping --environment sandbox {signer}

  4. read    {variables.parent}/staging/demo/reports

Ctrl-C stops everything.""")


if __name__ == "__main__":
    sys.exit(main())
