"""An object store on this machine."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@contextmanager
def serving() -> Iterator[Bucket]:
    """Start the store, with one bucket and an Airflow connection to it."""
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
