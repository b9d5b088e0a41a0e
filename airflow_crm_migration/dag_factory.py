"""Turns an engagement into one manual DAG.

Parsed often, so nothing but the engagement and its mapping is read here; whatever is heavy is
imported when a task runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG, chain
from airflow.sdk.exceptions import AirflowException

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.dag_parts.environment import EnvironmentTasks
from airflow_crm_migration.dag_parts.form import run_params
from airflow_crm_migration.dag_parts.kit import Kit
from airflow_crm_migration.dag_parts.source import read_source
from airflow_crm_migration.engagement import Engagement, load_engagement
from airflow_crm_migration.operators.choose_environment import ChooseEnvironmentOperator
from airflow_crm_migration.operators.deliver import DeliverOperator
from airflow_crm_migration.operators.preflight import PreflightOperator
from airflow_crm_migration.operators.tell_mistakes import mistakes_dag
from airflow_crm_migration.operators.verdict import VerdictOperator

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping

RETRIES = 2
"""Of a step that a lost worker or a CRM out of order cut off; it goes on where it was."""


def build_dag(engagement: Engagement) -> DAG:
    """
    Return the DAG of an engagement.

    :raises UserMistake: when engagement and mapping do not go together, or Airflow refuses what the
        engagement says under ``dag``
    """
    try:
        return _dag(engagement)
    except (AirflowException, TypeError, ValueError) as error:
        raise UserMistake(
            f"engagement {engagement.id}: dag: Airflow refuses a setting: {error}"
        ) from error


def dag_id(engagement: Engagement) -> str:
    """Return the id of an engagement's DAG."""
    return f"crm_migration_{engagement.id}"


def build_dags(folder: str | Path) -> dict[str, DAG]:
    """
    Return the DAGs of all engagement files in a folder, by DAG id.

    A file with mistakes gets a DAG that only tells them. To raise them would take the DAGs of all
    other customers away, because Airflow drops whatever else a file with an import error holds.

    :param folder: with ``*.yaml`` or ``*.yml`` files
    """
    dags: dict[str, DAG] = {}
    places: dict[str, Path] = {}
    for file in sorted(Path(folder).glob("*.y*ml")):
        try:
            dag = build_dag(load_engagement(file))
            if dag.dag_id in dags:
                raise UserMistake(
                    f"{file}: id: {places[dag.dag_id].name} has the same one; "
                    "give each customer an id of its own"
                )
        except UserMistake as mistake:
            dag = mistakes_dag(file, mistake.findings)
        dags[dag.dag_id], places[dag.dag_id] = dag, file
    return dags


def _dag(engagement: Engagement) -> DAG:
    kit = Kit(engagement)
    settings = engagement.dag
    with DAG(
        dag_id=dag_id(engagement),
        description=f"{engagement.customer}: {kit.mapping.title}",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        default_args={
            "owner": settings.owner,
            "retries": RETRIES,
            **({"queue": settings.queue} if settings.queue else {}),
            **settings.default_args,
        },
        tags={"crm-migration", engagement.pair, *settings.tags},
        access_control=settings.access_control,
        params=run_params(engagement),
        doc_md=_doc(engagement, kit.mapping),
    ) as dag:
        _tasks(kit)
    return dag


def _tasks(kit: Kit) -> None:
    engagement = kit.engagement
    preflight = PreflightOperator(
        task_id="preflight", pools=kit.pools, facts=kit.facts, **kit.place
    )
    choose = ChooseEnvironmentOperator(task_id="choose_environment")
    chain(preflight, choose)
    probe, ready = read_source(kit)
    deliver = DeliverOperator(task_id="deliver", phases=list(kit.phases), **kit.signed, **kit.place)
    verdict = VerdictOperator(
        task_id="verdict",
        phases=list(kit.phases),
        fail_on=engagement.policies.fail_on,
        **kit.place,
    )
    for name in engagement.environments:
        environment = EnvironmentTasks(kit, name)
        check, chosen = environment.check()
        chain(choose, check)
        chain(chosen, probe)
        chain(environment.load(ready), deliver)
    chain(ready, deliver, verdict)


def _doc(engagement: Engagement, mapping: Mapping) -> str:
    rows = "\n".join(f"| {r.source} | {r.destination} | {r.compatibility} |" for r in mapping.rows)
    return (
        f"### {mapping.title}\n\n{engagement.customer} (`{engagement.id}`)\n\n"
        f"| Source | Destination | Compatibility |\n|---|---|---|\n{rows}\n"
    )
