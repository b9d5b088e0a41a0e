"""The report of a validation and of a freeze: figures that agree, and sections only when needed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.staging import PartWriter
from airflow_crm_migration.core.validated import LinkCheck, PhaseValidation
from tests.support.report import RUN, MadeRun, Report

if TYPE_CHECKING:
    from airflow_crm_migration.core.staging import Staging

HOSTILE = "<script>alert(1)</script>"
ROWS = [
    {"kind": "changed", "object": "person", "id": "p1", "fields": ["city", "jobTitle"],
     "key": ["person", "contact", "c-1", ""]},
    {"kind": "gone", "object": "taskTarget", "id": "j1", "fields": [],
     "key": ["activity", "activity", "a-1", "taskTarget:contact:c-1"]},
    {"kind": "extra", "object": "person", "id": "x1", "key": None, "fields": []},
    {"kind": "changed", "object": "person", "id": HOSTILE, "fields": ["city"],
     "key": ["person", "contact", "=1+1", ""]},
]  # fmt: skip


def validated(run: MadeRun) -> MadeRun:
    links = [LinkCheck("person", "companyId", 7, 6)]
    people = PhaseValidation(
        "person", expected=10, counted=11, checked={"person": Counter(same=8, changed=2)},
        extra=["x1"], links=links,
    )  # fmt: skip
    tasks = PhaseValidation(
        "task", 5, 20, 20,
        checked={"task": Counter(same=5), "taskTarget": Counter(same=3, gone=1)},
    )  # fmt: skip
    for result, rows in (
        (people, [r for r in ROWS if r["object"] == "person"]),
        (tasks, ROWS[1:2]),
    ):
        run.write(f"validate/{result.phase}.json", result.as_json())
        keep(run.staging, f"validate/{result.phase}", rows)
    return run


def keep(staging: Staging, folder: str, rows: list[dict[str, object]], **facts: object) -> None:
    writer = PartWriter(staging, f"{RUN}/{folder}")
    for row in rows:
        writer.add(row)
    writer.finish(**facts)


def frozen(run: MadeRun) -> MadeRun:
    at = {"frozen_at": "2026-03-01T17:00:00.000Z", "quiet": ["contact"], "attested": ["deal"]}
    run.write("freeze.json", at)
    late = [{"object": "contact", "id": "c-9", "changed": "2026-03-01T18:00:00.000Z"}]
    keep(run.staging, "after_freeze", late, counts={"contact": 1, "deal": 0, "tag": None})
    return run


def sections(report: Report) -> set[str | None]:
    return {attrs["id"] for tag, attrs in report.page.tags if tag == "section"}


def test_a_run_that_validated_nothing_has_no_such_sections(report: Report) -> None:
    assert not {"validation", "freeze"} & sections(report)


def test_a_validation_is_told_per_object_and_per_record(run: MadeRun) -> None:
    report = validated(run.begin(mode="validate")).report()
    assert "validation" in sections(report)
    assert "freeze" not in sections(report)
    standing = report.csv("standing")
    assert [(r["object"], r["counted"], r["unknown"], r["not as loaded"]) for r in standing] == [
        ("person", "11", "1", "3"),
        ("task", "20", "0", "1"),
    ]
    back = {r["records of"]: r for r in report.csv("read_back")}
    assert {n: (r["how many"], r["read back"], r["as loaded"]) for n, r in back.items()} == {
        "person": ("all", "10", "8"),
        "task": ("a sample of 5", "5", "5"),
        "taskTarget": ("a sample of 5", "4", "3"),
    }
    [links] = report.csv("links_checked")
    assert list(links.values()) == ["person", "companyId", "7", "6", "1"]
    rows = report.csv("differing")
    assert [(r["id"], r["difference"], r["fields"]) for r in rows] == [
        ("p1", "changed", "city, jobTitle"),
        ("x1", "extra", ""),
        (HOSTILE, "changed", "city"),
        ("j1", "gone", ""),
    ]
    assert rows[3]["link"] == "taskTarget:contact:c-1"
    assert rows[2]["source id"] == "'=1+1"
    groups = {(r["object"], r["difference"]): r["number"] for r in report.csv("differing_groups")}
    assert groups["person", "changed since"] == "2"
    assert HOSTILE not in report.html


def test_figures_on_the_page_are_those_of_the_csv_files(run: MadeRun) -> None:
    report = frozen(validated(run.begin(mode="cutover"))).report()
    for caption, name in {
        "What Twenty counts now": "standing",
        "Records read back": "read_back",
        "Links to parents": "links_checked",
        "Differences by kind": "differing_groups",
        "Objects of Klipy and what changed after the freeze": "freeze",
        "They moved as they were read": "after_freeze",
    }.items():
        shown, kept = report.page.rows(caption), report.csv(name)
        as_shown = [{c: "" if t == "\u2013" else t for c, t in row.items()} for row in shown]
        assert as_shown == kept, caption


def test_a_freeze_tells_what_was_asked_and_what_came_after(run: MadeRun) -> None:
    report = frozen(run.begin(mode="cutover")).report()
    assert "frozen since 2026-03-01 17:00 UTC" in report.page.text["freeze"]
    told = {r["object"]: (r["quiet"], r["changed after"]) for r in report.csv("freeze")}
    assert told == {"contact": ("asked", "1"), "deal": ("attested", "0"), "tag": ("not read", "")}
    assert [row["id"] for row in report.csv("after_freeze")] == ["c-9"]


@pytest.mark.parametrize(
    "name", ["validate/person.json", "freeze.json", "after_freeze/manifest.json"]
)
def test_torn_figures_are_named_and_never_stop_the_report(run: MadeRun, name: str) -> None:
    frozen(validated(run.begin(mode="cutover")))
    run.staging.write_bytes(f"{RUN}/{name}", b"{")
    assert f"{RUN}/{name} could not be read" in run.report().page.text[""]
