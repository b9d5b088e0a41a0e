"""The operators of a rollback hand everything to the steps, and demand a signature."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.steps.mapping import dump
from airflow_crm_migration.operators.finish_rollback import FinishRollbackOperator
from airflow_crm_migration.operators.forecast_rollback import ForecastRollbackOperator
from airflow_crm_migration.operators.undo_phase import UndoPhaseOperator
from tests.support.gates import sign_now
from tests.support.loading import Loading, company, loadings, person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

make_loading = pytest.fixture(loadings)
RUN = SimpleNamespace(run_id="manual__1", run_after=datetime.now(UTC))
PHASES = ["company", "person", "task", "attachment"]
DELETED = {"company": {"delete": 1}, "person": {"delete": 1}, "task": {}, "attachment": {}}


@pytest.fixture
def loaded(make_loading: Callable[..., Loading], tmp_path: Path) -> Loading:
    """Load by a signed mapping into a workspace."""
    first = make_loading()
    loading = Loading(first.server, tmp_path / "staging" / "acme", first.conn_id, "link")
    mapping = Gate("acme", "mapping", "sandbox")
    decisions = {"mapping": dump(loading.mapping)}
    propose(loading.staging, mapping, decisions, {}, datetime.now(UTC))
    sign_now(loading.staging, mapping)
    loading.load("company", [company("c")])
    loading.load("person", [person("a", "c")])
    return loading


def run(kind: Any, loading: Loading, *, dry_run: bool = False, **settings: Any) -> Any:
    operator = kind(
        task_id="task", engagement_id="acme", environment="sandbox",
        staging_url=f"file://{loading.staging.root.parent}", platform="twenty",
        conn_id=loading.conn_id, **settings,
    )  # fmt: skip
    params = {"mode": "rollback", "environment": "sandbox", "dry_run": dry_run}
    context: Any = {"dag_run": RUN, "params": params}
    return operator.execute(context)


def undo(loading: Loading, **settings: Any) -> dict[str, Any]:
    return {
        phase: run(UndoPhaseOperator, loading, phase=phase, **settings)
        for phase in reversed(PHASES)
    }


def test_forecast_sign_undo_finish(loaded: Loading) -> None:
    told = run(ForecastRollbackOperator, loaded, phases=PHASES)
    assert (told["company"]["delete"], told["person"]["delete"]) == (1, 1)
    with pytest.raises(AirflowFailException, match="nobody has signed yet"):
        run(UndoPhaseOperator, loaded, phase="person")
    with pytest.raises(AirflowFailException, match="person was not undone"):
        run(FinishRollbackOperator, loaded, phases=PHASES)
    sign_now(loaded.staging, Gate("acme", "rollback", "sandbox"))
    assert undo(loaded) == DELETED
    assert run(FinishRollbackOperator, loaded, phases=PHASES) == DELETED
    assert loaded.records("person") == loaded.records("company") == []


def test_only_those_may_sign_whom_the_engagement_names(loaded: Loading) -> None:
    run(ForecastRollbackOperator, loaded, phases=PHASES)
    sign_now(loaded.staging, Gate("acme", "rollback", "sandbox"))
    with pytest.raises(AirflowFailException, match="not among the engagement's signers"):
        run(UndoPhaseOperator, loaded, phase="person", signers=("ann@x.example",))


def test_a_dry_run_needs_no_signature_and_undoes_nothing(loaded: Loading) -> None:
    run(ForecastRollbackOperator, loaded, phases=PHASES, dry_run=True)
    assert set(undo(loaded, dry_run=True)) == set(PHASES)
    assert run(FinishRollbackOperator, loaded, phases=PHASES, dry_run=True) == {}
    assert len(loaded.records("person")) == len(loaded.records("company")) == 1
