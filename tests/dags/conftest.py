"""Both CRMs in this process, and engagements between them."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.cli import setup
from airflow_crm_migration.emulators import klipy, twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.klipy import write_export
from demo.emulators import KLIPY_KEY, TWENTY_KEY, Emulators, members_of
from tests.support.dags import Engaged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_crm_migration.core.staging import Staging
    from airflow_crm_migration.emulators.messy import World

SCALE = 600.0
"""Seconds on the emulators' clocks per second of ours: the limits are the published ones."""

RATE_LIMITS = f"100/{60 / SCALE:g}s"


@contextmanager
def crms(world: World, **destination: Any) -> Iterator[Emulators]:
    """
    Start both CRMs in this process, and make the connections to them.

    :param destination: settings of the Twenty stand-in
    """
    members = [twenty.ADMIN, *members_of(world)]
    with (
        start(klipy.create(world, api_key=KLIPY_KEY, scale=SCALE)) as source,
        start(
            twenty.create(api_key=TWENTY_KEY, scale=SCALE, members=members, **destination)
        ) as target,
    ):
        running = Emulators(source.base_url, target.base_url, SCALE, world)
        connect(running.connections())
        yield running


def connect(connections: dict[str, dict[str, Any]]) -> None:
    """Make Airflow connections, by environment variables."""
    for name, connection in connections.items():
        os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps(connection)


def engaged(folder: Path, content: dict[str, Any]) -> Engaged:
    """Write an engagement file and set it up."""
    case = Engaged.of(folder / f"{content['id']}.yaml", content)
    setup.run(Namespace(engagement=str(case.file)))
    return case


def drop(world: World, folder: Path, staging: Staging) -> None:
    """Put the customer's export into the inbox."""
    write_export(world, folder)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        staging.write_bytes(f"inbox/{file.relative_to(folder)}", file.read_bytes())
