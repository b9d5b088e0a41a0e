"""What every gate has in common: it looks, and while it waits it holds no worker."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSensorTimeout

from airflow_crm_migration.core.waiting import wait_ended, wait_started
from airflow_crm_migration.tasks import MigrationBase, run_prefix

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class View:
    """
    What a gate saw when it looked.

    :param is_open: whether the run may go on
    :param line: what is so and, while it waits, what somebody has to do; quotes no CRM value
    :param digest: of what is waited for; another one is another wait
    :param result: what the gate hands on when it is open
    :param pause: when to look again, where that is sooner than usual
    """

    is_open: bool
    line: str
    digest: str = ""
    result: Any = None
    pause: timedelta = timedelta.max


class GateSensor(MigrationBase, BaseSensorOperator):
    """
    A gate: subclasses say in :meth:`look` whether it is open.

    It looks in the worker. While it waits it defers to Airflow's own time trigger, so that no key,
    connection or client is ever in the triggerer, and nothing that it knows has to survive: since
    when it waits is kept in staging. Retries are for a look that goes wrong, for example because
    its worker is lost: in weeks of looking that happens, and the wait goes on as if it had not.

    :param gate: name of the gate
    :param timeout: the longest wait, as a timedelta or in seconds
    :param poke_interval: time between two looks, as a timedelta or in seconds; below 15 seconds a
        task may be back before Airflow's scheduler has noted that it left, which fails it (observed
        on Airflow 3.3 with 5 seconds; ``dag.test()`` has no scheduler and can do with any)
    :param deferrable: without a triggerer: False, then Airflow reschedules the task
    """

    def __init__(
        self,
        *,
        gate: str,
        timeout: timedelta | float = timedelta(days=28),
        poke_interval: timedelta | float = timedelta(minutes=15),
        deferrable: bool = True,
        retries: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            timeout=timeout,
            poke_interval=poke_interval,
            mode="reschedule",
            retries=retries,
            **kwargs,
        )
        self.gate_name = gate
        self.deferrable = deferrable

    @abstractmethod
    def look(self, context: Context) -> View:
        """Tell whether the gate is open now."""

    def execute(self, context: Context, event: Any = None) -> Any:
        """
        Look once, and let go of the worker when the gate is shut.

        :param event: what the time trigger says; of no interest
        :return: what :meth:`look` hands on
        :raises AirflowSensorTimeout: nobody opened the gate in time
        """
        with self.mistakes_fail(context):
            view, gate = self.look(context), self.gate(self.gate_name)
            if view.is_open:
                wait_ended(self.staging, gate)
                self.log.info("%s: %s", gate, view.line)
                return view.result
            now = datetime.now(UTC)
            since = wait_started(self.staging, gate, view.digest, run_prefix(context), now)
            if now >= since + timedelta(seconds=self.timeout):
                wait_ended(self.staging, gate)
                line = (
                    f"{gate}: shut for {timedelta(seconds=self.timeout)}; {view.line}; "
                    "clear this task to wait anew"
                )
                self.log.error("%s", line)
                raise AirflowSensorTimeout(line)
            self.log.info("%s: waiting since %s; %s", gate, since.isoformat(), view.line)
        return self._let_go(min(view.pause, timedelta(seconds=self.poke_interval)))

    def _let_go(self, pause: timedelta) -> NoReturn:
        if self.deferrable:
            self.defer(trigger=TimeDeltaTrigger(pause), method_name="execute")
        raise AirflowRescheduleException(datetime.now(UTC) + pause)
