"""What every step and every gate knows: the engagement, its staging, the run's own folder."""

from __future__ import annotations

import hashlib
import signal
from abc import abstractmethod
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

from airflow_crm_migration.core.errors import (
    CrmError,
    LeaseHeld,
    LeaseLost,
    QuotaSpent,
    Refused,
    StagingBroken,
    StagingUnusable,
    Unauthorised,
    Unreachable,
    UserMistake,
)
from airflow_crm_migration.core.gates import Gate
from airflow_crm_migration.core.run import time_stamp
from airflow_crm_migration.hooks.staging import open_staging

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from airflow.sdk import Context
    from airflow.sdk.types import Logger

    from airflow_crm_migration.core.staging import Staging


_MARGIN = timedelta(seconds=1)
"""Beyond the reset of a budget: two clocks may differ by what they round off."""


def pool_name(conn_id: str) -> str:
    """Return the one-slot pool of a connection: one task at a time spends its rate limit."""
    return f"crm_{conn_id}"


def run_prefix(context: Context) -> str:
    """
    Return a run's folder in staging: a UTC stamp and a hash of the run id.

    The stamp is the time after which the run was due, because that survives every clear.
    """
    run = context["dag_run"]
    return f"{time_stamp(run.run_after)}-{hashlib.sha256(run.run_id.encode()).hexdigest()[:8]}"


def fail(log: Logger, lines: Sequence[str]) -> NoReturn:
    """
    Fail the task at once and for good.

    Airflow prints a traceback under whatever fails a task, so the lines stand in the log first.

    :param lines: why, one reason each
    """
    for line in lines:
        log.error("%s", line)
    raise AirflowFailException("\n".join(lines)) from None


class MigrationBase(BaseOperator):
    """
    What operators and sensors of this package share.

    :param engagement_id: the engagement's id
    :param staging_url: ``s3://bucket/prefix`` or ``file:///folder``
    :param staging_conn_id: ``aws`` connection of the staging
    :param kms_key_id: key that every object on ``s3://`` is encrypted with
    :param environment: ``sandbox`` or ``production``; by default the run's parameter
    """

    template_fields: Collection[str] = ("engagement_id", "staging_url", "environment")
    #: Whether the step is the first of a run to ask its connection: a host that cannot be reached
    #: is then a mistake in the connection, which no retry mends.
    first_contact = False

    def __init__(
        self,
        *,
        engagement_id: str,
        staging_url: str,
        staging_conn_id: str | None = None,
        kms_key_id: str | None = None,
        environment: str = "{{ params.environment }}",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.engagement_id = engagement_id
        self.staging_url = staging_url
        self.staging_conn_id = staging_conn_id
        self.kms_key_id = kms_key_id
        self.environment = environment

    @cached_property
    def staging(self) -> Staging:
        """The engagement's staging, opened when a task first asks for it."""
        return open_staging(
            self.staging_url,
            self.engagement_id,
            conn_id=self.staging_conn_id,
            kms_key_id=self.kms_key_id,
        )

    def gate(self, name: str) -> Gate:
        """Return one of the engagement's gates, for this environment where that matters."""
        return Gate(self.engagement_id, name, self.environment)

    @property
    def _crm(self) -> str:
        return f"connection {getattr(self, 'conn_id', None)!r}"

    @contextmanager
    def mistakes_fail(self, context: Context) -> Iterator[None]:
        """
        Fail the task at once on what only a person can mend: trying again cannot help.

        What a CRM or staging could not do just now is said in one line and left to Airflow's
        retries; the CRM's own words go into staging, for they may quote a record.
        """
        try:
            yield
        except UserMistake as mistake:
            fail(self.log, mistake.findings)
        except (StagingBroken, LeaseLost) as end:
            fail(self.log, [str(end)])
        except StagingUnusable as error:
            self.log.error("%s", error)
            raise
        except Unauthorised as refusal:
            fix = "check the key in it, and what the key may do (docs/permissions.md)"
            fail(self.log, [f"{self._crm}: {refusal.message} {fix}"])
        except QuotaSpent:
            raise
        except CrmError as error:
            if self.first_contact and isinstance(error, Unreachable):
                fail(self.log, [f"{self._crm}: {error.message}"])
            line = f"{self._crm}: {self.fit_to_log(context, error)}"
            self.log.error("%s", line)
            raise AirflowException(line) from None

    def fit_to_log(self, context: Context, error: CrmError) -> str:
        """
        Return what a log may say of an error: a CRM's own words are put into the run's folder.

        :return: our own words as they are, else kind, status, and the place of the CRM's
        """
        if error.status is None and not isinstance(error, Refused):
            return error.message
        place = f"{run_prefix(context)}/errors/{self.task_id}.json"
        said = {"kind": type(error).__name__, "status": error.status, "code": error.code}
        self.staging.write_json(place, {**said, "message": error.message})
        return (
            f"{type(error).__name__}, status {error.status}: "
            f"{self.staging.root}/{place} has the CRM's words"
        )


class MigrationOperator(MigrationBase):
    """
    A step: subclasses say in :meth:`work` what is done, and hand rows on in staging only.

    :param modes: modes of a run that need the step, others skip it; empty for all
    """

    _at_work = False

    def __init__(self, *, modes: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.modes = tuple(modes)

    def execute(self, context: Context, event: Any = None) -> Any:
        """
        Do the step; a person's mistake fails it without retries.

        When a long budget of a CRM is spent the task is deferred past its reset and lets go of its
        worker, its pool's slot and its lease; what was done is in staging, so that it is simply
        done again, without the parts that are done.

        :param event: what the time trigger says; of no interest
        """
        if self.modes and (mode := context["params"]["mode"]) not in self.modes:
            raise AirflowSkipException(f"a run of mode {mode} does without it")
        self._at_work = True
        try:
            with self.mistakes_fail(context):
                return self._work_unless_busy(context)
        except QuotaSpent as spent:
            if spent.retry_after is None:
                raise
            self._go_on_later(spent.message, timedelta(seconds=spent.retry_after) + _MARGIN)
        except SystemExit:
            self.log.warning("told to end: what was done is kept, and the next run goes on from it")
            raise
        finally:
            self._at_work = False

    def _work_unless_busy(self, context: Context) -> Any:
        try:
            return self.work(context)
        except LeaseHeld as held:
            if context["params"]["when_busy"] != "skip":
                raise
            self.log.info("left out: %s", held)
            raise AirflowSkipException(str(held)) from None

    def _go_on_later(self, why: str, pause: timedelta) -> NoReturn:
        until = (datetime.now(UTC) + pause).isoformat(timespec="seconds")
        self.log.warning("%s: %s; this task goes on at %s", self._crm, why, until)
        self.defer(trigger=TimeDeltaTrigger(pause), method_name="execute")

    def on_kill(self) -> None:
        """
        Leave the step, through all that has to be put in order on the way out.

        Airflow calls this in its handler of SIGTERM, in the main thread, and lets the step go on
        afterwards, until SIGKILL (read in Airflow 3.3). Only an exception ends what it is doing,
        also a request that waits for its reply; after this one Airflow retries a task that may be.
        """
        if self._at_work:
            self._at_work = False  # a second signal must not cut off the way out
            raise SystemExit(128 + signal.SIGTERM)

    @abstractmethod
    def work(self, context: Context) -> Any:
        """
        Do the step.

        :return: counts, names in staging or digests, never rows
        """
