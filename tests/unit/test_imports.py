"""Airflow reads DAG files and the provider's description all the time: both stay cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DAG_FILE = Path(__file__).parents[2] / "dags" / "crm_migrations.py"
HEAVY = {"aiohttp", "boto3", "pandas", "pyarrow", "rapidfuzz", "requests"}


def _loaded(code: str) -> set[str]:
    """Return the modules in a new process after running some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('loaded', *sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_dag_file_brings_nothing_heavy() -> None:
    assert DAG_FILE.is_file()
    airflow = _loaded("import airflow.sdk")
    dag_file = _loaded(f"import airflow.sdk, runpy; runpy.run_path({str(DAG_FILE)!r})")
    assert (dag_file - airflow) & HEAVY == set()


def test_provider_info_brings_only_itself() -> None:
    before = _loaded("import __future__, typing")
    after = _loaded("import airflow_crm_migration.get_provider_info")
    assert after - before == {
        "airflow_crm_migration",
        "airflow_crm_migration.get_provider_info",
    }
