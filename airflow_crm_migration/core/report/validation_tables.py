"""The tables of what stands in the destination, and of the freeze before a cutover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.drift import Drift
from airflow_crm_migration.core.report.table import Table, table
from airflow_crm_migration.core.report.words import drift_words
from airflow_crm_migration.core.validated import SAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.report.model import Facts
    from airflow_crm_migration.core.report.table import Row

KINDS = (SAME, *(kind for kind in Drift if kind is not Drift.EXTRA))


def validation_tables(facts: Facts) -> list[Table]:
    """Return the tables; those of what did not happen have no rows."""
    groups = [(name, drift_words(kind), number) for (name, kind), number in facts.differing.groups]
    return [
        _standing(facts),
        _read_back(facts),
        _links(facts),
        _differing(facts),
        table("differing_groups", ("object", "difference", "number"), groups),
        _freeze(facts),
        _late(facts),
    ]


def _standing(facts: Facts) -> Table:
    rows = [
        (v.phase, v.expected, v.counted, len(v.extra), len(v.lost_now), v.drifted)
        for v in facts.validations
    ]
    columns = ("object", "expected", "counted", "unknown", "written by this run and missing")
    return table("standing", (*columns, "not as loaded"), rows)


def _read_back(facts: Facts) -> Table:
    rows: list[Row] = [
        (v.phase, name, _how(v.sample), found.total(), *(found[kind] for kind in KINDS))
        for v in facts.validations
        for name, found in v.checked.items()
    ]
    kinds = [drift_words(kind) for kind in KINDS]
    return table("read_back", ("object", "records of", "how many", "read back", *kinds), rows)


def _how(sample: int | None) -> str:
    return "all" if sample is None else f"a sample of {sample}"


def _links(facts: Facts) -> Table:
    rows = [
        (link.object, link.field, link.expected, link.pointing, link.expected - link.pointing)
        for v in facts.validations
        for link in v.links
    ]
    columns = ("object", "field", "pointed to their parent", "still do", "do not")
    return table("links_checked", columns, rows)


def _differing(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for r in facts.differing.walk():
            line, source, source_id, part = r.key or ("", "", "", "")
            words, fields = drift_words(r.kind), ", ".join(r.fields)
            yield r.object, r.id, r.kind, words, fields, source, source_id, part, line

    columns = ("object", "id", "difference", "meaning", "fields", "made of", "source id")
    return Table("differing", (*columns, "link", "line"), walk, facts.differing.total)


def _freeze(facts: Facts) -> Table:
    freeze = facts.freeze
    if freeze is None:
        return table("freeze", ("object", "quiet", "changed after"), [])
    known = {**dict.fromkeys(freeze.quiet, "asked"), **dict.fromkeys(freeze.attested, "attested")}
    rows = [
        (name, known.get(name, "not read"), number)
        for name, number in {**dict.fromkeys(known), **freeze.after}.items()
    ]
    return table("freeze", ("object", "quiet", "changed after"), rows)


def _late(facts: Facts) -> Table:
    def walk() -> Iterator[Row]:
        for r in facts.late.walk():
            yield r.object, r.id, r.changed

    return Table("after_freeze", ("object", "id", "changed"), walk, facts.late.total)
