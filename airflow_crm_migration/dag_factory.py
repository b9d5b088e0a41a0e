"""Turns an engagement into one manual DAG.

Parsed often, so nothing but the engagement and its mapping is read here; whatever is heavy is
imported when a task runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, chain
from airflow.sdk.exceptions import AirflowException

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.dag_parts.environment import EnvironmentTasks
from airflow_crm_migration.dag_parts.form import run_params
from airflow_crm_migration.dag_parts.kit import Kit
from airflow_crm_migration.dag_parts.schedules import schedule_dags
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
    return _checked(engagement)[0]


def build_dags(folder: str | Path) -> dict[str, DAG]:
    """
    Return the DAGs of all engagement files in a folder, those of their schedules too, by DAG id.

    A file with mistakes gets a DAG that only tells them. To raise them would take the DAGs of all
    other customers away, because Airflow drops whatever else a file with an import error holds.

    :param folder: with ``*.yaml`` or ``*.yml`` files
    """
    dags: dict[str, DAG] = {}
    places: dict[str, Path] = {}
    for file in sorted(Path(folder).glob("*.y*ml")):
        try:
            found = _checked(load_engagement(file))
            if taken := [dag.dag_id for dag in found if dag.dag_id in dags]:
                raise UserMistake(
                    f"{file}: id: {places[taken[0]].name} has a DAG {taken[0]} too; "
                    "give each customer an id of its own"
                )
        except UserMistake as mistake:
            found = [mistakes_dag(file, mistake.findings)]
        dags |= {dag.dag_id: dag for dag in found}
        places |= {dag.dag_id: file for dag in found}
    return dags


def _checked(engagement: Engagement) -> list[DAG]:
    try:
        return _dags(engagement)
    except (AirflowException, TypeError, ValueError) as error:
        raise UserMistake(
            f"engagement {engagement.id}: dag: Airflow refuses a setting: {error}"
        ) from error


def _dags(engagement: Engagement) -> list[DAG]:
    """Make the DAG of an engagement, and after it those of its schedules."""
    kit = Kit(engagement)
    settings = engagement.dag
    common: dict[str, Any] = {
        "catchup": False,
        "max_active_runs": 1,
        "default_args": {
            "owner": settings.owner,
            "retries": RETRIES,
            **({"queue": settings.queue} if settings.queue else {}),
            **settings.default_args,
        },
        "tags": {"crm-migration", engagement.pair, *settings.tags},
        "access_control": settings.access_control,
    }
    with DAG(
        dag_id=f"crm_migration_{engagement.id}",
        description=f"{engagement.customer}: {kit.mapping.title}",
        schedule=None,
        params=run_params(engagement),
        doc_md=_doc(engagement, kit.mapping),
        **common,
    ) as dag:
        _tasks(kit)
    return [dag, *schedule_dags(engagement, dag.dag_id, common)]


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
        chain(environment.load(chosen, ready), deliver)
    chain(ready, deliver, verdict)


def _doc(engagement: Engagement, mapping: Mapping) -> str:
    rows = "\n".join(f"| {r.source} | {r.destination} | {r.compatibility} |" for r in mapping.rows)
    return (
        f"### {mapping.title}\n\n{engagement.customer} (`{engagement.id}`)\n\n"
        f"| Source | Destination | Compatibility |\n|---|---|---|\n{rows}\n"
    )
