"""
A cutover proves that what stands is what the frozen source held, edits on both sides included.

The chain: the cutover's own load compares every record of the frozen extract with what was sent
before, so that it is written or known to be the same; the validation compares what was stored with
what stands; the signature names both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.signoff import state
from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.core.steps.verdict import verdict_step
from airflow_crm_migration.emulators.klipy import write_export
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.operators.count_after_freeze import CountAfterFreezeOperator
from airflow_crm_migration.operators.propose_cutover import ProposeCutoverOperator
from airflow_crm_migration.operators.validate import ValidateOperator
from airflow_crm_migration.sensors.source_frozen import SourceFrozenSensor
from airflow_crm_migration.tasks import run_prefix
from tests.support.customer import customer
from tests.support.emulated import emulated
from tests.support.gates import sign_now
from tests.support.params import params

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.emulated import Emulated, Record

pytestmark = pytest.mark.migration

GATE, MAPPING = (Gate("acme", name, "production") for name in ("cutover", "mapping"))
FROZEN = datetime(2022, 1, 1, 18, tzinfo=UTC)
BEFORE, AFTER = datetime(2022, 1, 1, 12, tzinfo=UTC), datetime(2022, 1, 1, 20, tzinfo=UTC)
CONTEXT: Any = {
    "dag_run": SimpleNamespace(run_id="r", run_after=datetime(2022, 1, 2, tzinfo=UTC)),
    "params": params(mode="cutover", frozen_at="2022-01-01T19:00:00+01:00", read_back=3),
}


@dataclass
class Night:
    """
    A customer that moved, was worked on at both ends, and was cut over.

    :param before: people of the destination before the edits, by source id
    """

    between: Emulated
    before: dict[str, Record]
    run: Run
    phases: list[str]
    late: dict[str, int | None]

    def differences(self, phase: str) -> set[tuple[str, str, tuple[str, ...]]]:
        """Return kind, source id and fields of what is not as it was loaded."""
        rows = read_parts(self.run.staging, self.run.name(f"validate/{phase}"))
        return {(row["kind"], row["key"][2], tuple(row["fields"])) for row in rows}


def edit_source(between: Emulated) -> None:
    """Work in the source between the last delta and the freeze, and once after it."""
    contacts, deals = between.world.contacts, between.world.deals
    contacts["p1"].title, contacts["p1"].updated_at = "Chief of late changes", BEFORE
    contacts["p5"].title, contacts["p5"].updated_at = "Both changed this", BEFORE
    deals["d1"].next_step, deals["d1"].updated_at = "Too late", AFTER
    files = between.klipy.base_url if between.klipy else ""
    write_export(between.world, between.migration.folder / "inbox", files_url=f"{files}/files")


def edit_destination(between: Emulated, people: dict[str, Record]) -> None:
    """Work in the destination meanwhile."""
    name = {"firstName": "Samuel", "lastName": "Okafor"}
    for source_id, record in (("p3", {"name": name}), ("p5", {"jobTitle": "Theirs"})):
        body = {"object": "person", "id": people[source_id]["id"], "record": record}
        between.control("edit", body=body)


def place_of(between: Emulated) -> dict[str, Any]:
    """Return what every task is told of the engagement."""
    url = f"file://{between.migration.folder.parent}"
    return {"engagement_id": "acme", "staging_url": url, "environment": "production"}


def cut_over(between: Emulated, before: dict[str, Record]) -> Night:
    """Do what a run of mode cutover does, by its own tasks from the freeze to the proposal."""
    migration = between.migration
    run = Run(migration.staging, run_prefix(CONTEXT), "acme", "production")
    place = place_of(between)
    destination = {"platform": "twenty", "conn_id": migration.destination}
    source = {"platform": "klipy", "conn_id": migration.source}
    objects = migration.pair.source_objects
    SourceFrozenSensor(task_id="freeze", objects=objects, **source, **place).execute(CONTEXT)
    migration.read_source(run)
    pair = {"pair": "klipy_to_twenty"}
    late = CountAfterFreezeOperator(task_id="late", **pair, **place).execute(CONTEXT)
    migration.decide(run)
    phases = migration.phases(run)
    for phase in phases:
        migration.load_phase(run, phase)
    sign_now(run.staging, MAPPING)
    ValidateOperator(task_id="validate", phases=phases, **destination, **place).execute(CONTEXT)
    ProposeCutoverOperator(task_id="propose", phases=phases, **place).execute(CONTEXT)
    return Night(between, before, run, phases, late)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder = tmp_path_factory.mktemp("cutover") / "acme"
    world = customer()
    world.contacts["p5"].title = "Seller"
    with emulated(world, folder, environment="production") as between:
        between.migration.full()
        before = between.arrived("person")
        edit_source(between)
        edit_destination(between, before)
        yield cut_over(between, before)


def test_what_changed_in_the_source_before_the_freeze_is_caught(night: Night) -> None:
    now = night.between.arrived("person")["p1"]
    assert night.before["p1"]["jobTitle"] != now["jobTitle"] == "Chief of late changes"
    assert not {d for d in night.differences("person") if d[1] == "p1"}


def test_what_people_changed_in_the_destination_is_kept_and_listed(night: Night) -> None:
    now = night.between.arrived("person")
    assert (now["p3"]["name"]["firstName"], now["p5"]["jobTitle"]) == ("Samuel", "Theirs")
    assert night.differences("person") == {
        ("changed", "p3", ("name",)),
        ("known_conflict", "p5", ("jobTitle",)),
    }


def test_all_records_were_read_back_and_the_rest_is_as_it_was_loaded(night: Night) -> None:
    for phase in night.phases:
        result = night.run.read(f"validate/{phase}.json")
        assert result["sample"] is None
        records = len(night.between.records(phase))
        assert sum(result["checked"][phase].values()) == records, phase
        if phase != "person":
            assert night.differences(phase) == set()


def test_what_came_after_the_freeze_moved_and_is_counted(night: Night) -> None:
    assert night.late["deal"] == 1
    assert night.late["contact"] == 0
    assert night.late["tag"] is None
    rows = list(read_parts(night.run.staging, night.run.name("after_freeze")))
    assert [(row["object"], row["id"]) for row in rows] == [("deal", "d1")]


def test_the_signature_names_the_chain(night: Night) -> None:
    keyring, staging = signing_keyring(), night.run.staging
    proposal = read_proposal(staging, GATE)
    assert proposal is not None
    decisions = proposal.decisions
    assert decisions["frozen_at"] == time_text(FROZEN)
    assert decisions["attested"] == list(night.between.migration.pair.source_objects)
    assert decisions["after_freeze"]["deal"] == 1
    people = decisions["phases"]["person"]
    assert (people["conflicts"], people["kept"], people["differing"]) == (1, 1, 1)
    assert people["created"] == len(night.before)
    assert decisions["mapping"] == state(staging, keyring, MAPPING).digest
    sign_now(staging, GATE)
    assert state(staging, keyring, GATE).signed


def test_a_dry_run_proposes_nothing(night: Night) -> None:
    before = read_proposal(night.run.staging, GATE)
    dry = {**CONTEXT, "params": {**CONTEXT["params"], "dry_run": True}}
    place = place_of(night.between)
    task = ProposeCutoverOperator(task_id="propose", phases=night.phases, **place)
    with pytest.raises(AirflowSkipException):
        task.execute(dry)
    assert read_proposal(night.run.staging, GATE) == before


def test_the_verdict_says_the_counts_in_words(night: Night) -> None:
    found: Any = verdict_step(night.run, night.phases, [], ("conflict", "drift"))
    assert found.failures == [
        "1 records are in conflict",
        "1 records are not as they were loaded",
    ]
    told = "\n".join(found.lines)
    assert "1 updated" in told
    assert "1 changed since, 1 in a conflict that was told before" in told
    assert found.lines[-1] == "after the freeze: 1 deal changed in the source"
