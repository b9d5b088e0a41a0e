"""What happened, in sentences: the verdict of a run, and one line for each mapping line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_crm_migration.core.dedupe.model import Certainty
from airflow_crm_migration.core.drift import Drift
from airflow_crm_migration.core.outcomes import Outcome, Reason
from airflow_crm_migration.core.report.model import Decided, arrived
from airflow_crm_migration.core.report.words import (
    counted,
    listed,
    outcome_words,
    plural,
    reasons_told,
    verb,
)
from airflow_crm_migration.core.validated import SAME, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.reconcile import LineBalance
    from airflow_crm_migration.core.report.model import Facts, Phase, Rollback

_TOLD = (Outcome.MERGED, Outcome.EXCLUDED, Outcome.HELD, Outcome.REJECTED, Outcome.DELETED)
_LEFT = (Outcome.REJECTED, Outcome.HELD, Outcome.DELETED)
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
    of_mode = {"validate": _of_validation, "rollback": _of_rollback}.get(facts.run.mode)
    if of_mode is not None:
        return of_mode(facts)
    if not any(phase.lines or phase.counted for phase in facts.phases):
        return Verdict("bad", "The run ended before anything was written.")
    if facts.run.dry_run:
        return _of_dry_run(facts)
    failed = [p.name for p in facts.phases if p.counted and not p.counted.reconciled]
    if failed:
        sentence = f"The counts do not agree for {_names(failed)}: mend that before you go on."
        return Verdict("bad", sentence)
    undone = [phase.name for phase in facts.phases if not phase.counted]
    if undone and facts.run.mode not in _ONLY_LOOKS:
        sentence = f"The run stopped before {_names(undone)} were loaded and counted."
        return Verdict("bad", sentence)
    return _of_complete(facts)


def _of_validation(facts: Facts) -> Verdict:
    if not facts.validations:
        return Verdict("bad", "The run ended before anything was validated.")
    good = not any(checked.drifted for checked in facts.validations)
    return Verdict("good" if good else "look", f"{'; '.join(_validated(facts))}.")


def _validated(facts: Facts) -> Iterator[str]:
    """Walk what was found of the records that were read back, in sentences without an end."""
    found: Counter[str] = sum((v.found for v in facts.validations), Counter())
    read = found.total() - found[Drift.EXTRA]
    if facts.validations:
        asis = f"{found[SAME]:,} of {counted(read, 'record')} read back"
        yield f"{asis} {'is' if found[SAME] == 1 else 'are'} {WORDS[SAME]}"
    for kind in Drift:
        if found[kind]:
            yield f"{found[kind]:,} {'is' if found[kind] == 1 else 'are'} {WORDS[kind]}"


def _of_rollback(facts: Facts) -> Verdict:
    found = facts.rollback
    if found is None:
        return Verdict("bad", "The run ended before it was forecast what a rollback would do.")
    dry = facts.run.dry_run
    told = _taken_back(found, dry=dry or not any(phase.undone for phase in found.phases))
    if dry:
        return Verdict("none", f"This was a dry run and nothing was taken back: {told}.")
    missing = [phase.name for phase in found.phases if phase.undone is None]
    if missing:
        return Verdict("bad", f"The rollback stopped before {_names(missing)} were undone: {told}.")
    wrong = [phase.name for phase in found.phases if not phase.complete]
    if wrong:
        where = f"{facts.run.destination} does not hold of {_names(wrong)} what it should"
        return Verdict("bad", f"{where}, or was not asked: {told}.")
    return Verdict("look" if facts.kept.total else "good", f"{told}.".capitalize())


def _taken_back(found: Rollback, *, dry: bool) -> str:
    """Say what is deleted, restored and kept, as far as it was undone or else by forecast."""
    total = Counter[str]()
    for phase in found.phases:
        total.update(phase.planned if dry else phase.undone or {})
    words = {"delete": "deleted", "restore": "restored", "trash": "put back into the trash"}
    told = [
        f"{total[action]:,} {verb(total[action], dry=dry)} {word}"
        for action, word in words.items()
        if total[action]
    ]
    kept = f"{total['keep']:,} {verb(total['keep'], dry=dry)} kept"
    return listed([*told, kept] if total["keep"] else told) or "nothing was to be taken back"


def _names(names: list[str]) -> str:
    return listed([plural(name) for name in names])


def _of_dry_run(facts: Facts) -> Verdict:
    told = f"This was a dry run and nothing was written: {_arrived(facts)}"
    return Verdict("none", f"{'; '.join([told, *_left(facts)])}.")


def _of_complete(facts: Facts) -> Verdict:
    total = facts.totals
    conflicts = total.outcomes[Outcome.CONFLICT]
    told = [_arrived(facts) if total.meant else _standing(facts), _agreement(facts), *_left(facts)]
    if conflicts:
        told.append(f"{conflicts:,} {verb(conflicts)} changed in both systems")
    told += _validated(facts)
    refused = sum(_refused_links(phase) for phase in facts.phases)
    well = total.meant == total.arrived and not (conflicts or refused or _drifted(facts))
    well = well and not any(checked.drifted for checked in facts.validations)
    return Verdict("good" if well else "look", f"{'; '.join(told)}.")


def _arrived(facts: Facts) -> str:
    """Tell of records of the destination: what several lines make one of each is several."""
    total = facts.totals
    merged = total.outcomes[Outcome.MERGED]
    part = f", {merged:,} of them as part of another record" if merged else ""
    arrive = "would arrive" if facts.run.dry_run else "arrived"
    due = f"{counted(total.meant, 'record')} due in {facts.run.destination}"
    number = "All" if total.meant == total.arrived else f"{total.arrived:,} of"
    return f"{number} {due} {arrive}{part}"


def _standing(facts: Facts) -> str:
    count = sum(phase.counted.counted for phase in facts.phases if phase.counted)
    return f"{facts.run.destination} holds {counted(count, 'migrated record')}"


def _agreement(facts: Facts) -> str:
    drifted = _drifted(facts)
    if not drifted:
        return f"{facts.run.destination}'s own counts agree"
    gone = f"{counted(drifted, 'record')} of earlier runs {'is' if drifted == 1 else 'are'} gone"
    return f"{gone} from {facts.run.destination}"


def _drifted(facts: Facts) -> int:
    asked = [phase.counted for phase in facts.phases if phase.counted]
    return sum(len(found.missing) + len(found.existing_missing) for found in asked)


def _left(facts: Facts) -> list[str]:
    outcomes, dry = facts.totals.outcomes, facts.run.dry_run
    told = [
        f"{outcomes[outcome]:,} {verb(outcomes[outcome], dry=dry)} {outcome_words(outcome)}"
        for outcome in _LEFT
        if outcomes[outcome]
    ]
    where = {plural(p.name): number for p in facts.phases if (number := _refused_links(p))}
    links = [f"{counted(number, 'link')} of {name}" for name, number in where.items()]
    number = sum(where.values())
    return told + ([f"{listed(links)} {verb(number, dry=dry)} refused"] if links else [])


def _refused_links(phase: Phase) -> int:
    return phase.joins.get(Outcome.REJECTED, 0)


# -- what did not happen -------------------------------------------------------------------


def not_happened(facts: Facts) -> list[str]:
    """Return what a run of this kind does and this one did not, in sentences."""
    undone = [] if facts.run.mode in _ONLY_LOOKS else _undone(facts)
    return [*_torn(facts), *undone, *_unfinished(facts)]


def _torn(facts: Facts) -> Iterator[str]:
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


def _unfinished(facts: Facts) -> Iterator[str]:
    for phase in facts.phases:
        name = plural(phase.name).capitalize()
        if not phase.lines and not phase.loaded and not phase.counted:
            yield f"{name} were not begun."
        elif not phase.loaded and not phase.counted:
            yield f"{name} were not loaded to the end."
        elif not phase.counted and not facts.run.dry_run:
            yield f"{name} were loaded but not counted."


# -- lines ---------------------------------------------------------------------------------


def line_sentence(phase: Phase, line: LineBalance, *, dry: bool = False) -> str:
    """
    Say what became of the records of a mapping line.

    :param dry: say what would have become of them
    :return: for example ``1,996 of 2,000 contacts arrived as people; 4 were rejected: …``
    """
    became = plural(phase.name)
    if Reason.FOLDED in line.outcomes.get(Outcome.MERGED, {}):
        became = f"values of {became}"
    arrive = "would arrive" if dry else "arrived"
    parts = [f"{arrived(line):,} of {counted(line.read, line.source)} {arrive} as {became}"]
    conflicts = line.outcomes.get(Outcome.CONFLICT, {})
    if conflicts:
        parts.append(f"{sum(conflicts.values()):,} of them in conflict: {reasons_told(conflicts)}")
    for outcome in _TOLD:
        reasons = {r: n for r, n in line.outcomes.get(outcome, {}).items() if r != Reason.FOLDED}
        number = sum(reasons.values())
        if number:
            was = f"{number:,} {verb(number, dry=dry)} {outcome_words(outcome)}"
            parts.append(f"{was}: {reasons_told(reasons)}")
    if not line.balanced:
        parts.append(f"{line.read - line.told:,} have no outcome")
    return f"{'; '.join(parts)}."


def links_sentence(phase: Phase, destination: str, *, dry: bool = False) -> str:
    """
    Say how many links of a phase's records the destination refused; blank when it took all.

    :param destination: its name
    :param dry: say what it would do
    """
    number = _refused_links(phase)
    if not number:
        return ""
    refused = "would refuse" if dry else "refused"
    told = f"{destination} {refused} {counted(number, 'link')} of {plural(phase.name)}"
    return f"{told}; what was left out names {'it' if number == 1 else 'each of them'}."


def counted_sentence(phase: Phase, destination: str) -> str:
    """
    Say what the destination answered when it was asked for its counts.

    :param destination: its name
    """
    found = phase.counted
    if found is None:
        return f"{destination} was not asked for its {plural(phase.name)}."
    number = f"{counted(found.counted, phase.name)} from this migration"
    told = [f"{destination} counts {number}, {found.expected:,} expected"]
    missing = len(found.missing) + len(found.existing_missing)
    told += [f"{missing:,} missing"] if missing else []
    told += [f"{len(found.extra):,} unknown to our records"] if found.extra else []
    told += [f"{len(found.joins_missing):,} links missing"] if found.joins_missing else []
    return f"{'; '.join(told)}."


# -- duplicates ----------------------------------------------------------------------------


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
    yield f"{counted(certain, 'certain group')} and {counted(doubtful, 'doubtful group')}"
    if facts.decided is None:
        yield "not decided in this run"
        return
    decided = facts.decided.get(name, Decided())
    merged, held = len(decided.merged), len(decided.held)
    yield f"{counted(merged, 'record')} {verb(merged)} merged into another"
    yield f"{counted(held, 'record')} {verb(held)} held back until somebody decides"
