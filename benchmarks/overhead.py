"""What Airflow adds: one migration as a DAG run, and the same by its steps alone, as a ratio."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo import airflow_home
from demo.emulators import Emulators, count, running

if TYPE_CHECKING:
    from collections.abc import Iterator

SCALE = 600.0
"""So fast that the limits are not what is measured."""

_SEED = 1
_PEOPLE = "people"


@contextmanager
def customer(folder: Path, contacts: int) -> Iterator[Emulators]:
    """Start both CRMs anew, and make the connections to them."""
    inbox = folder / "staging" / "demo" / "inbox"
    inbox.mkdir(parents=True)
    with running(_SEED, contacts, SCALE, inbox) as emulators:
        airflow_home.prepare(folder.parent / "airflow", emulators.connections())
        yield emulators


def by_steps(folder: Path, contacts: int) -> tuple[float, int]:
    """
    Migrate by the steps alone.

    :return: seconds, and the people who arrived
    """
    with customer(folder, contacts) as emulators:
        from airflow_crm_migration.core.csv_format import CsvFormat
        from demo.engagement import csv_formats
        from tests.support.migration import Migration

        migration = Migration(
            folder / "staging" / "demo",
            "twenty_demo",
            "klipy_demo",
            owners=emulators.owners(everybody=True),
            form=CsvFormat.model_validate({"formats": csv_formats()}),
        )
        before = count(emulators.twenty, _PEOPLE)
        begun = time.monotonic()
        migration.full()
        return time.monotonic() - begun, count(emulators.twenty, _PEOPLE) - before


def by_dag(folder: Path, contacts: int) -> tuple[float, int, int]:
    """
    Migrate by a DAG run in this process, with a customer who signs at once.

    :return: seconds, the people who arrived, and the number of tasks
    """
    with customer(folder, contacts) as emulators:
        from demo.customer import Customer
        from demo.engagement import engagement

        content: dict[str, Any] = engagement(
            f"file://{folder}/staging",
            emulators,
            poll_seconds=0.05,
            owners=emulators.owners(everybody=True),
        )
        file = airflow_home.write_dags(folder.parent / "airflow", content)
        dag = airflow_home.registered(file)
        before = count(emulators.twenty, _PEOPLE)
        conf = {"mode": "full", "environment": "sandbox", "dry_run": False}
        with Customer(file, emulators, lambda line: None, pause=0.05):
            begun = time.monotonic()
            run = dag.test(run_conf=conf)
            seconds = time.monotonic() - begun
        if str(run.state) != "success":
            raise SystemExit(f"the run ended {run.state}")
        return seconds, count(emulators.twenty, _PEOPLE) - before, len(dag.tasks)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="crm-bench-") as folder:
        alone, people = by_steps(Path(folder) / "steps", args.contacts)
        within, same, tasks = by_dag(Path(folder) / "dag", args.contacts)
    if people != same:
        raise SystemExit(f"{people} people arrived by the steps and {same} by the DAG")
    ratio = within / alone
    print(f"a DAG run of {tasks} tasks takes {ratio:.2f} times as long as its steps alone", end="")
    print(f" ({args.contacts} contacts, limits lifted, gates answered at once)")
    if args.json:
        found = {"ratio": ratio, "tasks": tasks, "contacts": args.contacts, "people": people}
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
