"""The DAG of an engagement: order, pools, retries, parameters; for every example there is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.dag_factory import build_dag, build_dags
from airflow_crm_migration.engagement import Engagement, load_engagement
from airflow_crm_migration.sensors.base import GateSensor

if TYPE_CHECKING:
    from airflow.sdk import DAG

FOLDER = Path(__file__).parents[2] / "dags"
EXAMPLES = sorted((FOLDER / "engagements").glob("*.yaml"))

BOTH = {
    "id": "acme",
    "customer": "ACME GmbH",
    "pair": "klipy_to_twenty",
    "staging": {"url": "file:///tmp/acme"},
    "connections": {"source": "klipy_acme", "sandbox": "twenty_trial", "production": "twenty_acme"},
}


def dag_of(**settings: Any) -> DAG:
    return build_dag(Engagement.model_validate({**BOTH, **settings}))


@pytest.fixture(params=[*EXAMPLES, None], ids=lambda file: file.stem if file else "both")
def engagement(request: pytest.FixtureRequest) -> Engagement:
    return load_engagement(request.param) if request.param else Engagement.model_validate(BOTH)


def before(dag: DAG, task_id: str) -> set[str]:
    """Return all tasks that come before one."""
    return {task.task_id for task in dag.get_task(task_id).get_flat_relatives(upstream=True)}


def test_the_dag_file_has_one_dag_per_example() -> None:
    found = DagBag(str(FOLDER))
    assert not found.import_errors
    ids = {f"crm_migration_{load_engagement(file).id}" for file in EXAMPLES}
    assert set(found.dags) == ids
    assert len(ids) == len(EXAMPLES) > 0


def test_it_runs_when_somebody_says_so_and_once_at_a_time(engagement: Engagement) -> None:
    dag = build_dag(engagement)
    assert dag.schedule is None
    assert not dag.catchup
    assert dag.max_active_runs == 1


# -- order ---------------------------------------------------------------------------------


def test_what_a_record_refers_to_is_reconciled_before_it_is_transformed(
    engagement: Engagement,
) -> None:
    dag, mapping = build_dag(engagement), engagement.mapping()
    lines = {line.id: line for line in mapping.lines}
    links = {
        (lines[parent].destination, line.destination)
        for line in mapping.lines
        for link in line.links
        for parent in link.lines
        if parent in lines
    }
    assert ("company", "person") in links
    for environment in engagement.environments:
        for parent, child in links:
            transform = f"{environment}.{child}.transform"
            reconcile = f"{environment}.{parent}.reconcile"
            if parent != child and {transform, reconcile} <= set(dag.task_ids):
                assert reconcile in before(dag, transform)


def test_nothing_is_loaded_before_every_decision(engagement: Engagement) -> None:
    dag = build_dag(engagement)
    for environment in engagement.environments:
        gates = {"preflight", "wait_for_csv", "sign_scope", "sign_duplicates"}
        gates |= {f"{environment}.{name}" for name in ("check", "sign_mapping", "wait_for_owners")}
        loads = [name for name in dag.task_ids if name.startswith(f"{environment}.")]
        loads = [name for name in loads if name.endswith((".load", ".prepare_destination"))]
        assert len(loads) > 3
        for load in loads:
            assert gates <= before(dag, load)


def test_production_is_loaded_after_the_rehearsal_was_accepted() -> None:
    dag = dag_of()
    assert "production.sign_rehearsal" in before(dag, "production.company.transform")
    assert "sandbox.sign_rehearsal" not in dag.task_ids
    alone = dag_of(connections={"production": "twenty_acme"})
    assert "production.sign_rehearsal" not in alone.task_ids  # there is nowhere to rehearse


def test_the_last_word_is_the_verdict_whatever_happened(engagement: Engagement) -> None:
    dag = build_dag(engagement)
    assert [task.task_id for task in dag.leaves] == ["verdict"]
    for name in ("deliver", "verdict"):
        assert dag.get_task(name).trigger_rule == "all_done"
    assert before(dag, "verdict") == set(dag.task_ids) - {"verdict"}


# -- pools and retries ---------------------------------------------------------------------


def test_a_task_that_talks_to_a_crm_runs_in_the_pool_of_its_connection(
    engagement: Engagement,
) -> None:
    dag = build_dag(engagement)
    pools = set()
    for task in dag.tasks:
        conn_id = getattr(task, "conn_id", None)
        assert task.pool == (f"crm_{conn_id}" if conn_id else "default_pool"), task.task_id
        pools |= {task.pool} - {"default_pool"}
    assert set(dag.get_task("preflight").pools) == pools
    named = engagement.connections.model_dump(exclude_none=True).values()
    assert pools == {f"crm_{conn_id}" for conn_id in named}


def test_steps_and_gates_survive_a_lost_worker(engagement: Engagement) -> None:
    dag = build_dag(engagement)
    retries = {task.task_id: task.retries for task in dag.tasks}
    assert retries.pop("verdict") == 0  # its answer would be the same
    assert set(retries.values()) == {2}
    assert any(isinstance(task, GateSensor) for task in dag.tasks)


# -- by the clock --------------------------------------------------------------------------


def test_a_schedule_is_a_thin_dag_that_triggers_the_engagements_own(tmp_path: Path) -> None:
    nightly = {"cron": "0 2 * * *", "environment": "production", "timezone": "Europe/Berlin"}
    content = {**BOTH, "schedules": {"delta": nightly}, "dag": {"tags": ["acme"]}}
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(content))
    dags = build_dags(tmp_path)
    assert set(dags) == {"crm_migration_acme", "crm_migration_acme_delta"}
    dag = dags["crm_migration_acme_delta"]
    [task] = dag.tasks
    assert task.trigger_dag_id == "crm_migration_acme"
    assert task.conf == {"mode": "delta", "environment": "production", "when_busy": "skip"}
    assert dag.tags == dags["crm_migration_acme"].tags
    assert not dag.catchup
    form = dags["crm_migration_acme"].params
    form.update(task.conf)  # what it passes on is what the form takes


# -- what the engagement and the run may set -----------------------------------------------


def test_a_run_without_choices_is_a_sample_into_the_sandbox() -> None:
    params = dag_of().params.dump()
    assert params == {
        "mode": "sample",
        "environment": "sandbox",
        "dry_run": False,
        "sample_size": 50,
        "frozen_at": None,
        "extract_of": None,
        "accept_shrunk": False,
        "read_back": None,
        "contents": False,
        "when_busy": "fail",
    }


@pytest.mark.parametrize(
    "choice",
    [
        {"mode": "everything"},
        {"environment": "test"},
        {"dry_run": "no"},
        {"sample_size": 0},
        {"sample_size": 1001},
        {"frozen_at": "tonight"},
        {"extract_of": "../other"},
        {"when_busy": "wait"},
    ],
)
def test_a_wrong_parameter_is_refused_before_the_run(choice: dict[str, Any]) -> None:
    params = dag_of().params
    with pytest.raises(ParamValidationError):
        params.update(choice)


def test_the_environments_to_choose_from_are_those_that_are_connected() -> None:
    dag = dag_of(connections={"production": "twenty_acme"})
    assert dag.params.get_param("environment").schema["enum"] == ["production"]
    assert not [name for name in dag.task_ids if name.startswith("sandbox.")]


@pytest.mark.filterwarnings("ignore:The airflow.security.permissions module is deprecated")
def test_settings_of_the_dag_pass_through() -> None:
    dag = dag_of(
        dag={
            "owner": "data-platform",
            "tags": ["acme"],
            "queue": "migrations",
            "default_args": {"retries": 7, "retry_delay": 30},
            "access_control": {"Viewer": {"DAGs": ["can_read"]}},
        }
    )
    extract = dag.get_task("extract.contact")
    assert extract.owner == "data-platform"
    assert extract.queue == "migrations"
    assert extract.retries == 7
    assert extract.retry_delay == timedelta(seconds=30)
    assert dag.tags == {"crm-migration", "klipy_to_twenty", "acme"}
    assert dag.access_control


def test_settings_that_airflow_refuses_are_a_mistake_of_the_engagement() -> None:
    with pytest.raises(UserMistake, match="engagement acme: dag: Airflow refuses a setting: "):
        dag_of(dag={"default_args": {"retry_delay": "soon"}})


def test_gates_wait_as_long_as_the_engagement_says() -> None:
    gate = dag_of(gates={"scope": {"timeout_days": 3, "poll_seconds": 60}}).get_task("sign_scope")
    assert gate.timeout == timedelta(days=3).total_seconds()
    assert gate.poke_interval == 60
