"""Since when a gate waits: kept in staging, because a deferred task remembers nothing.

A wait belongs to one run and to what it waits for; another run or another document waits anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.core.canonical import time_text

if TYPE_CHECKING:
    from airflow_crm_migration.core.gates import Gate
    from airflow_crm_migration.core.staging import Staging


@dataclass(frozen=True)
class Wait:
    """
    A gate that waits.

    :param digest: of what it waits for
    :param run: folder of the run in staging
    """

    digest: str
    run: str
    since: datetime


def wait_started(staging: Staging, gate: Gate, digest: str, run: str, now: datetime) -> datetime:
    """
    Return since when a run waits at a gate, noting it when it has just begun.

    :param digest: of what it waits for; another one is another wait
    :param run: folder of the run in staging
    """
    wait = read_wait(staging, gate)
    if wait is None or (wait.digest, wait.run) != (digest, run):
        since = time_text(now)
        staging.write_json(_name(gate), {"digest": digest, "run": run, "since": since})
        return datetime.fromisoformat(since)
    return wait.since


def wait_ended(staging: Staging, gate: Gate) -> None:
    """Forget a wait: the gate opened or gave up, and the next time it waits anew."""
    if staging.exists(_name(gate)):
        staging.delete(_name(gate))


def read_wait(staging: Staging, gate: Gate) -> Wait | None:
    """Return the wait at a gate, None when nothing waits there."""
    try:
        kept = staging.read_json(_name(gate))
    except FileNotFoundError:
        return None
    return Wait(kept["digest"], kept["run"], datetime.fromisoformat(kept["since"]))


def _name(gate: Gate) -> str:
    return f"gates/{gate.slot}.json"
