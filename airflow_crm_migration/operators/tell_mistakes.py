"""Says why an engagement has no DAG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator

from airflow_crm_migration.tasks import fail

if TYPE_CHECKING:
    from pathlib import Path

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


def mistakes_dag(file: Path, findings: list[str]) -> DAG:
    """
    Return a DAG that stands beside the engagement's own, so that what has run of that stays.

    :param file: the engagement file
    :param findings: its mistakes, one line each
    """
    with DAG(
        dag_id=f"crm_engagement_mistakes_{re.sub(r'[^0-9A-Za-z_.-]', '_', file.name)}",
        dag_display_name=f"{file.name} has mistakes",
        description="; ".join(findings),
        schedule=None,
        tags={"crm-migration", "mistakes"},
        doc_md="\n".join([f"### {file.name} has mistakes", "", *(f"- {f}" for f in findings)]),
    ) as dag:
        TellMistakesOperator(task_id="tell_mistakes", findings=findings)
    return dag
