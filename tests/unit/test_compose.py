"""The rehearsal room is a valid Compose file, reachable from this machine only."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.engagement import load_engagement

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
SETTINGS = {
    # ${NAME:-default} -> default
    name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value)
    for name, value in SERVICES["scheduler"]["environment"].items()
}


def test_obeys_the_compose_schema() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", FILE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_publishes_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert SERVICES[name].get("network_mode") != "host"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"init"}))
def test_says_when_it_is_ready(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


def test_every_connection_of_the_engagement_is_there() -> None:
    engagement = load_engagement(ROOT / "docker" / "engagements" / "klipy_to_twenty.yaml")
    types = {
        name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)["conn_type"]
        for name, value in SETTINGS.items()
        if name.startswith("AIRFLOW_CONN_")
    }
    source, destination = engagement.pair.split("_to_")
    assert types == {
        engagement.staging.conn_id: "aws",
        engagement.connections.source: source,
        engagement.connections.sandbox: destination,
    }


def test_sign_offs_can_be_signed() -> None:
    assert Keyring.parse(SETTINGS["AIRFLOW__CRM_MIGRATION__SIGNING_KEYS"]).signing_id == "show"


def test_volumes_are_declared() -> None:
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith("./")
    }
    assert named == set(COMPOSE["volumes"])


def test_mounted_files_are_there() -> None:
    for volume in SERVICES["scheduler"]["volumes"]:
        if volume.startswith("./"):
            assert (ROOT / volume.split(":")[0]).exists()


def test_image_is_the_airflow_that_is_pinned() -> None:
    image = re.search(r"^ARG AIRFLOW_VERSION=(\S+)", (ROOT / "docker/Dockerfile").read_text())
    pinned = re.search(
        r"^apache-airflow==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
    assert image
    assert pinned
    assert image[1] == pinned[1]
