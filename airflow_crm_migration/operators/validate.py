"""Compares what stands in the destination with what was loaded; writes nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.operators.destination import DestinationOperator
from airflow_crm_migration.tasks import fail

if TYPE_CHECKING:
    from airflow.sdk import Context


class ValidateOperator(DestinationOperator):
    """
    Counts, reads back and compares; what it finds is judged by the verdict.

    The run's parameters are ``read_back``, records per object that are compared field by field, and
    ``contents``, whether files are downloaded and their bytes compared. A cutover compares all.

    :param phases: objects of the destination, in the order of loading
    """

    def __init__(self, *, phases: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phases = phases

    def work(self, context: Context) -> list[str]:
        """
        Validate.

        :return: what was found, in words
        """
        from airflow_crm_migration.core.modes import Mode
        from airflow_crm_migration.core.steps.mapping import load
        from airflow_crm_migration.core.steps.reconcile import NotReconciled
        from airflow_crm_migration.core.steps.validate import validate_step

        params = context["params"]
        whole = params["mode"] == Mode.CUTOVER
        try:
            return validate_step(
                self.run_of(context),
                self.destination(context),
                load(self.loaded_mapping(context)),
                self.phases,
                sample=None if whole else params["read_back"],
                contents=params["contents"],
                say=self.say,
            )
        except NotReconciled as error:
            fail(self.log, [str(error)])
