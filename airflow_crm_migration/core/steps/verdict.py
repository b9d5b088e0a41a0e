"""The last step: says in words how the run ended, and whether that is good enough."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.rollback.undone import rollback_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow_crm_migration.core.run import Run


@dataclass(frozen=True)
class Verdict:
    """
    How a run ended.

    :param lines: what happened, in words
    :param failures: why it is red; empty for a good run
    """

    lines: list[str]
    failures: list[str]


def verdict_step(
    run: Run, phases: Sequence[str], failed_tasks: Collection[str], fail_on: Collection[str]
) -> Verdict:
    """
    Judge a run.

    :param phases: those that were to be loaded
    :param failed_tasks: names of the tasks that failed
    :param fail_on: what makes a run red beside failed tasks: ``rejected``, ``held``,
        ``stored_differently``
    """
    if told := rollback_lines(run):
        return Verdict(told, [f"{name} failed" for name in sorted(failed_tasks)])
    lines: list[str] = []
    total: Counter[str] = Counter()
    links = 0
    for phase in phases:
        result = run.read_if_there(f"reconcile/{phase}.json", None)
        if result is None:
            lines.append(f"{phase}: not reconciled in this run")
            continue
        counts = _count(result["lines"])
        total += counts
        links += result["joins_rejected"]
        words = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if number)
        lines.append(
            f"{phase}: {words or 'nothing to do'}; the destination counts {result['counted']}"
        )
        if result["joins_rejected"]:
            lines.append(f"{phase}: {result['joins_rejected']} links rejected")
    failures = [f"{name} failed" for name in sorted(failed_tasks)]
    failures += [
        f"{total[name]} records are {name.replace('_', ' ')}" for name in fail_on if total[name]
    ]
    if links and Outcome.REJECTED in fail_on:
        failures.append(f"{links} links are rejected")
    return Verdict(lines, failures)


def _count(lines: list[dict[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        for outcome, reasons in line["outcomes"].items():
            counts[outcome] += sum(reasons.values())
            counts[Reason.STORED_DIFFERENTLY] += reasons.get(Reason.STORED_DIFFERENTLY, 0)
            counts[Reason.STORED_DIFFERENTLY] += reasons.get(Reason.FILE_DIFFERS, 0)
    return counts
