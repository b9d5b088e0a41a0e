"""The gate of a decision that somebody has to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.gates import sign_command
from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.core.opened import keep_opened
from airflow_crm_migration.core.rehearsal import check_rehearsed
from airflow_crm_migration.core.signoff import state
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.sensors.base import GateSensor, View
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_crm_migration.core.gates import Gate
    from airflow_crm_migration.core.signoff import SignOff


class SignOffSensor(GateSensor):
    """
    Waits until what is proposed now is signed, and keeps the digest by which the run goes on.

    A run that follows a full one goes by what was signed for that: what has been proposed since is
    kept apart and reported, and nobody is waited for in the night.

    :param signers: who may sign, by mail address or name; empty for anyone
    :param modes: modes of a run that need the decision; empty for all
    :param anew: each run needs a signature under just what it proposes
    """

    def __init__(
        self,
        *,
        signers: Sequence[str] = (),
        modes: Sequence[str] = (),
        anew: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.signers = tuple(signers)
        self.modes = tuple(modes)
        self.anew = anew

    def look(self, context: Context) -> View:
        """
        Compare what is proposed with the last sign-off.

        :raises UserMistake: what was rehearsed is not the mapping that is signed
        """
        mode = Mode(context["params"]["mode"])
        if self.modes and mode not in self.modes:
            return View(True, f"a run of mode {mode} does not need it")
        if self.anew and context["params"]["dry_run"]:
            return View(True, "a dry run does nothing that somebody would have to sign")
        gate = self.gate(self.gate_name)
        keyring = signing_keyring()
        found = state(self.staging, keyring, gate, self.signers)
        if found.record and found.status == "changed" and mode.follows_full and not self.anew:
            line = f"{found.reason}; this run goes by what was signed"
            return self._opens(context, gate, line, found.record)
        if found.record and found.signed:
            if self.gate_name == "rehearsal":
                check_rehearsed(self.staging, keyring, found.record, self.signers)
            return self._opens(context, gate, found.reason, found.record)
        todo = f"to sign: {sign_command(gate)}"
        if found.status == "nothing_proposed" and self.gate_name == "rehearsal":
            todo = "a run of mode full into the sandbox proposes it"
        return View(False, f"{found.reason}; {todo}", digest=found.digest or "")

    def _opens(self, context: Context, gate: Gate, line: str, record: SignOff) -> View:
        """Open, and keep for the tasks behind it what it opened for."""
        keep_opened(self.staging, run_prefix(context), gate, record.digest)
        return View(True, line, result=record.digest)
