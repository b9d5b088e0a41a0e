"""A step that Airflow's task runner tells to end leaves through all that puts things in order."""

from __future__ import annotations

import os
import signal
import socket
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from airflow.sdk import DAG

from airflow_crm_migration.core.lease import Lease, LeaseTimes
from airflow_crm_migration.tasks import MigrationOperator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Waits(MigrationOperator):
    """Holds the lease and waits for a reply that never comes."""

    at_work: ClassVar[socket.socket]
    end: ClassVar[type[BaseException]]

    def work(self, context: Any) -> None:
        with Lease(self.staging, "lease/sandbox", "wait", times=LeaseTimes(3600, 3600)):
            try:
                self.at_work.send(b".")
                self.at_work.recv(1)
            except BaseException as end:
                Waits.end = type(end)
                raise


@pytest.fixture
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("handler")
def test_sigterm_lets_go_of_the_lease_and_airflow_may_retry(
    register_dag: Callable[[DAG], DAG], tmp_path: Path
) -> None:
    ours, Waits.at_work = socket.socketpair()
    Waits.at_work.settimeout(60)
    with DAG("told_to_end", schedule=None) as dag:
        Waits(
            task_id="wait", engagement_id="acme", staging_url=f"file://{tmp_path}",
            environment="sandbox",
        )  # fmt: skip

    def tell() -> None:
        if ours.recv(1):
            os.kill(os.getpid(), signal.SIGTERM)

    teller = Thread(target=tell)
    teller.start()
    run = register_dag(dag).test()
    [task] = run.get_task_instances()
    ours.close()
    Waits.at_work.close()
    teller.join()
    assert (task.state, Waits.end) == ("failed", SystemExit)
    lease = (tmp_path / "acme" / "lease" / "sandbox" / "00000001").read_text()
    assert '"released":true' in lease
