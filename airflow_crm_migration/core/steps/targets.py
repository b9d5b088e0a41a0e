"""Stops a mapping that would write records a second time, as something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.ledger.writer import Ledger

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.core.run import Run


def check_targets(run: Run, mapping: Mapping) -> None:
    """
    Check that every line under which records stand in the destination is still in the mapping.

    :param mapping: as signed
    :raises UserMistake: naming per line that is gone the lines that its source object has now
    """
    with Ledger(run.staging, run.ledger) as ledger:
        standing = ledger.snapshot.standing_by_line()
    findings = []
    for (line, source), number in standing.items():
        if mapping.find_line(line) is None:
            now = [other.id for other in mapping.lines if other.source == source]
            findings.append(
                f"mapping ({run.environment}): {number} records of {source!r} stand in the "
                f"destination by line {line!r}, which the signed mapping no longer has; "
                f"{source!r} now goes by {', '.join(map(repr, now)) or 'no line'}: a changed "
                "target demands rollback of these records first; until then choose as before "
                "and have that mapping signed"
            )
    if findings:
        raise UserMistake(findings)
