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
from airflow_crm_migration.get_provider_info import get_provider_info

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


def test_connections_are_of_types_that_airflow_knows() -> None:
    ours = {entry["connection-type"] for entry in get_provider_info()["connection-types"]}
    connections = [
        json.loads(value) for name, value in SETTINGS.items() if name.startswith("AIRFLOW_CONN_")
    ]
    assert {connection["conn_type"] for connection in connections} == {"aws", *ours}


def test_sign_offs_can_be_signed() -> None:
    assert Keyring.parse(SETTINGS["AIRFLOW__CRM_MIGRATION__SIGNING_KEYS"]).signing_id == "show"


def test_volumes_are_declared() -> None:
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if not volume.startswith(("./", "/"))
    }
    assert named == set(COMPOSE["volumes"])


def test_image_is_the_airflow_that_is_pinned() -> None:
    image = re.search(r"^ARG AIRFLOW_VERSION=(\S+)", (ROOT / "docker/Dockerfile").read_text())
    pinned = re.search(
        r"^apache-airflow==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
    assert image
    assert pinned
    assert image[1] == pinned[1]
