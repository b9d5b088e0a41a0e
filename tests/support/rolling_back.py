"""Rolls back what was loaded into a workspace, and looks at what stays."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.core.signoff import sign, signed_record
from airflow_crm_migration.core.staging import read_parts
from airflow_crm_migration.core.steps.rollback import (
    forecast_rollback,
    rollback_result,
    undo_phase,
)
from tests.support.migration import KEYRING, SIGNER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.staging import Staging
    from tests.support.loading import Loading


class Died(Exception):
    """The worker is no more."""


class Mortal:
    """
    A hook whose process dies at a call.

    :param method: of the hook
    :param nth: call of it, from 1
    :param when: ``before`` or ``after`` the destination did what was asked
    """

    def __init__(self, hook: Any, method: str, nth: int, when: str) -> None:
        self._hook = hook
        self._method = method
        self._left = nth
        self._when = when

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._hook, name)
        return partial(self._call, found) if name == self._method else found

    def _call(self, method: Any, *args: Any, **more: Any) -> Any:
        self._left -= 1
        if self._left == 0 and self._when == "before":
            raise Died
        reply = method(*args, **more)
        if self._left == 0:
            raise Died
        return reply


class Rollback:
    """One rollback run, a step at a time."""

    def __init__(
        self, run: Run, hook: Any, mapping: PairMapping, phases: Sequence[str] = ()
    ) -> None:
        self.run = run
        self.hook = hook
        self.mapping = mapping
        self.phases = phases or mapping.phases

    @property
    def staging(self) -> Staging:
        return self.run.staging

    def forecast(self) -> dict[str, Any]:
        """Forecast and return what is proposed to be signed."""
        forecast_rollback(self.run, self.hook, self.mapping, self.phases, lambda line: None)
        return dict(self.staging.read_json(f"{self.run.folder}/rollback/forecast.json"))

    def sign(self) -> Any:
        """Sign what is proposed and return the signed decisions."""
        gate = Gate(self.run.engagement, "rollback", self.run.environment)
        proposal = read_proposal(self.staging, gate)
        assert proposal is not None
        sign(
            self.staging, KEYRING, proposal,
            signer=SIGNER, recorded_by="tests", now=datetime.now(UTC),
        )  # fmt: skip
        return signed_record(self.staging, KEYRING, gate).decisions

    def undo(self, signed: Any, hook: Any = None) -> dict[str, dict[str, int]]:
        """Undo every phase and return what became of its records."""
        return {
            phase: undo_phase(
                self.run, hook or self.hook, self.mapping, phase,
                signed=signed, say=lambda line: None,
            )
            for phase in reversed(self.phases)
        }  # fmt: skip

    def result(self) -> dict[str, Any]:
        return rollback_result(self.run, self.hook, self.mapping, self.phases)

    def whole(self) -> dict[str, dict[str, int]]:
        """Forecast, sign, undo and check."""
        self.forecast()
        done = self.undo(self.sign())
        assert self.result() == done
        return done

    def rows(self, what: str, phase: str) -> dict[str, dict[str, Any]]:
        """Return id -> row of what was planned or undone of a phase."""
        rows = read_parts(self.staging, f"{self.run.folder}/rollback/{what}/{phase}")
        return {row["id"]: row for row in rows}


class RollingBack:
    """Rollbacks of what :class:`.Loading` loaded."""

    def __init__(self, loading: Loading) -> None:
        self.loading = loading
        self.last: Rollback | None = None

    def begin(self, name: str = "back-1", *, hook: Any = None, dry_run: bool = False) -> Rollback:
        run = self.loading.run(name, dry_run=dry_run)
        self.last = Rollback(run, hook or self.loading.hook, self.loading.mapping)
        return self.last

    def whole(self, name: str = "back-1") -> dict[str, dict[str, int]]:
        return self.begin(name).whole()

    def left(self) -> dict[str, list[dict[str, Any]]]:
        """Return what the workspace holds, without its timeline and its members."""
        content = self.loading.control("content")
        silent = ("timelineActivity", "workspaceMember", "files")
        return {name: rows for name, rows in content.items() if rows and name not in silent}
