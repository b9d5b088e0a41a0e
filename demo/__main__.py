"""``make demo``: a customer's CRM arrives in Twenty, every record accounted for."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from demo import airflow_home
from demo.emulators import Emulators, count, running

SCALE = 20.0
PLURALS = {
    "company": "companies",
    "person": "people",
    "opportunity": "opportunities",
    "task": "tasks",
    "note": "notes",
    "attachment": "attachments",
}


def main() -> int:
    """Run the demo and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("pair", nargs="?", default="klipy_to_twenty", choices=["klipy_to_twenty"])
    parser.add_argument("--contacts", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(".demo"))
    args = parser.parse_args()
    folder = args.folder.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    inbox = folder / "staging" / "demo" / "inbox"
    inbox.mkdir(parents=True)
    say(f"starting the Klipy and Twenty emulators, their clocks {SCALE:g} times as fast as ours")
    with running(args.seed, args.contacts, SCALE, inbox) as emulators:
        return migrate(args.pair, folder, emulators)


def migrate(pair: str, folder: Path, emulators: Emulators) -> int:
    """Run the real DAG in this process, with somebody who answers its gates."""
    airflow_home.prepare(folder / "airflow", emulators.connections())
    from demo.engagement import engagement

    file = airflow_home.write_dags(
        folder / "airflow", engagement(f"file://{folder}/staging", emulators, pair=pair)
    )
    before = {name: count(emulators.twenty, plural) for name, plural in PLURALS.items()}
    say("making Airflow's database")
    dag = airflow_home.registered(file)
    from demo.customer import Customer

    say("the customer's CSV export lies in the inbox; running the DAG: full, into the sandbox")
    begun = time.monotonic()
    with Customer(file, emulators, say):
        run = dag.test(run_conf={"mode": "full", "environment": "sandbox", "dry_run": False})
    say(f"the run ended {run.state} after {time.monotonic() - begun:.0f} s")
    show(folder / "staging" / "demo", emulators, before)
    return 0 if str(run.state) == "success" else 1


def show(staging: Path, emulators: Emulators, before: dict[str, int]) -> None:
    """Print the reconciliation, what a query of our own counts, and where the report lies."""
    from airflow_crm_migration.core.report.console import console_table
    from airflow_crm_migration.core.report.facts import collected
    from airflow_crm_migration.core.staging import Staging

    reports = sorted(staging.glob("reports/*/report.html"))
    if not reports:
        say("no report was written")
        return
    with collected(Staging(staging), reports[-1].parent.name) as facts:
        print(console_table(facts))
    print("\nAsked over HTTP without the package (records there now, less those there before):")
    for name, plural in PLURALS.items():
        print(f"  {name:12} {count(emulators.twenty, plural) - before[name]:6}")
    say(f"report: {reports[-1]}")


def say(line: str) -> None:
    """Print a line of the demo itself."""
    print(f"demo: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
