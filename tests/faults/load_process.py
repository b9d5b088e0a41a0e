"""Loads a prepared run in processes that things happen to.

As a program it reads jobs from standard input, one JSON object a line, and does each in a fork of
itself, so that the imports are paid once. For each it prints the process id, and when the process
has ended or fallen asleep its status. ``{"wake": <process id>}`` lets one go on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import (
    CrmError,
    LeaseLost,
    Refused,
    StagingBroken,
    StagingUnusable,
    UserMistake,
)
from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.core.lease import Lease, LeaseTimes
from airflow_crm_migration.core.ledger.writer import LedgerWriter
from airflow_crm_migration.core.load import batches
from airflow_crm_migration.core.load.context import LoadContext
from airflow_crm_migration.core.rollback.plan import GATE
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.signoff import sign, signed_record
from airflow_crm_migration.core.steps import load, mapping, rollback
from airflow_crm_migration.core.steps.owners import read_owners
from airflow_crm_migration.core.steps.reconcile import reconcile_step
from airflow_crm_migration.hooks.registry import destination_hook
from tests.support.faulty.fate import Fate, FatedStaging, Strike, watch_requests
from tests.support.faulty.kinds import Request
from tests.support.migration import KEYRING, SIGNER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.protocols import Write

CONNECTION = "destination"
BEAT, LEASE = 0.03, 0.2
"""Seconds. Loads follow one another, so that no lease is taken from a process that is only slow."""
CLEAN = (CrmError, LeaseLost, StagingBroken, StagingUnusable, UserMistake)
"""Errors that tell a person what is wrong; any other is a mistake of ours."""


# -- what can be switched off, to see that the suite would notice ----------------------------


def without_intents() -> None:
    """Announce no write."""
    LedgerWriter.intend = lambda self, rows: ""


def without_settling() -> None:
    """Ask nobody what became of writes whose end is unknown."""
    load.settle_open_intents = lambda context: 0
    load.settle_attachments = lambda context: None
    LoadContext.settle = lambda self, name, rows: {}


def without_bisection() -> None:
    """Refuse every row of a batch that was refused."""

    def whole(batch: batches._Batch, rows: Sequence[Write]) -> list[Any]:
        try:
            return batch._taken(batch._settled(rows))
        except Refused as refusal:
            return [refusal] * len(rows)

    batches._Batch._split = whole


def without_lease() -> None:
    """Never ask whether somebody else took over."""
    Lease.check = lambda self: None


SWITCHES: dict[str, Callable[[], None]] = {
    "intents": without_intents,
    "settling": without_settling,
    "bisection": without_bisection,
    "lease": without_lease,
}

# -- working ---------------------------------------------------------------------------------


def say(line: str) -> None:
    """Say nothing."""


def load_phase(run: Run, hook: Any, signed: PairMapping, phase: str) -> None:
    load.load_step(run, hook, signed, phase, owners=read_owners(run), say=say)


def forecast(run: Run, hook: Any, signed: PairMapping, *phases: str) -> None:
    rollback.forecast_rollback(run, hook, signed, phases, say)


def sign_rollback(run: Run, hook: Any, signed: PairMapping) -> None:
    gate = Gate(run.engagement, GATE, run.environment)
    proposal = read_proposal(run.staging, gate)
    assert proposal is not None
    sign(
        run.staging, KEYRING, proposal, signer=SIGNER, recorded_by="tests", now=datetime.now(UTC)
    )  # fmt: skip


def undo(run: Run, hook: Any, signed: PairMapping, phase: str) -> None:
    decided = signed_record(
        run.staging, KEYRING, Gate(run.engagement, GATE, run.environment)
    ).decisions
    rollback.undo_phase(run, hook, signed, phase, signed=decided, say=say)


def check_undone(run: Run, hook: Any, signed: PairMapping, *phases: str) -> None:
    rollback.rollback_result(run, hook, signed, phases)


STEPS: dict[str, Callable[..., Any]] = {
    "load": load_phase,
    "reconcile": reconcile_step,
    "forecast": forecast,
    "sign": sign_rollback,
    "undo": undo,
    "check undone": check_undone,
}
"""What a job may be made of; each is what one task of a DAG does."""


def work(job: dict[str, Any], fate: Fate) -> None:
    """Do the steps of a job that are not done yet; each that ends is noted."""
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps(job["connection"])
    tempfile.tempdir = job["temporary"]
    watch_requests(fate)
    for name in job["without"]:
        SWITCHES[name]()
    run = Run(
        FatedStaging(Path(job["staging"]), fate=fate),
        job["run"],
        job["engagement"],
        "sandbox",
        lease_times=LeaseTimes(BEAT, LEASE),
    )
    signed = mapping.load(job["signed"])
    hook = destination_hook(job["connection"]["conn_type"], CONNECTION)
    for step, phases in job["steps"]:
        STEPS[step](run, hook, signed, *phases)
        if fate.slept:
            return  # a task that was given up ends with its own step
        with Path(job["done"]).open("a") as done:
            done.write(" ".join([step, *phases]) + "\n")


def do(job: dict[str, Any]) -> int:
    """Return 0 when all went well; else the reason stands in a file."""
    fate = Fate(
        {kind: Request(**request) for kind, request in job["requests"].items()},
        job["number"],
        [Strike(**strike) for strike in job["strikes"]],
        Path(job["diary"]),
    )
    try:
        work(job, fate)
    except Exception as error:
        told = {"clean": isinstance(error, CLEAN), "text": traceback.format_exc()}
        Path(job["failure"]).write_text(json.dumps(told))
        return 1
    finally:
        Path(job["seen"]).write_text(json.dumps(fate.seen))
    return 0


def main() -> None:
    """Do jobs until there are none; what is logged goes elsewhere than the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    warm_up(sys.argv[1])
    for line in sys.stdin:
        child = begin(json.loads(line))
        print(child, file=answers, flush=True)
        status = os.waitpid(child, os.WUNTRACED)[1]
        asleep = os.WIFSTOPPED(status)
        code = -signal.SIGSTOP if asleep else os.waitstatus_to_exitcode(status)
        print(code, file=answers, flush=True)


def begin(job: dict[str, Any]) -> int:
    """Start a process or wake one, and return its id."""
    if "wake" in job:
        os.kill(job["wake"], signal.SIGCONT)
        return int(job["wake"])
    child = os.fork()
    if child == 0:
        os._exit(do(job))
    return child


def warm_up(platform: str) -> None:
    """Import what Airflow needs for a connection."""
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps(
        {"conn_type": platform, "host": "http://127.0.0.1:9"}
    )
    _ = destination_hook(platform, CONNECTION).connection


if __name__ == "__main__":
    main()
