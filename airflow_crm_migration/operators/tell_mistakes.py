"""Says why an engagement has no DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_crm_migration.tasks import fail

if TYPE_CHECKING:
    from airflow.sdk import Context


class TellMistakesOperator(BaseOperator):
    """
    Fails with the mistakes of an engagement file.

    :param findings: one line per mistake
    """

    def __init__(self, *, findings: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.findings = findings

    def execute(self, context: Context) -> None:
        """Fail."""
        fail(self.log, self.findings)
