"""The tables of a report. The page and the CSV files are made of the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.report.forecasted import forecast_table
from airflow_crm_migration.core.report.mapping_words import fold_rows, line_rows
from airflow_crm_migration.core.report.model import Decided, number_of
from airflow_crm_migration.core.report.preflighted import preflight_table
from airflow_crm_migration.core.report.rollback_tables import rollback_tables
from airflow_crm_migration.core.report.table import Table, table
from airflow_crm_migration.core.report.validation_tables import validation_tables
from airflow_crm_migration.core.report.words import (
    COMPATIBILITY,
    GATES,
    outcome_words,
    reason_words,
    spoken,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_crm_migration.core.mapping import FieldRule
    from airflow_crm_migration.core.reconcile import LineBalance
    from airflow_crm_migration.core.report.model import Facts, Phase
    from airflow_crm_migration.core.report.table import Row

OUTCOMES = (
    Outcome.CREATED,
    Outcome.UPDATED,
    Outcome.UNCHANGED,
    Outcome.LINKED,
    Outcome.RESTORED,
    Outcome.MERGED,
    Outcome.EXCLUDED,
    Outcome.HELD,
    Outcome.CONFLICT,
    Outcome.REJECTED,
    Outcome.DELETED,
)

SELDOM = (Outcome.RESTORED, Outcome.DELETED)
"""Outcomes that people are shown only when there were any."""


def all_tables(facts: Facts) -> dict[str, Table]:
    """Return every table of a report by name; one of what did not happen has no rows."""
    made = [
        _reconciliation(facts),
        _outcomes(facts),
        _counts(facts),
        _links(facts),
        *validation_tables(facts),
        *rollback_tables(facts),
        _rejects(facts),
        _reject_groups(facts),
        _conflicts(facts),
        _conflict_groups(facts),
        _left_out(facts),
        _left_out_groups(facts),
        _duplicates(facts),
        _promises(facts),
        _mapping(facts),
        _choices(facts),
        _options(facts),
        _spellings(facts),
        _owners(facts),
        _schema(facts),
        _files(facts),
        _sign_offs(facts),
        _export(facts),
        _absent(facts),
        _unreadable(facts),
        _gone(facts),
        forecast_table(facts),
        preflight_table(facts),
    ]
    return {one.name: one for one in made}


# -- reconciliation ------------------------------------------------------------------------


def _reconciliation(facts: Facts) -> Table:
    rows = [_balance_row(phase, line) for phase in facts.phases for line in phase.lines]
    outcomes = [str(outcome) for outcome in OUTCOMES]
    columns = ("object", "becomes", "line", "read", *outcomes, "sum of outcomes", "balanced")
    return table("reconciliation", columns, rows)


def _balance_row(phase: Phase, line: LineBalance) -> Row:
    numbers = [number_of(line, outcome) for outcome in OUTCOMES]
    balanced = "yes" if line.balanced else "no"
    return [line.source, phase.name, line.line, line.read, *numbers, line.told, balanced]


def _outcomes(facts: Facts) -> Table:
    rows = [
        (line.source, phase.name, line.line, outcome, reason, number, reason_words(reason))
        for phase in facts.phases
        for line in phase.lines
        for outcome, reasons in line.outcomes.items()
        for reason, number in reasons.items()
    ]
    columns = ("object", "becomes", "line", "outcome", "reason", "number", "meaning")
    return table("outcomes", columns, rows)


def _counts(facts: Facts) -> Table:
    columns = (
        "object",
        "expected",
        "counted",
        "missing",
        "written by this run and missing",
        "unknown",
        "existing records used",
        "existing records missing",
        "links checked",
        "links missing",
        "agrees",
    )
    return table("counts", columns, [_count_row(phase) for phase in facts.phases])


def _count_row(phase: Phase) -> Row:
    found = phase.counted
    if found is None:
        return (phase.name, *(None,) * 9, "not asked")
    return (
        phase.name,
        found.expected,
        found.counted,
        len(found.missing),
        len(found.missing_now),
        len(found.extra),
        found.existing_expected,
        len(found.existing_missing),
        found.joins_expected,
        len(found.joins_missing),
        "yes" if found.reconciled else "no",
    )


def _links(facts: Facts) -> Table:
    rows = [
        (phase.name, outcome, number, outcome_words(outcome))
        for phase in facts.phases
        for outcome, number in sorted(phase.joins.items())
    ]
    return table("links", ("object", "outcome", "number", "meaning"), rows)


# -- records -------------------------------------------------------------------------------


def _rejects(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for r in facts.not_arrived.walk():
            words = reason_words(r.reason)
            yield r.object, r.source_id, r.outcome, r.reason, words, r.detail, r.line, r.at, r.run

    columns = ("object", "id", "outcome", "reason", "meaning", "detail", "line", "at", "run")
    return Table("rejects", columns, walk, facts.not_arrived.total)


def _reject_groups(facts: Facts) -> Table:
    rows = _grouped(facts.not_arrived.groups)
    return table("reject_groups", ("object", "outcome", "reason", "number", "meaning"), rows)


def _conflicts(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for r in facts.disputed.walk():
            what = reason_words(r.reason)
            values = (r.before, r.source, r.destination)
            yield r.object, r.source_id, r.field, what, *values, r.kept, r.id, r.line

    columns = ("object", "id", "field", "what happened", "sent before", "in the source now")
    more = ("in the destination", "kept", "id there", "line")
    return Table("conflicts", (*columns, *more), walk, facts.disputed.total)


def _conflict_groups(facts: Facts) -> Table:
    rows = _grouped(facts.disputed.groups)
    return table("conflict_groups", ("object", "field", "reason", "number", "meaning"), rows)


def _left_out(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for r in facts.left_out.walk():
            yield (
                r.object,
                r.source_id,
                r.field,
                r.problem,
                reason_words(r.problem),
                r.detail,
                r.line,
            )

    columns = ("object", "id", "field", "problem", "meaning", "detail", "line")
    return Table("left_out", columns, walk, facts.left_out.total)


def _left_out_groups(facts: Facts) -> Table:
    rows = _grouped(facts.left_out.groups)
    return table("left_out_groups", ("object", "field", "problem", "number", "meaning"), rows)


def _grouped(groups: Sequence[tuple[tuple[str, ...], int]]) -> list[Row]:
    return [(*group, number, reason_words(group[-1])) for group, number in groups]


def _duplicates(facts: Facts) -> Table:
    def rows() -> Iterator[Row]:
        for name, clusters in (facts.clusters or {}).items():
            for cluster in clusters:
                members = [m for m in cluster.members if m != cluster.survivor]
                yield (
                    name,
                    cluster.survivor,
                    ", ".join(members),
                    len(cluster.members),
                    cluster.kind,
                    ", ".join(spoken(reason) for reason in cluster.reasons),
                    f"{cluster.score:.2f}",
                    _decision(facts, name, cluster.members),
                )

    columns = ("object", "stays", "others", "records", "certainty", "why", "score", "decision")
    return table("duplicates", columns, rows())


def _decision(facts: Facts, object_name: str, members: Sequence[str]) -> str:
    if facts.decided is None:
        return "not decided"
    decided = facts.decided.get(object_name, Decided())
    if any(member in decided.held for member in members):
        return "held"
    if any(member in decided.arrived for member in members):
        return "both arrived before"
    gone = sum(member in decided.merged for member in members)
    if gone == len(members) - 1:
        return "merged"
    return "partly merged" if gone else "kept apart"


# -- mapping -------------------------------------------------------------------------------


def _promises(facts: Facts) -> Table:
    rows = [
        (
            row.source,
            row.destination,
            COMPATIBILITY[row.compatibility],
            row.sentence,
            ", ".join(row.by),
        )
        for row in (facts.mapping.rows if facts.mapping else ())
    ]
    columns = ("object", "becomes", "compatibility", "what happens", "by")
    return table("promises", columns, rows)


def _mapping(facts: Facts) -> Table:
    def rows() -> Iterator[Row]:
        if facts.mapping is None:
            return
        for line in facts.mapping.lines:
            for kind, source, to, how in line_rows(line):
                yield line.id, line.source, line.destination, kind, source, to, how
        for fold in facts.mapping.folds:
            for kind, source, to, how in fold_rows(fold):
                yield fold.id, fold.source, None, kind, source, to, how

    columns = ("line", "object", "becomes", "kind", "from", "to", "how")
    return table("mapping", columns, rows())


def _choices(facts: Facts) -> Table:
    rows = [(one.question, one.value, ", ".join(one.offered)) for one in facts.choices]
    return table("choices", ("question", "chosen", "offered"), rows)


def _options(facts: Facts) -> Table:
    rows = [
        (
            line.id,
            line.destination,
            rule.to,
            option.label,
            option.value,
            _sources_of(rule, option.value),
        )
        for line in (facts.mapping.lines if facts.mapping else ())
        for rule in line.fields
        if isinstance(rule.options, tuple)
        for option in rule.options
    ]
    columns = ("line", "object", "field", "choice", "stored as", "made of (any spelling)")
    return table("options", columns, rows)


def _sources_of(rule: FieldRule, value: str) -> str:
    return "; ".join(given for given, made in (rule.map or {}).items() if made == value)


def _spellings(facts: Facts) -> Table:
    rows = [(one.line, one.field, one.before, one.after) for one in facts.spellings]
    return table("spellings", ("line", "field", "in the source", "in the destination"), rows)


# -- the rest ------------------------------------------------------------------------------


def _owners(facts: Facts) -> Table:
    rows = [
        (one.name, one.email, one.records, spoken(one.status), one.by, one.member_id)
        for one in facts.owners or ()
    ]
    columns = ("name", "e-mail", "records", "status", "found by", "member id")
    return table("owners", columns, rows)


def _schema(facts: Facts) -> Table:
    rows = [(one.object, one.field, spoken(one.action), one.detail) for one in facts.schema or ()]
    return table("schema", ("object", "field", "change", "detail"), rows)


def _files(facts: Facts) -> Table:
    rows = [(name, number, reason_words(name)) for name, number in (facts.files or {}).items()]
    left = sum(phase.residue for phase in facts.phases)
    if left:
        rows.append(("unattached", left, "uploaded and attached to nothing"))
    return table("files", ("what", "number", "meaning"), rows)


def _sign_offs(facts: Facts) -> Table:
    rows = [
        (
            gate.name,
            gate.environment,
            GATES.get(gate.status, spoken(gate.status)),
            gate.signer,
            gate.time,
            gate.recorded_by,
            gate.document,
            gate.reason,
        )
        for gate in facts.gates
    ]
    columns = ("gate", "environment", "status", "signer", "time")
    return table("sign_offs", (*columns, "recorded by", "document", "detail"), rows)


def _export(facts: Facts) -> Table:
    names = ("read", "rejected", "collapsed", "api_only", "csv_only", "both")
    rows = [
        (
            *(e.object, e.route, e.reason, e.count),
            *((e.counts or {}).get(name) for name in names),
            *((e.since, e.anew, e.base) if e.base else (None, None, e.extract_of or None)),
        )
        for e in facts.exports
    ]
    columns = ("object", "route", "why", "source's count", "read", "not readable", "equal twice")
    later = ("changes since", "read anew", "rest from run")
    return table("export", (*columns, "API alone", "CSV alone", "both", *later), rows)


def _absent(facts: Facts) -> Table:
    rows = [(export.object, name) for export in facts.exports for name in export.absent]
    return table("absent", ("object", "field"), rows)


def _unreadable(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for cell in facts.bad_cells.walk():
            problem = reason_words(cell.problem)
            yield cell.object, cell.id, cell.file, cell.row, cell.field, problem, cell.value

    columns = ("object", "id", "file", "row", "field", "problem", "value")
    return Table("unreadable", columns, walk, facts.bad_cells.total)


def _gone(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for row in facts.gone.walk():
            yield row.object, row.id, row.line, row.destination_id

    return Table("gone", ("object", "id", "line", "destination id"), walk, facts.gone.total)
