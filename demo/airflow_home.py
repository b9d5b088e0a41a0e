"""A throwaway Airflow of the demo's own; its settings are read at the first import of Airflow."""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def settings(home: Path, connections: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """
    Return the environment variables of an Airflow with its database and DAGs in a folder.

    :param connections: id -> what a connection's JSON form holds
    """
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(32),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__CRM_MIGRATION__SIGNING_KEYS": "demo:"
        + base64.b64encode(secrets.token_bytes(32)).decode(),
        **{f"AIRFLOW_CONN_{name.upper()}": json.dumps(c) for name, c in connections.items()},
    }


def prepare(
    home: Path, connections: Mapping[str, Mapping[str, Any]], more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """
    Make the folders and point this process at them.

    :param more: further environment variables, or other ones
    :return: all of them
    """
    (home / "dags" / "engagements").mkdir(parents=True, exist_ok=True)
    variables = {**settings(home, connections), **(more or {})}
    os.environ.update(variables)
    return variables


def registered(file: Path) -> Any:
    """
    Make Airflow's database, the pools, and the DAG known to it.

    :param file: path of the engagement file
    :return: the DAG
    """
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.utils.db import initdb

    from airflow_crm_migration.cli import setup

    initdb()
    setup.run(argparse.Namespace(engagement=str(file)))
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(str(file.parent.parent), bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    [dag] = bag.dags.values()
    return dag


DAG_FILE = '''"""One DAG per engagement file beside this file."""

from pathlib import Path

from airflow_crm_migration.dag_factory import build_dags

globals().update(build_dags(Path(__file__).parent / "engagements"))
'''


def write_dags(home: Path, engagement: Mapping[str, Any]) -> Path:
    """
    Write the DAG file and the engagement file.

    :return: path of the engagement file
    """
    import yaml

    (home / "dags" / "crm_migrations.py").write_text(DAG_FILE, encoding="utf-8")
    file = home / "dags" / "engagements" / f"{engagement['id']}.yaml"
    file.write_text(yaml.safe_dump(dict(engagement), sort_keys=False), encoding="utf-8")
    return file
