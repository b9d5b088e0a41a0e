"""A whole migration as one DAG run, with staging on a file system and on object storage."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pytest
import requests
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_crm_migration.emulators.messy import generate
from demo.customer import SIGNER, Customer
from demo.emulators import count
from demo.engagement import engagement
from tests.dags.conftest import crms, drop, engaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.staging import Staging
    from airflow_crm_migration.emulators.messy import World
    from demo.emulators import Emulators
    from tests.support.bucket import Bucket
    from tests.support.dags import Ended

pytestmark = pytest.mark.migration

CONTACTS = 150
PLURALS = {
    "company": "companies",
    "person": "people",
    "opportunity": "opportunities",
    "task": "tasks",
    "note": "notes",
    "attachment": "attachments",
}
PHASES = ["company", "person", "opportunity", "task", "attachment"]
OF_OTHER_MODES = {"sandbox.validate", "sandbox.propose_cutover", "sandbox.sign_cutover"}
SMALL = 1000
"""Bytes of a value that one task hands to others; the world is some hundred times as large."""


@dataclass(frozen=True)
class Migrated:
    """
    A migration that is over.

    :param before: what the destination held before, by object
    :param bucket: where the staging lies, None on the file system
    """

    ended: Ended
    crms: Emulators
    staging: Staging
    before: dict[str, int]
    bucket: Bucket | None

    @property
    def results(self) -> dict[str, Any]:
        """Phase -> how it reconciled."""
        [folder] = {name.split("/")[1] for name in self.staging.names("reports")}
        return {p: self.staging.read_json(f"{folder}/reconcile/{p}.json") for p in PHASES}

    def outcomes(self, source: str) -> int:
        """Count the outcomes of the lines of a source object, each record once per line."""
        return sum(
            line["read"]
            for result in self.results.values()
            for line in result["lines"]
            if line["source"] == source
        )


@pytest.fixture(scope="module", params=["file", "s3"])
def migrated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, airflow_db: None
) -> Iterator[Migrated]:
    folder = tmp_path_factory.mktemp("migration")
    bucket = request.getfixturevalue("bucket") if request.param == "s3" else None
    place = {"url": f"file://{folder}/staging"}
    if bucket:
        url = f"s3://{bucket.name}/dags"
        place = {"url": url, "conn_id": bucket.conn_id, "kms_key_id": bucket.key_id}
    with crms(generate(1, CONTACTS)) as running:
        content = engagement("", running, poll_seconds=0.1, staging=place, id=f"on-{request.param}")
        case = engaged(folder, content)
        drop(running.world, folder / "export", case.staging)
        before = held(running)
        with Customer(case.file, running, lambda line: None, pause=0.05):
            ended = case.run(mode="full", environment="sandbox")
        yield Migrated(ended, running, case.staging, before, bucket)


def held(running: Emulators) -> dict[str, int]:
    """Ask the destination how much it holds."""
    return {name: count(running.twenty, plural) for name, plural in PLURALS.items()}


def test_the_run_succeeds(migrated: Migrated) -> None:
    assert migrated.ended.state == "success", migrated.ended.log.errors()
    tasks = migrated.ended.tasks
    others = {n for n in tasks if n.startswith("sandbox.rollback.")} | OF_OTHER_MODES
    assert {n: state for n, state in tasks.items() if state != "success"} == dict.fromkeys(
        others, "skipped"
    )


def test_every_record_that_was_read_has_one_outcome(migrated: Migrated) -> None:
    world = migrated.crms.world
    for result in migrated.results.values():
        assert result["reconciled"], result
        for line in result["lines"]:
            told = sum(sum(reasons.values()) for reasons in line["outcomes"].values())
            assert line["read"] == told
    assert migrated.outcomes("contact") == len(world.contacts) == CONTACTS
    assert migrated.outcomes("company") == len(world.companies)
    assert migrated.outcomes("deal") == len(world.deals)


def test_the_destination_counts_what_was_created(migrated: Migrated) -> None:
    now = held(migrated.crms)
    for phase, result in migrated.results.items():
        lines = [line["outcomes"].get("created", {}) for line in result["lines"]]
        created = sum(sum(reasons.values()) for reasons in lines)
        assert created > 0
        assert now[phase] - migrated.before[phase] == created == result["counted"]
    assert now["note"] == migrated.before["note"]  # this customer chose tasks


def test_nobody_is_mailed_or_notified(migrated: Migrated) -> None:
    for url in (migrated.crms.klipy, migrated.crms.twenty):
        assert requests.get(f"{url}/_emulator/notifications", timeout=30).json()["count"] == 0


def test_the_report_tells_of_the_run(migrated: Migrated) -> None:
    names = migrated.staging.names("reports")
    assert [name for name in names if name.endswith("/report.html")]
    assert [name for name in names if name.endswith(".csv")]


def test_every_object_is_encrypted_with_the_key(migrated: Migrated) -> None:
    bucket = migrated.bucket
    if bucket is None:
        assert not migrated.staging.encryption
        return
    pages = bucket.client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket.name, Prefix="dags/on-s3/"
    )
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    assert len(keys) > 100
    for key in keys:
        head = bucket.client.head_object(Bucket=bucket.name, Key=key)
        assert (head.get("ServerSideEncryption"), head.get("SSEKMSKeyId")) == (
            "aws:kms",
            bucket.key_id,
        ), key


def test_tasks_hand_on_counts_and_digests_only(migrated: Migrated) -> None:
    with create_session() as session:
        run_id = migrated.ended.run.run_id
        found = session.scalars(select(XComModel).where(XComModel.run_id == run_id)).all()
        values = {f"{x.task_id}.{x.key}": json.dumps(x.value) for x in found}
    assert len(values) > 20
    assert not {name: value for name, value in values.items() if len(value) > SMALL}
    assert not quoted(migrated.crms.world, "\n".join(values.values()))


def test_no_log_quotes_the_crm(migrated: Migrated) -> None:
    log = "\n".join(migrated.ended.log.lines).replace(SIGNER, "")
    assert "load person: 256 of 256" in log  # what is logged is caught
    assert not quoted(migrated.crms.world, log)


def quoted(world: World, text: str) -> list[str]:
    """Return the values of the CRM that stand in a text."""
    return sorted(v for v in values_of(world) if re.search(rf"(?<!\w){re.escape(v)}(?!\w)", text))


def values_of(world: World) -> set[str]:
    """Return every text that the customer's records hold and that is no word of everybody's."""
    tables = [world.contacts, world.companies, world.deals, world.activities, world.notes]
    records = [r for table in [*tables, world.files, world.users] for r in table.values()]
    found = {text.strip() for record in records for text in texts_of(record)}
    return {text for text in found if len(text) > 3}


def texts_of(record: Any) -> Iterator[str]:
    private = ("name", "first_name", "last_name", "email", "other_emails", "phone", "notes", "url")
    private += ("company_name", "domain", "website", "linkedin", "next_step", "title", "body")
    private += ("content", "tags", "custom")
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in private and isinstance(value, str):
            yield value
        elif field.name in private and isinstance(value, list | dict):
            every = value.values() if isinstance(value, dict) else value
            yield from (one for one in every if isinstance(one, str))
