"""Forecasts what taking an engagement back would do, for people to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.destination import DestinationOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ForecastRollbackOperator(DestinationOperator):
    """
    Looks at all that the ledger says this engagement did; a dry run of a rollback is this alone.

    :param phases: every object that the pair can load, in the order of loading
    """

    def __init__(self, *, phases: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phases = phases

    def work(self, context: Context) -> dict[str, dict[str, int]]:
        """
        Forecast.

        :return: object -> what would become of its records -> number
        """
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.rollback import forecast_rollback

        found: dict[str, dict[str, int]] = forecast_rollback(
            self.run_of(context),
            self.destination(context),
            load(self.loaded_mapping(context)),
            self.phases,
            self.say,
        )
        return found
