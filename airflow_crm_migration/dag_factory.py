"""Turns an engagement into one manual DAG.

Parsed often, so nothing but the engagement and its mapping is read here; whatever is heavy is
imported when a task runs.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TaskGroup, chain
from airflow.sdk.exceptions import AirflowException

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.transform.conditions import settled_by_choices
from airflow_crm_migration.engagement import Engagement, load_engagement
from airflow_crm_migration.operators.attach_files import AttachFilesOperator
from airflow_crm_migration.operators.check_destination import CheckDestinationOperator
from airflow_crm_migration.operators.choose_environment import ChooseEnvironmentOperator
from airflow_crm_migration.operators.collect_owners import CollectOwnersOperator
from airflow_crm_migration.operators.decide_duplicates import DecideDuplicatesOperator
from airflow_crm_migration.operators.deliver import DeliverOperator
from airflow_crm_migration.operators.discover import DiscoverOperator
from airflow_crm_migration.operators.extract import ExtractOperator
from airflow_crm_migration.operators.find_duplicates import FindDuplicatesOperator
from airflow_crm_migration.operators.load_phase import LoadPhaseOperator
from airflow_crm_migration.operators.preflight import PreflightOperator
from airflow_crm_migration.operators.prepare_destination import PrepareDestinationOperator
from airflow_crm_migration.operators.probe import ProbeSourceOperator
from airflow_crm_migration.operators.propose_mapping import ProposeMappingOperator
from airflow_crm_migration.operators.reconcile_phase import ReconcilePhaseOperator
from airflow_crm_migration.operators.secure_files import SecureFilesOperator
from airflow_crm_migration.operators.tell_mistakes import mistakes_dag
from airflow_crm_migration.operators.transform_phase import TransformPhaseOperator
from airflow_crm_migration.operators.verdict import VerdictOperator
from airflow_crm_migration.sensors.csv_export import CsvExportSensor
from airflow_crm_migration.sensors.owners_provisioned import OwnersProvisionedSensor
from airflow_crm_migration.sensors.sign_off import SignOffSensor
from airflow_crm_migration.tasks import pool_name

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.engagement import Environment

RETRIES = 2
"""Of a step that a lost worker or a CRM out of order cut off; it goes on where it was."""


def build_dag(engagement: Engagement) -> DAG:
    """
    Return the DAG of an engagement.

    :raises UserMistake: when engagement and mapping do not go together, or Airflow refuses what the
        engagement says under ``dag``
    """
    factory = _Factory(engagement)
    try:
        return factory.build()
    except (AirflowException, TypeError, ValueError) as error:
        raise UserMistake(
            f"engagement {engagement.id}: dag: Airflow refuses a setting: {error}"
        ) from error


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


class _Factory:
    def __init__(self, engagement: Engagement) -> None:
        self.engagement = engagement
        self.mapping = engagement.mapping()
        staging = engagement.staging
        self.place: dict[str, Any] = {
            "engagement_id": engagement.id,
            "staging_url": staging.url,
            "staging_conn_id": staging.conn_id,
            "kms_key_id": staging.kms_key_id,
        }
        self.pair: dict[str, Any] = {"pair": engagement.pair, "choices": dict(engagement.choices)}
        self.source: dict[str, Any] = {
            "platform": self.mapping.source,
            "conn_id": engagement.connections.source,
        }
        self.form = engagement.csv.model_dump(mode="json")

    def build(self) -> DAG:
        """Put the tasks together."""
        engagement = self.engagement
        settings = engagement.dag
        with DAG(
            dag_id=f"crm_migration_{engagement.id}",
            description=f"{engagement.customer}: {self.mapping.title}",
            schedule=None,
            catchup=False,
            max_active_runs=1,
            default_args={
                "owner": settings.owner,
                "retries": RETRIES,
                **self._queue(),
                **settings.default_args,
            },
            tags={"crm-migration", engagement.pair, *settings.tags},
            access_control=settings.access_control,
            params=self._params(),
            doc_md=_doc(engagement, self.mapping),
        ) as dag:
            self._tasks()
        return dag

    def _queue(self) -> dict[str, str]:
        return {"queue": self.engagement.dag.queue} if self.engagement.dag.queue else {}

    def _params(self) -> dict[str, Any]:
        environments = self.engagement.environments
        return {
            "mode": Param(
                "sample", enum=["sample", "full"], title="Mode", type="string",
                description="sample: some records of every kind; full: everything",
            ),
            "environment": Param(
                environments[0], enum=list(environments), title="Environment", type="string",
                description="Where the records go",
            ),
            "dry_run": Param(
                False, title="Dry run", type="boolean",
                description="Do everything except writing to the destination",
            ),
            "sample_size": Param(
                50, title="Sample size", type="integer", minimum=1,
                description="Records per object of the source, before their parents are added",
            ),
        }  # fmt: skip

    # -- before the environment matters ----------------------------------------------------

    def _tasks(self) -> None:
        engagement = self.engagement
        preflight = PreflightOperator(
            task_id="preflight", pools=self._pools(), facts=self._facts(), **self.place
        )
        choose = ChooseEnvironmentOperator(task_id="choose_environment")
        checks = {name: self._group(name) for name in engagement.environments}
        probe = ProbeSourceOperator(
            task_id="probe",
            trigger_rule="none_failed_min_one_success",
            **self._source_pool(),
            **self.source,
            **self.pair,
            **self.place,
        )
        ready = self._read_source(probe)
        chain(preflight, choose, list(checks.values()), probe)
        deliver = DeliverOperator(
            task_id="deliver",
            phases=list(self.phases),
            signers=engagement.signers,
            **self.place,
        )
        verdict = VerdictOperator(
            task_id="verdict",
            phases=list(self.phases),
            fail_on=engagement.policies.fail_on,
            **self.place,
        )
        for name, check in checks.items():
            last = self._load_into(name, check, ready)
            chain(last, deliver)
        chain(ready, deliver, verdict)

    def _read_source(self, probe: Any) -> Any:
        csv_gate = CsvExportSensor(
            task_id="wait_for_csv",
            platform=self.mapping.source,
            identities=self.mapping.identities,
            form=self.form,
            **self._gate("csv"),
            **self.place,
        )
        discover = DiscoverOperator(
            task_id="discover",
            platform=self.mapping.source,
            form=self.form,
            **self.pair,
            **self.place,
        )
        scope = self._sign_off("scope")
        with TaskGroup("extract"):
            steps: list[Any] = [self._extract(name) for name in self.mapping.reading_order]
            if self.mapping.files:
                steps.append(self._secure_files())
        find = FindDuplicatesOperator(task_id="find_duplicates", **self.pair, **self.place)
        duplicates = self._sign_off("duplicates")
        decide = DecideDuplicatesOperator(
            task_id="decide_duplicates", signers=self.engagement.signers, **self.pair, **self.place
        )
        chain(probe, csv_gate, discover, scope, *steps, find, duplicates, decide)
        return decide

    def _extract(self, name: str) -> ExtractOperator:
        return ExtractOperator(
            task_id=name,
            object_name=name,
            form=self.form,
            **self._source_pool(),
            **self.source,
            **self.pair,
            **self.place,
        )

    def _secure_files(self) -> SecureFilesOperator:
        return SecureFilesOperator(
            task_id="files",
            destination=self.mapping.destination,
            **self._source_pool(),
            **self.source,
            **self.pair,
            **self.place,
        )

    # -- one environment -------------------------------------------------------------------

    def _group(self, environment: Environment) -> CheckDestinationOperator:
        with TaskGroup(environment):
            return CheckDestinationOperator(
                task_id="check",
                one_tenant_for_both=self.engagement.policies.one_tenant_for_both,
                **self._destination(environment),
                **self._at(environment),
            )

    def _load_into(self, environment: Environment, check: Any, ready: Any) -> Any:
        group = check.task_group
        with group:
            owners = self._owners(environment)
            propose = ProposeMappingOperator(
                task_id="propose_mapping",
                value_maps=dict(self.engagement.value_maps),
                owners=dict(self.engagement.owners),
                **self.pair,
                **self._destination(environment),
                **self._at(environment),
            )
            mapping = self._sign_off("mapping", environment)
            prepare = PrepareDestinationOperator(
                task_id="prepare_destination",
                signers=self.engagement.signers,
                **self._destination(environment),
                **self._at(environment),
            )
            chain([check, ready], owners[0])
            chain([check, ready], propose, mapping, prepare)
            chain(owners[-1], prepare)
            last = self._rehearsal(environment, prepare)
            for phase in self.phases:
                last = self._phase(environment, phase, last)
        return last

    def _owners(self, environment: Environment) -> list[Any]:
        collect = CollectOwnersOperator(
            task_id="collect_owners", **self.pair, **self._at(environment)
        )
        gate = OwnersProvisionedSensor(
            task_id="wait_for_owners",
            overrides=dict(self.engagement.owners),
            **self._gate("owners"),
            **self._destination(environment),
            **self._at(environment),
        )
        chain(collect, gate)
        return [collect, gate]

    def _rehearsal(self, environment: Environment, before: Any) -> Any:
        """Production is loaded whole only after the customer accepted what the sandbox showed."""
        if environment != "production" or "sandbox" not in self.engagement.environments:
            return before
        gate = self._sign_off("rehearsal", environment, modes=("full",))
        chain(before, gate)
        return gate

    def _phase(self, environment: Environment, phase: str, before: Any) -> Any:
        common = {"phase": phase, "signers": self.engagement.signers, **self._at(environment)}
        destination = self._destination(environment)
        files = any(line.file for line in self.mapping.lines_of(phase))
        operator = AttachFilesOperator if files else LoadPhaseOperator
        with TaskGroup(phase):
            transform = TransformPhaseOperator(
                task_id="transform",
                platform=self.mapping.destination,
                settings=self._settings(),
                **common,
            )
            load = operator(task_id="load", **destination, **common)
            reconcile = ReconcilePhaseOperator(task_id="reconcile", **destination, **common)
            chain(before, transform, load, reconcile)
        return reconcile

    # -- what tasks are given --------------------------------------------------------------

    @property
    def phases(self) -> tuple[str, ...]:
        """The objects that are loaded under this engagement's choices."""
        chosen = self.mapping.chosen(dict(self.engagement.choices))
        used = {
            line.destination
            for line in self.mapping.lines
            if settled_by_choices(line.when, chosen) is not False
        }
        return tuple(phase for phase in self.mapping.phases if phase in used)

    def _at(self, environment: Environment) -> dict[str, Any]:
        return {**self.place, "environment": environment}

    def _destination(self, environment: Environment) -> dict[str, Any]:
        conn_id = getattr(self.engagement.connections, environment)
        return {
            "platform": self.mapping.destination,
            "conn_id": conn_id,
            "pool": pool_name(conn_id),
        }

    def _source_pool(self) -> dict[str, str]:
        conn_id = self.engagement.connections.source
        return {"pool": pool_name(conn_id)} if conn_id else {}

    def _pools(self) -> list[str]:
        connections = self.engagement.connections
        found = (connections.source, connections.sandbox, connections.production)
        return [pool_name(conn_id) for conn_id in found if conn_id]

    def _facts(self) -> dict[str, str]:
        engagement = self.engagement
        return {
            "customer": engagement.customer,
            "title": self.mapping.title,
            "pair": engagement.pair,
        }

    def _settings(self) -> dict[str, Any]:
        return {
            "default_region": self.engagement.default_region,
            "default_currency": self.engagement.default_currency,
        }

    def _gate(self, name: str) -> dict[str, Any]:
        settings = self.engagement.gate(name)
        return {
            "timeout": settings.timeout,
            "poke_interval": timedelta(seconds=settings.poll_seconds),
        }

    def _sign_off(
        self, gate: str, environment: Environment | None = None, **more: Any
    ) -> SignOffSensor:
        at = self._at(environment) if environment else self.place
        return SignOffSensor(
            task_id=f"sign_{gate}",
            gate=gate,
            signers=self.engagement.signers,
            **self._gate(gate),
            **at,
            **more,
        )


def _doc(engagement: Engagement, mapping: Mapping) -> str:
    rows = "\n".join(f"| {r.source} | {r.destination} | {r.compatibility} |" for r in mapping.rows)
    return (
        f"### {mapping.title}\n\n{engagement.customer} (`{engagement.id}`)\n\n"
        f"| Source | Destination | Compatibility |\n|---|---|---|\n{rows}\n"
    )
