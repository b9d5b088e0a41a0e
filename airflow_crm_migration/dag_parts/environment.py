"""The tasks that write to one environment: its checks, its gates, a group per phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup, chain

from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.operators.attach_files import AttachFilesOperator
from airflow_crm_migration.operators.check_destination import CheckDestinationOperator
from airflow_crm_migration.operators.choose_work import ChooseWorkOperator
from airflow_crm_migration.operators.collect_owners import CollectOwnersOperator
from airflow_crm_migration.operators.finish_rollback import FinishRollbackOperator
from airflow_crm_migration.operators.forecast_rollback import ForecastRollbackOperator
from airflow_crm_migration.operators.load_phase import LoadPhaseOperator
from airflow_crm_migration.operators.prepare_destination import PrepareDestinationOperator
from airflow_crm_migration.operators.propose_cutover import ProposeCutoverOperator
from airflow_crm_migration.operators.propose_mapping import ProposeMappingOperator
from airflow_crm_migration.operators.reconcile_phase import ReconcilePhaseOperator
from airflow_crm_migration.operators.transform_phase import TransformPhaseOperator
from airflow_crm_migration.operators.undo_phase import UndoPhaseOperator
from airflow_crm_migration.operators.validate import ValidateOperator
from airflow_crm_migration.sensors.owners_provisioned import OwnersProvisionedSensor

if TYPE_CHECKING:
    from airflow_crm_migration.dag_parts.kit import Kit
    from airflow_crm_migration.engagement import Environment


class EnvironmentTasks:
    """
    The tasks of one environment, in a group of their own.

    :param kit: what they are given
    """

    def __init__(self, kit: Kit, environment: Environment) -> None:
        self.kit = kit
        self.name = environment
        self.at = kit.at(environment)
        self.destination = kit.destination(environment)

    def check(self) -> tuple[Any, Any]:
        """
        Make the tasks that look at the destination and take the way of the run's mode.

        :return: the first and the last of them
        """
        with TaskGroup(self.name) as self.group:
            check = CheckDestinationOperator(
                task_id="check",
                one_tenant_for_both=self.kit.engagement.policies.one_tenant_for_both,
                **self.destination,
                **self.at,
            )
            choose = ChooseWorkOperator(task_id="choose_work", **self.kit.pair, **self.at)
            chain(check, choose)
        return check, choose

    def load(self, chosen: Any, ready: Any) -> list[Any]:
        """
        Make the tasks from the owners to the last phase.

        :param chosen: the task that takes the way of the run's mode
        :param ready: the task after which the source is read
        :return: the last ones of all ways
        """
        with self.group:
            owners = self._owners()
            propose = ProposeMappingOperator(
                task_id="propose_mapping",
                value_maps=dict(self.kit.engagement.value_maps),
                owners=dict(self.kit.engagement.owners),
                **self.kit.pair,
                **self.destination,
                **self.at,
            )
            gates = [self.kit.sign_off("mapping", self.name), *self._rehearsal()]
            prepare = PrepareDestinationOperator(
                task_id="prepare_destination", **self.kit.signed, **self.destination, **self.at
            )
            # The other environment is skipped from its first task on: the source is read for one.
            chain([chosen, ready], owners[0])
            chain([chosen, ready], propose, *gates, prepare)
            chain(owners[-1], prepare)
            last = prepare
            for phase in self.kit.phases:
                last = self._phase(phase, last)
            return [last, self._cut_over(chosen, last), self._roll_back(chosen)]

    def _cut_over(self, chosen: Any, loaded: Any) -> Any:
        """Validate: a run of its own, and what a cutover is signed on."""
        common = {"phases": list(self.kit.phases), **self.kit.signed, **self.at}
        validate = ValidateOperator(
            task_id="validate",
            modes=(Mode.VALIDATE, Mode.CUTOVER),
            trigger_rule="none_failed_min_one_success",
            **self.destination,
            **common,
        )
        propose = ProposeCutoverOperator(task_id="propose_cutover", modes=(Mode.CUTOVER,), **common)
        gate = self.kit.sign_off("cutover", self.name, anew=True)
        chain([chosen, loaded], validate, propose, gate)
        return gate

    def _roll_back(self, chosen: Any) -> Any:
        """Undo in the reverse order of loading, all that the pair can load."""
        phases = list(self.kit.mapping.phases)
        common = {**self.kit.signed, **self.destination, **self.at}
        with TaskGroup("rollback"):
            forecast = ForecastRollbackOperator(task_id="forecast", phases=phases, **common)
            gate = self.kit.sign_off("rollback", self.name, anew=True)
            undo = [
                UndoPhaseOperator(task_id=f"undo_{phase}", phase=phase, **common)
                for phase in reversed(phases)
            ]
            finish = FinishRollbackOperator(task_id="finish", phases=phases, **common)
            chain(chosen, forecast, gate, *undo, finish)
        return finish

    def _owners(self) -> list[Any]:
        collect = CollectOwnersOperator(task_id="collect_owners", **self.kit.pair, **self.at)
        gate = OwnersProvisionedSensor(
            task_id="wait_for_owners",
            overrides=dict(self.kit.engagement.owners),
            **self.kit.gate("owners"),
            **self.destination,
            **self.at,
        )
        chain(collect, gate)
        return [collect, gate]

    def _rehearsal(self) -> list[Any]:
        """Nothing of production is touched before the customer accepted what the sandbox showed."""
        if self.name != "production" or "sandbox" not in self.kit.engagement.environments:
            return []
        return [self.kit.sign_off("rehearsal", self.name, modes=(Mode.FULL,))]

    def _phase(self, phase: str, before: Any) -> Any:
        common = {"phase": phase, **self.kit.signed, **self.at}
        files = any(line.file for line in self.kit.mapping.lines_of(phase))
        operator = AttachFilesOperator if files else LoadPhaseOperator
        with TaskGroup(phase):
            transform = TransformPhaseOperator(
                task_id="transform",
                platform=self.kit.mapping.destination,
                settings=self.kit.settings,
                **common,
            )
            load = operator(
                task_id="load",
                conflicts=self.kit.engagement.policies.conflicts,
                **self.destination,
                **common,
            )
            reconcile = ReconcilePhaseOperator(task_id="reconcile", **self.destination, **common)
            chain(before, transform, load, reconcile)
        return reconcile
