"""A gate in a DAG that really runs: it waits, goes on when somebody signs, and gives up."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG

from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.signoff import sign
from airflow_crm_migration.core.waiting import read_wait
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.hooks.staging import open_staging
from airflow_crm_migration.sensors.sign_off import SignOffSensor
from airflow_crm_migration.tasks import MigrationOperator
from tests.support.params import params

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.sdk import Context

    from airflow_crm_migration.core.staging import Staging

GATE = Gate("acme", "mapping", "sandbox")


class Load(MigrationOperator):
    """Says that the run went on."""

    template_fields = (*MigrationOperator.template_fields, "digest")

    def __init__(self, *, digest: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.digest = digest

    def work(self, context: Context) -> None:
        self.staging.write_json("loaded.json", self.digest)


def make_dag(dag_id: str, url: str, timeout: float, *, deferrable: bool) -> DAG:
    with DAG(
        dag_id,
        schedule=None,
        params=params(mode="full"),
        default_args={"engagement_id": "acme", "staging_url": url, "retries": 0},
    ) as dag:
        gate = SignOffSensor(
            task_id="gate", gate="mapping", timeout=timeout, poke_interval=1, deferrable=deferrable
        )
        Load(task_id="load", digest=gate.output)
    return dag


def sign_when_waited_for(staging: Staging, over: Event) -> None:
    while read_wait(staging, GATE) is None:
        if over.wait(0.05):
            return
    proposal = propose(staging, GATE, "signed meanwhile", {}, datetime.now(UTC))
    sign(
        staging,
        signing_keyring(),
        proposal,
        signer="Ann",
        recorded_by="op@host",
        now=datetime.now(UTC),
    )


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_waiting_gate_goes_on_when_somebody_signs(
    register_dag: Callable[[DAG], DAG], tmp_path: Path, deferrable: bool
) -> None:
    url = f"file://{tmp_path}"
    staging = open_staging(url, "acme")
    dag = register_dag(make_dag(f"gate_opens_{deferrable}", url, 600, deferrable=deferrable))
    over = Event()
    somebody = Thread(target=sign_when_waited_for, args=(staging, over))
    somebody.start()
    run = dag.test()
    over.set()
    somebody.join()
    assert run.state == "success"
    record = staging.read_json("signed/mapping/sandbox/000001.json")
    assert staging.read_json("loaded.json") == record["digest"]


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_gate_that_nobody_opens_gives_up_and_says_what_to_do(
    register_dag: Callable[[DAG], DAG],
    tmp_path: Path,
    deferrable: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"file://{tmp_path}"
    dag = register_dag(make_dag(f"gate_times_out_{deferrable}", url, 0, deferrable=deferrable))
    run = dag.test()
    assert {ti.task_id: ti.state for ti in run.get_task_instances()} == {
        "gate": "failed",
        "load": "upstream_failed",
    }
    assert "airflow crm-migration sign" in "".join(capsys.readouterr())
