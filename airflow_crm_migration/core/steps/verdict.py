"""The last step: says in words how the run ended, and whether that is good enough."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.forecast import forecast_line, read_forecast
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.report.words import outcome_words
from airflow_crm_migration.core.rollback.undone import rollback_lines
from airflow_crm_migration.core.steps.freeze import read_after_freeze
from airflow_crm_migration.core.steps.validate import read_validations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.core.validated import PhaseValidation

DRIFT = "drift"
"""What a run may be red for when records are not as they were loaded."""

_LINKS = "links"
_RED = {
    Outcome.REJECTED: "are rejected",
    Outcome.HELD: "are held",
    Outcome.CONFLICT: "are in conflict",
    Reason.STORED_DIFFERENTLY: "are stored differently",
    DRIFT: "are not as they were loaded",
}


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
        ``stored_differently``, ``conflict``, ``drift``
    """
    if told := rollback_lines(run):
        return Verdict(told, _failed(failed_tasks))
    lines: list[str] = []
    total: Counter[str] = Counter()
    validations = read_validations(run, phases)
    for phase in phases:
        result = run.read_if_there(f"reconcile/{phase}.json", None)
        checked = validations.get(phase)
        if result is not None:
            counts = _count(result)
            lines += _told(phase, result, counts, dry=run.dry_run)
            total += counts
        if checked is not None:
            lines.append(str(checked))
        if result is None:
            waiting = _not_arrived(checked)
            lines += _told_of_earlier(phase, checked, waiting)
            total += waiting
        total[DRIFT] += _gone(result) if checked is None else checked.drifted
    if len(phases) > 1 and total.keys() - {DRIFT, _LINKS}:
        lines.append(f"in all: {_words(total)}")
    lines += _after_freeze(run)
    forecast = read_forecast(run)
    if forecast:
        lines.append(f"dry run, nothing was written: {forecast_line(forecast)}")
    return Verdict(lines, [*_failed(failed_tasks), *_judged(total, fail_on)])


def _failed(tasks: Collection[str]) -> list[str]:
    return [f"{name} failed" for name in sorted(tasks)]


def _judged(total: Mapping[str, int], fail_on: Collection[str]) -> Iterator[str]:
    for name in fail_on:
        if total[name]:
            yield f"{total[name]} records {_RED.get(name, name)}"
    if total[_LINKS] and Outcome.REJECTED in fail_on:
        yield f"{total[_LINKS]} links are rejected"


def _told(
    phase: str, result: Mapping[str, Any], counts: Mapping[str, int], *, dry: bool
) -> Iterator[str]:
    counted = "would count" if dry else "counts"
    yield f"{phase}: {_words(counts)}; the destination {counted} {result['counted']}"
    if counts.get(_LINKS):
        yield f"{phase}: {counts[_LINKS]} links rejected"
    if _gone(result):
        yield f"{phase}: {_gone(result)} records are gone since earlier runs or not known to us"


def _not_arrived(checked: PhaseValidation | None) -> Counter[str]:
    """Count the records that earlier runs rejected or hold; what loads counts its own."""
    found = checked.outcomes if checked is not None else Counter[str]()
    return Counter({o: found[o] for o in (Outcome.HELD, Outcome.REJECTED) if found[o]})


def _told_of_earlier(
    phase: str, checked: PhaseValidation | None, waiting: Mapping[str, int]
) -> Iterator[str]:
    if checked is None:
        yield f"{phase}: neither loaded nor validated in this run"
    elif waiting:
        yield f"{phase}: of earlier runs {_words(waiting)}"


def _words(counts: Mapping[str, int]) -> str:
    words = [f"{counts[o]} {outcome_words(o)}" for o in Outcome if counts.get(o)]
    if counts.get(Reason.STORED_DIFFERENTLY):
        words.append(f"{counts[Reason.STORED_DIFFERENTLY]} of them stored differently")
    return ", ".join(words) or "nothing to do"


def _gone(result: Mapping[str, Any] | None) -> int:
    """Return how many records a count found removed since earlier runs, or too many."""
    if result is None:
        return 0
    earlier = len(result["missing"]) - len(result["missing_now"])
    return earlier + len(result["existing_missing"]) + len(result["extra"])


def _after_freeze(run: Run) -> Iterator[str]:
    counts = read_after_freeze(run) or {}
    told = [f"{number} {name}" for name, number in counts.items() if number]
    if counts:
        yield f"after the freeze: {', '.join(told) or 'nothing'} changed in the source"


def _count(result: Mapping[str, Any]) -> Counter[str]:
    counts = Counter({_LINKS: result["joins_rejected"]})
    for line in result["lines"]:
        for outcome, reasons in line["outcomes"].items():
            counts[outcome] += sum(reasons.values())
            counts[Reason.STORED_DIFFERENTLY] += reasons.get(Reason.STORED_DIFFERENTLY, 0)
            counts[Reason.STORED_DIFFERENTLY] += reasons.get(Reason.FILE_DIFFERS, 0)
    return counts
