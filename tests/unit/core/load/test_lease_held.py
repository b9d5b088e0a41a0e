"""Whatever writes to a destination holds the lease of its environment, and its hook asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.errors import LeaseHeld
from airflow_crm_migration.core.lease import Lease, LeaseTimes
from airflow_crm_migration.core.steps.schema import prepare_destination
from airflow_crm_migration.hooks.twenty import TwentyHook
from tests.support.loading import person

if TYPE_CHECKING:
    from tests.support.loading import Loading

ALIVE = LeaseTimes(beat=0.02, lease=3600)


def beating(loading: Loading) -> Lease:
    return Lease(loading.staging, "lease/sandbox", "somebody", times=ALIVE)


def test_nobody_loads_while_somebody_else_does(loading: Loading) -> None:
    loading.transform("person", [person("ann")])
    with beating(loading):
        loading.forget()
        with pytest.raises(LeaseHeld, match="somebody"):
            loading.load_again("person")
    assert loading.control("requests")["total"] == 0
    assert loading.records("person") == []
    assert loading.load_again("person")["outcomes"]["person"]["created"] == {"new": 1}


def test_nobody_changes_the_schema_while_somebody_loads(loading: Loading) -> None:
    with beating(loading):
        loading.forget()
        with pytest.raises(LeaseHeld, match="somebody"):
            prepare_destination(loading.run("run-2"), loading.hook, loading.mapping)
    assert loading.control("requests")["total"] == 0


def test_a_dry_run_disturbs_nobody_and_waits_for_nobody(loading: Loading) -> None:
    loading.transform("person", [person("ann")])
    with beating(loading) as lease:
        dry = DryDestination(TwentyHook(loading.conn_id))
        loading.load_again("person", dry_run=True, hook=dry)
        lease.check()
    assert loading.records("person") == []


class Watched(TwentyHook):
    """Tells who guards each of its calls."""

    guards: list[Any]

    def create(self, object_name: str, rows: Any) -> Any:
        self.guards.append(self.guard)
        return super().create(object_name, rows)


def test_the_hook_asks_the_lease_during_the_load_and_nobody_afterwards(loading: Loading) -> None:
    hook = Watched(loading.conn_id)
    hook.guards, before = [], hook.guard
    loading.load("person", [person("ann")], hook=hook)
    [guard] = hook.guards
    assert isinstance(guard.__self__, Lease)
    assert hook.guard is before
    names = loading.staging.names("lease/sandbox")
    assert all(loading.staging.read_json(name)["released"] for name in names)
