"""An object store on this machine, and a CRM from somebody else's distribution."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONN_ID = "staging_on_this_machine"
KEY_ID = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class Bucket:
    """
    A bucket as somebody else sees it.

    :param client: a boto3 client that shares nothing with the code under test
    """

    name: str
    client: Any
    conn_id: str = CONN_ID
    key_id: str = KEY_ID


@pytest.fixture(scope="session")
def bucket() -> Iterator[Bucket]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    _, port = server.get_host_and_port()
    access = {"region_name": "eu-central-1", "endpoint_url": f"http://127.0.0.1:{port}"}
    os.environ[f"AIRFLOW_CONN_{CONN_ID.upper()}"] = json.dumps(
        {"conn_type": "aws", "login": "somebody", "password": "something", "extra": access}
    )
    client = boto3.client("s3", aws_access_key_id="other", aws_secret_access_key="other", **access)
    client.create_bucket(
        Bucket="migrations", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    yield Bucket("migrations", client)
    client.close()
    server.stop()


TOY_HOOK = """
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec

FIELDS = {
    name: FieldSpec(name, FieldType.TEXT, header=name.upper()) for name in ("id", "email")
}


class Reader:
    conn_type = "toy_reader"
    objects = {"contact": ObjectSpec("contact", "Contacts", FIELDS, csv_name="contacts.csv")}

    def __init__(self, conn_id):
        self.conn_id = conn_id

    def probe(self):
        return []


class Rules:
    pass


class Writer:
    conn_type = "toy"
    rules_class = Rules
    found = []

    def __init__(self, conn_id):
        self.conn_id = conn_id

    def ensure_schema(self):
        return []

    def members(self):
        for answer in self.found:
            if isinstance(answer, Exception):
                raise answer
        return list(self.found)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Install a distribution with a CRM that can be read and one that can be written to."""
    site = tmp_path / "site"
    (site / "toy_crm-1.dist-info").mkdir(parents=True)
    (site / "toy_crm-1.dist-info" / "METADATA").write_text("Name: toy-crm\nVersion: 1\n")
    (site / "toy_crm-1.dist-info" / "entry_points.txt").write_text(
        "[airflow_crm_migration.platforms]\ntoy = toy_crm:Writer\ntoy_reader = toy_crm:Reader\n"
    )
    (site / "toy_crm.py").write_text(TOY_HOOK)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "toy_crm", raising=False)
    for platform in ("toy", "toy_reader"):
        monkeypatch.setenv(f"AIRFLOW_CONN_MY_{platform.upper()}", f'{{"conn_type": "{platform}"}}')
    return importlib.import_module("toy_crm")
