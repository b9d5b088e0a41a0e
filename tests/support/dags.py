"""Runs whole DAGs in this process, and lets somebody act while they run."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import structlog
import yaml

from airflow_crm_migration.dag_factory import build_dag
from airflow_crm_migration.engagement import load_engagement
from airflow_crm_migration.hooks.staging import open_staging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow.sdk import DAG

    from airflow_crm_migration.core.staging import Staging

PATIENCE = 600.0
"""Seconds after which a gate gives up, and whoever waits for a line of the log."""


def register(dag: DAG) -> DAG:
    """Make Airflow know a DAG, so that ``dag.test()`` runs it."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"], bundle_name="dags-folder")
    bag.dags[dag.dag_id] = dag
    sync_bag_to_db(bag, "dags-folder", None)
    return dag


@dataclass
class Log:
    """What tasks log, at INFO and above; live, so that somebody can wait for a line."""

    lines: list[str] = field(default_factory=list)
    over: bool = False
    _more: Condition = field(default_factory=Condition)

    def __call__(self, _: Any, level: str, event: dict[str, Any]) -> Any:
        """Take a line from structlog, whole: with its exception and everything bound to it."""
        words = [event.pop("event"), *(f"{key}={value}" for key, value in event.items())]
        with self._more:
            self.lines.append(f"{level}: {' '.join(map(str, words))}")
            self._more.notify_all()
        raise structlog.DropEvent

    def wait_for(self, pattern: str, *, after: int = 0) -> int:
        """
        Wait until a line matches.

        :param after: lines that do not count
        :return: number of lines until then
        """
        with self._more:
            self._more.wait_for(lambda: self.over or self._at(pattern, after), PATIENCE)
            found = self._at(pattern, after)
        assert found, f"nobody logged {pattern!r} after line {after}, but {self.errors()}"
        return found

    def close(self) -> None:
        """Nothing comes any more."""
        with self._more:
            self.over = True
            self._more.notify_all()

    def errors(self) -> list[str]:
        """Return the lines at ERROR without those that Airflow adds."""
        lines = [line.removeprefix("error: ") for line in self.lines if line.startswith("error: ")]
        return [line for line in lines if not line.startswith("Task failed with exception")]

    def _at(self, pattern: str, after: int) -> int:
        lines = enumerate(self.lines[after:], after + 1)
        return next((number for number, line in lines if re.search(pattern, line)), 0)


Script = Callable[[Log], None]


@contextmanager
def logged() -> Iterator[Log]:
    """Catch what is logged."""
    log = Log()
    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [structlog.processors.format_exc_info, log]
    try:
        yield log
    finally:
        processors[:] = before
        log.close()


@contextmanager
def impatient() -> Iterator[None]:
    """Leave out the second that ``dag.test()`` sleeps per level of tasks that cannot run."""
    sleep = time.sleep

    def pause(seconds: float) -> None:
        if sys._getframe(1).f_globals["__name__"] != "airflow.sdk.definitions.dag":
            sleep(seconds)

    with patch.object(time, "sleep", pause):
        yield


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    run: Any
    log: Log

    @property
    def state(self) -> str:
        """The state of the run."""
        return str(self.run.state)

    @property
    def tasks(self) -> dict[str, str]:
        """Task id -> state."""
        return {ti.task_id: str(ti.state) for ti in self.run.get_task_instances()}

    @property
    def failed(self) -> list[str]:
        """The tasks that failed of themselves."""
        return sorted(name for name, state in self.tasks.items() if state == "failed")


@dataclass
class Engaged:
    """
    An engagement whose DAG really runs.

    :param file: path of the engagement file
    """

    file: Path

    @classmethod
    def of(cls, file: Path, content: dict[str, Any]) -> Engaged:
        """Write the engagement file."""
        file.write_text(yaml.safe_dump(content))
        return cls(file)

    @property
    def staging(self) -> Staging:
        """The engagement's staging."""
        engagement = load_engagement(self.file)
        place = engagement.staging
        return open_staging(
            place.url, engagement.id, conn_id=place.conn_id, kms_key_id=place.kms_key_id
        )

    def run(self, *scripts: Script, **params: Any) -> Ended:
        """
        Run the DAG.

        :param scripts: what people do meanwhile, each in a thread of its own
        :param params: of the run
        """
        dag = register(build_dag(load_engagement(self.file)))
        printed = io.StringIO()
        with logged() as log, ThreadPoolExecutor(len(scripts) or 1) as pool:
            acting = [pool.submit(script, log) for script in scripts]
            try:
                with redirect_stdout(printed), impatient():
                    run = dag.test(run_conf=params)
            finally:
                log.close()
            for act in acting:
                act.result()
        log.lines += printed.getvalue().splitlines()
        return Ended(run, log)
