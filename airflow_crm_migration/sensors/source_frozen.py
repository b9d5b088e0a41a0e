"""The gate that waits until nobody works in the source any more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import time_text
from airflow_crm_migration.core.errors import CrmError, Refused, Unauthorised
from airflow_crm_migration.core.freeze import (
    FREEZE,
    PARAMETER,
    Quiet,
    ask_quiet,
    declared_instant,
)
from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.hooks.registry import source_hook
from airflow_crm_migration.sensors.base import GateSensor, View
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class SourceFrozenSensor(GateSensor):
    """
    Waits until the declared instant has passed and nothing in the source is newer.

    The instant is the run's parameter ``frozen_at``; runs of other modes than cutover pass through.

    What cannot be asked is named in ``<run>/freeze.json`` as to be attested: whoever signs the
    cutover vouches for it.

    :param platform: the source's platform
    :param conn_id: its connection, None where everything comes from files
    :param objects: objects of the source that are read
    """

    def __init__(
        self,
        *,
        platform: str,
        conn_id: str | None,
        objects: Sequence[str],
        gate: str = "freeze",
        **kwargs: Any,
    ) -> None:
        super().__init__(gate=gate, **kwargs)
        self.platform = platform
        self.conn_id = conn_id
        self.objects = tuple(objects)

    def look(self, context: Context) -> View:
        """
        Look at the clock, then ask the source.

        :raises UserMistake: the parameter is blank or no time with a zone
        """
        params = context["params"]
        if params["mode"] != Mode.CUTOVER:
            return View(True, f"a run of mode {params['mode']} freezes nothing")
        instant, now = declared_instant(params[PARAMETER]), datetime.now(UTC)
        if now < instant:
            self._review(instant)
            return View(False, f"the source freezes at {time_text(instant)}", pause=instant - now)
        source = source_hook(self.platform, self.conn_id) if self.conn_id else None
        try:
            found = ask_quiet(source, self.objects, instant)
        except (Unauthorised, Refused):
            raise
        except CrmError as error:
            said = self.fit_to_log(context, error)
            return View(False, f"{self.conn_id} could not be asked: {said}")
        return self._view(found, instant, run_prefix(context))

    def _review(self, instant: datetime, **told: Any) -> str:
        review = f"review/{self.gate(self.gate_name).slot}.json"
        self.staging.write_json(review, {PARAMETER: time_text(instant), **told})
        return review

    def _view(self, found: Quiet, instant: datetime, run: str) -> View:
        newest = {name: time_text(time) for name, time in found.loud.items()}
        known = {"quiet": found.quiet, "attested": found.attested}
        review, at = self._review(instant, not_quiet=newest, **known), time_text(instant)
        if found.loud:
            line = (
                f"{len(found.loud)} of {len(self.objects)} objects hold records newer than {at} "
                f"({', '.join(found.loud)}); {review} says since when: stop the work in the "
                f"source, then begin a cutover with a later {PARAMETER}"
            )
            return View(False, line)
        self.staging.write_json(f"{run}/{FREEZE}", {PARAMETER: at, **known})
        line = (
            f"frozen since {at}: {len(found.quiet)} objects are quiet, {len(found.attested)} "
            "cannot be asked and are to be attested"
        )
        return View(True, line, result=at)
