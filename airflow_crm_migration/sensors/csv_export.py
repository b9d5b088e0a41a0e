"""The gate that waits until the customer's CSV files are there and usable."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.core.protocols import Route
from airflow_crm_migration.hooks.registry import hook_class
from airflow_crm_migration.sensors.base import GateSensor, View
from airflow_crm_migration.tasks import run_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from airflow_crm_migration.core.inbox import Expected, InboxState


_SECOND_LOOK = timedelta(minutes=1)


class CsvExportSensor(GateSensor):
    """
    Waits until ``inbox/`` holds what ``<run>/probe.json`` says must come as a file.

    It opens when two looks find the same usable files, for then nobody is writing any more. A run
    that looks for changes takes no file that was loaded before, a cutover none from before the
    freeze. What is missing or wrong stands in ``review/csv/``.

    :param platform: the source's platform
    :param identities: source object -> fields that identify a record; only these are waited for
    :param form: ``csv`` of the engagement: how the files are written
    """

    def __init__(
        self,
        *,
        platform: str,
        identities: Mapping[str, Sequence[str]],
        form: Mapping[str, Any] | None = None,
        gate: str = "csv",
        **kwargs: Any,
    ) -> None:
        super().__init__(gate=gate, **kwargs)
        self.platform = platform
        self.identities = {name: tuple(fields) for name, fields in identities.items()}
        self.form = dict(form or {})

    def look(self, context: Context) -> View:
        """Check every file that the probe asks for."""
        from airflow_crm_migration.core.csv_format import CsvFormat
        from airflow_crm_migration.core.freeze import PARAMETER, declared_instant
        from airflow_crm_migration.core.inbox import inbox_state
        from airflow_crm_migration.core.watermarks import read_watermarks

        params = context["params"]
        if params.get("extract_of"):
            return View(True, f"the files are those of run {params['extract_of']}", result={})
        expected = self._expected(run_prefix(context))
        mode = Mode(params["mode"])
        names = [want.spec.name for want in expected] if mode.needs_new_files else []
        loaded = read_watermarks(self.staging, self.environment, names)
        frozen_at = declared_instant(params[PARAMETER]) if mode is Mode.CUTOVER else None
        form = CsvFormat.model_validate(self.form)
        found = inbox_state(self.staging, expected, form, loaded, frozen_at)
        review = f"review/{self.gate(self.gate_name).slot}.json"
        before = self._digests(review)
        self.staging.write_json(
            review,
            {
                "findings": list(found.findings),
                "digests": dict(found.digests),
                "rows": dict(found.rows),
            },
        )
        return _view(found, f"{self.staging.root}", review, unchanged=found.digests == before)

    def _expected(self, run: str) -> list[Expected]:
        from airflow_crm_migration.core.inbox import Expected

        routes = {
            row["object"]: row["route"] for row in self.staging.read_json(f"{run}/probe.json")
        }
        return [
            Expected(
                spec,
                id_needed=self.identities[name] == ("id",),
                optional=routes[name] == Route.API_AND_CSV,
            )
            for name, spec in hook_class(self.platform).objects.items()
            if name in self.identities and routes.get(name) in (Route.CSV, Route.API_AND_CSV)
        ]

    def _digests(self, review: str) -> dict[str, str] | None:
        if not self.staging.exists(review):
            return None
        digests: dict[str, str] = self.staging.read_json(review)["digests"]
        return digests


def _view(found: InboxState, root: str, review: str, *, unchanged: bool) -> View:
    if not found.ready:
        line = f"{len(found.findings)} things are missing or wrong in {root}/inbox"
        return View(False, f"{line}; {root}/{review} says what")
    if found.digests and not unchanged:
        line = (
            "the files in inbox/ are complete; the next look tells whether they are still written"
        )
        return View(False, line, pause=_SECOND_LOOK)
    line = f"{len(found.digests)} files are complete"
    if found.unchanged:
        line += f"; exported again without a change: {', '.join(found.unchanged)}"
    return View(True, line, result=dict(found.rows))
