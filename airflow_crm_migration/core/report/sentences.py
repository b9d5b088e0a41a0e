"""What happened, in sentences: the verdict of a run, and one line for each mapping line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_crm_migration.core.dedupe.model import Certainty
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.report.model import Decided, arrived
from airflow_crm_migration.core.report.words import (
    be,
    counted,
    listed,
    outcome_words,
    plural,
    reasons_told,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.reconcile import LineBalance
    from airflow_crm_migration.core.report.model import Facts, Phase

_TOLD = (Outcome.MERGED, Outcome.EXCLUDED, Outcome.HELD, Outcome.REJECTED, Outcome.DELETED)
_ONLY_LOOKS = ("validate", "rollback")


@dataclass(frozen=True)
class Verdict:
    """
    The one sentence at the top.

    :param level: how it looks: all well, to be looked at, wrong, or nothing to judge
    """

    level: Literal["good", "look", "bad", "none"]
    sentence: str


# -- the run -------------------------------------------------------------------------------


def verdict(facts: Facts) -> Verdict:
    """Judge a run in one sentence."""
    begun = [phase for phase in facts.phases if phase.lines or phase.counted]
    if facts.run.dry_run:
        return _of_dry_run(facts)
    if not begun:
        return Verdict("bad", "The run ended before anything was written.")
    failed = [p.name for p in begun if p.counted and not p.counted.reconciled]
    if failed:
        return Verdict(
            "bad",
            f"The counts do not agree for {_names(failed)}: do not rely on this run before that "
            "is mended.",
        )
    open_ones = [phase.name for phase in facts.phases if not phase.counted]
    if open_ones and facts.run.mode not in _ONLY_LOOKS:
        return Verdict(
            "bad", f"The run stopped before {_names(open_ones)} {be(2)} loaded and counted."
        )
    return _of_complete(facts)


def _names(names: list[str]) -> str:
    return listed([plural(name) for name in names])


def _of_dry_run(facts: Facts) -> Verdict:
    read = sum(line.read for phase in facts.phases for line in phase.lines)
    if not read:
        return Verdict("bad", "This dry run ended before any record was mapped.")
    mapped = f"{counted(read, 'record')} {be(read)} mapped"
    return Verdict("none", f"This was a dry run: {mapped} and nothing was written.")


def _of_complete(facts: Facts) -> Verdict:
    total = facts.totals
    conflicts = total.outcomes[Outcome.CONFLICT]
    told = [_arrived(facts) if total.meant else _standing(facts), _agreement(facts)]
    if total.meant > total.arrived:
        told.append(_left(facts))
    if conflicts:
        told.append(f"{conflicts:,} {be(conflicts)} changed in both systems")
    well = total.meant == total.arrived and not conflicts and not _drifted(facts)
    return Verdict("good" if well else "look", f"{'; '.join(told)}.")


def _arrived(facts: Facts) -> str:
    total = facts.totals
    merged = total.outcomes[Outcome.MERGED]
    part = f", {merged:,} of them as part of another record" if merged else ""
    if total.meant == total.arrived:
        return f"All {counted(total.meant, 'record')} arrived{part}"
    return f"{total.arrived:,} of {counted(total.meant, 'record')} arrived{part}"


def _standing(facts: Facts) -> str:
    count = sum(phase.counted.counted for phase in facts.phases if phase.counted)
    return f"{facts.run.destination} holds {counted(count, 'migrated record')}"


def _agreement(facts: Facts) -> str:
    drifted = _drifted(facts)
    if not drifted:
        return f"{facts.run.destination}'s own counts agree"
    gone = f"{counted(drifted, 'record')} of earlier runs {be(drifted, past=False)} gone from"
    return f"{gone} {facts.run.destination}"


def _drifted(facts: Facts) -> int:
    asked = [phase.counted for phase in facts.phases if phase.counted]
    return sum(len(found.missing) + len(found.existing_missing) for found in asked)


def _left(facts: Facts) -> str:
    outcomes = facts.totals.outcomes
    told = [
        f"{outcomes[outcome]:,} {be(outcomes[outcome])} {outcome_words(outcome)}"
        for outcome in (Outcome.REJECTED, Outcome.HELD, Outcome.DELETED)
        if outcomes[outcome]
    ]
    return listed(told) or "the others have no outcome"


def not_happened(facts: Facts) -> list[str]:
    """Return what a run of this kind does and this one did not, in sentences."""
    return [
        *_unread(facts),
        *([] if facts.run.mode in _ONLY_LOOKS else _undone(facts)),
        *_uncounted(facts),
    ]


def _unread(facts: Facts) -> Iterator[str]:
    for name in facts.unreadable:
        yield f"{name} could not be read, so what it holds is missing here."


def _undone(facts: Facts) -> Iterator[str]:
    if not facts.exports:
        yield f"{facts.run.source} was not asked which objects it gives."
    unread = [export.object for export in facts.exports if export.counts is None]
    if unread:
        yield f"{_names(unread).capitalize()} were not read from {facts.run.source}."
    steps = {
        "Duplicates were not searched for.": facts.clusters,
        "Owners were not matched.": facts.owners,
        "No mapping was proposed.": facts.mapping,
        f"{facts.run.destination} was not prepared for the data.": facts.schema,
    }
    yield from (sentence for sentence, found in steps.items() if found is None)


def _uncounted(facts: Facts) -> Iterator[str]:
    if facts.run.dry_run:
        return
    for phase in facts.phases:
        name = plural(phase.name)
        if not phase.lines and not phase.counted:
            yield f"{name.capitalize()} were not begun."
        elif not phase.counted:
            done = (
                "were not loaded to the end" if not phase.loaded else "were loaded but not counted"
            )
            yield f"{name.capitalize()} {done}."


# -- lines ---------------------------------------------------------------------------------


def line_sentence(phase: Phase, line: LineBalance) -> str:
    """
    Say what became of the records of a mapping line.

    :return: for example ``1,996 of 2,000 contacts arrived as people; 4 were rejected: …``
    """
    became = plural(phase.name)
    if Reason.FOLDED in line.outcomes.get(Outcome.MERGED, {}):
        became = f"values of {became}"
    parts = [f"{arrived(line):,} of {counted(line.read, line.source)} arrived as {became}"]
    for outcome in _TOLD:
        reasons = {r: n for r, n in line.outcomes.get(outcome, {}).items() if r != Reason.FOLDED}
        parts += _outcome_told(outcome, reasons)
    conflicts = line.outcomes.get(Outcome.CONFLICT, {})
    if conflicts:
        parts.append(f"{sum(conflicts.values()):,} of them need a look: {reasons_told(conflicts)}")
    if not line.balanced:
        parts.append(f"{line.read - line.told:,} have no outcome")
    return "; ".join(parts) + "."


def _outcome_told(outcome: Outcome, reasons: dict[str, int]) -> list[str]:
    number = sum(reasons.values())
    if not number:
        return []
    return [f"{number:,} {be(number)} {outcome_words(outcome)}: {reasons_told(reasons)}"]


def counted_sentence(phase: Phase) -> str:
    """Say what the destination answered when it was asked for its counts."""
    found = phase.counted
    if found is None:
        return f"{plural(phase.name).capitalize()} were not counted in the destination."
    told = [f"{found.counted:,} of {counted(found.expected, phase.name)} are in the destination"]
    missing = len(found.missing) + len(found.existing_missing)
    told += [f"{missing:,} missing"] if missing else []
    told += [f"{len(found.extra):,} unknown to our records"] if found.extra else []
    told += [f"{len(found.joins_missing):,} links missing"] if found.joins_missing else []
    return f"{'; '.join(told)}."


def duplicate_sentences(facts: Facts) -> list[str]:
    """Say for each object how many possible duplicates were found and what became of them."""
    return [
        f"{plural(name).capitalize()}: {'; '.join(_duplicates_told(facts, name, clusters))}."
        for name, clusters in (facts.clusters or {}).items()
    ]


def _duplicates_told(facts: Facts, name: str, clusters: Sequence[Cluster]) -> Iterator[str]:
    if not clusters:
        yield "no duplicates found"
        return
    certain = sum(cluster.kind is Certainty.CERTAIN for cluster in clusters)
    doubtful = len(clusters) - certain
    yield f"{counted(certain, 'group')} {be(certain, past=False)} certainly one record each"
    if doubtful:
        yield f"{counted(doubtful, 'group')} {be(doubtful, past=False)} in doubt"
    decided = facts.decided or Decided()
    merged, held = len(decided.merged.get(name, {})), len(decided.held.get(name, []))
    yield f"{counted(merged, 'record')} became part of another"
    if held:
        yield f"{held:,} {'waits' if held == 1 else 'wait'} for a decision"
