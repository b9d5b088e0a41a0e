"""The report tells what a run did in figures that agree, and what it did not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.mapping import OptionRule
from airflow_crm_migration.core.reconcile import PhaseReconciliation
from airflow_crm_migration.core.report.render import ROWS_SHOWN
from tests.support.report import HELD, OUTCOMES, RUN, MadeRun, Page, Report, resolved, total

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTIONS = [
    "reconciliation", "not-arrived", "conflicts", "left-out", "duplicates", "mapping", "owners",
    "schema", "files", "sign-offs", "export",
]  # fmt: skip
TABLES = {
    "Records read and what became of them": "reconciliation",
    "Outcomes by reason": "outcomes",
    "What Twenty counts": "counts",
    "Links between records": "links",
    "Records": "rejects",
    "Values": "conflicts",
    "Links and values": "left_out",
    "Groups of records that are or may be one": "duplicates",
    "Object by object": "promises",
    "Choices that this pair offers": "choices",
    "In the source and in the destination": "spellings",
    "Owners of records and the members of Twenty": "owners",
    "Changes made": "schema",
    "Files": "files",
    "Decisions, as of the end of this run": "sign_offs",
    "Objects of Klipy and how they were read": "export",
    "Fields without a column": "absent",
    "Cells without a reading": "unreadable",
}
"""Caption on the page -> CSV file of the same table."""


def test_what_the_export_lacks_is_listed(report: Report) -> None:
    lacking = [("contact", "phone"), ("contact", "tags")]
    assert [tuple(row.values()) for row in report.csv("absent")] == lacking
    rows = report.page.rows("Fields without a column")
    assert [tuple(row.values()) for row in rows] == lacking


def test_the_page_lies_with_its_csv_files_in_the_reports_of_the_run(report: Report) -> None:
    assert report.name == f"reports/{RUN}/report.html"
    promised = {"reconciliation", "outcomes", "rejects", "left_out", "duplicates", "mapping"}
    promised |= {"options", "owners", "schema", "files"}
    assert {f"{name}.csv" for name in promised} | {"report.html"} <= report.names()


def test_every_section_is_there_and_linked_to(report: Report) -> None:
    page = report.page
    assert [attrs["id"] for tag, attrs in page.tags if tag == "section"] == SECTIONS
    links = {attrs["href"] for tag, attrs in page.tags if tag == "a"}
    assert {f"#{name}" for name in SECTIONS} <= links
    files = {link for link in links if link and not link.startswith("#")}
    assert files
    assert files <= report.names()


def test_the_page_runs_nothing_and_fetches_nothing(report: Report) -> None:
    page = report.page
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    policies = [attrs["content"] for _, attrs in page.tags if attrs.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


@pytest.mark.parametrize(("caption", "name"), TABLES.items())
def test_figures_on_the_page_are_those_of_the_csv_file(
    report: Report, caption: str, name: str
) -> None:
    shown, kept = report.page.rows(caption), report.csv(name)
    assert shown
    assert len(shown) == min(len(kept), ROWS_SHOWN)
    for on_page, in_file in zip(shown, kept, strict=False):
        for column, text in on_page.items():
            assert plain(text) == plain(in_file[column]), (caption, column)


def plain(text: str) -> str:
    """Return a cell without what only the page or only the file adds for its readers."""
    text = "" if text == "\u2013" else text.removeprefix("'")
    return text.replace(",", "") if text.replace(",", "").isdigit() else text


@pytest.mark.parametrize("caption", ["reject_groups", "left_out_groups", "conflict_groups"])
def test_groups_add_up_to_the_records(report: Report, caption: str) -> None:
    name = caption.removesuffix("_groups")
    records = len(report.csv(name if name == "left_out" else f"{name}s"))
    assert sum(int(row["number"]) for row in report.csv(caption)) == records


def test_reads_are_the_sum_of_outcomes_for_every_line(report: Report) -> None:
    rows = {row["line"]: row for row in report.csv("reconciliation")}
    for lines in OUTCOMES.values():
        for line, outcomes in lines.items():
            assert int(rows[line]["read"]) == int(rows[line]["sum of outcomes"]) == total(outcomes)
            told = {name: int(rows[line][name]) for name in ("created", "held", "rejected")}
            assert told == {name: sum(outcomes.get(name, {}).values()) for name in told}
            assert rows[line]["balanced"] == "yes"


def test_every_record_that_did_not_arrive_is_told_with_the_destinations_words(
    report: Report,
) -> None:
    rows = report.csv("rejects")
    assert len(rows) == HELD + 5
    assert [row["outcome"] for row in rows] == ["rejected"] * 4 + ["conflict"] + ["held"] * HELD
    assert rows[0]["detail"] == "Object person must have unique emails; value already in use"
    assert rows[0]["run"] == RUN
    assert f"The first 50 of {HELD + 5} rows" in report.page.text["not-arrived"]


def test_a_link_that_was_refused_is_left_out_of_a_record_that_arrived(report: Report) -> None:
    last = report.csv("left_out")[-1]
    assert (last["id"], last["field"], last["detail"]) == ("c-9", "taskTarget", "no such task")


def test_what_is_no_record_is_said_to_stay(report: Report) -> None:
    found = {row["object"]: row["compatibility"] for row in report.csv("promises")[-3:]}
    assert found == {
        "Page layout": "Not moved", "Record type": "Not possible", "Required field": "Not moved",
    }  # fmt: skip


@pytest.mark.parametrize(("number", "told"), [(200, False), (201, True)])
def test_too_many_values_to_choose_from_are_told(run: MadeRun, number: int, *, told: bool) -> None:
    mapping = resolved()
    [at] = [n for n, line in enumerate(mapping.lines) if line.id == "opportunity"]
    options = tuple(OptionRule(value=f"S{n}", label=f"S {n}") for n in range(number))
    fields = tuple(
        rule.model_copy(update={"options": options}) if rule.to == "stage" else rule
        for rule in mapping.lines[at].fields
    )
    lines = list(mapping.lines)
    lines[at] = lines[at].model_copy(update={"fields": fields})
    report = run.begin().decide(mapping.model_copy(update={"lines": tuple(lines)})).report()
    sentence = f"opportunity.stage gets {number} options"
    assert (sentence in report.page.text["mapping"]) is told
    assert ("custom object for them, with a junction" in report.page.text["mapping"]) is told


def test_the_mapping_is_told_row_by_row_and_field_by_field(report: Report) -> None:
    assert len(report.csv("promises")) == 13
    rows = [row for row in report.csv("mapping") if row["line"] == "person"]
    name = next(row for row in rows if row["to"] == "name")
    assert name["from"] == "first_name + last_name"
    link = next(row for row in rows if row["kind"] == "link")
    assert "when none is found, the link is left out and listed" in link["how"]
    assert [row["choice"] for row in report.csv("options")] == ["Prospecting", "Closed Won"]
    assert report.csv("choices")[0]["chosen"] == "task"


def test_bars_fill_their_width_and_show_what_is_rare(report: Report) -> None:
    bars = list(bars_of(report.page))
    assert len(bars) == sum(len(lines) for lines in OUTCOMES.values())
    for bar in bars:
        assert sum(bar) == pytest.approx(100, abs=0.1)
        assert min(bar) > 1


def bars_of(page: Page) -> Iterator[list[float]]:
    bar: list[float] | None = None
    for tag, attrs in page.tags:
        if tag == "svg":
            if bar:
                yield bar
            bar = [] if attrs["class"] == "bar" else None
        elif tag == "rect" and bar is not None:
            bar.append(float(attrs["width"] or 0))
    if bar:
        yield bar


def test_a_second_report_of_a_run_replaces_the_first(run: MadeRun) -> None:
    first = run.begin().extract().report().html
    second = run.complete().report().html
    assert "No mapping was proposed" in first
    assert "No mapping was proposed" not in second
    assert run.report().html == second


# -- runs that ended early -----------------------------------------------------------------


def test_a_run_that_failed_after_the_extract_says_what_did_not_happen(run: MadeRun) -> None:
    report = run.begin().extract().report()
    head = report.page.text[""]
    assert "The run ended before anything was written." in head
    for sentence in (
        "Duplicates were not searched for.",
        "Owners were not matched.",
        "No mapping was proposed.",
        "Twenty was not prepared for the data.",
    ):
        assert sentence in head
    assert "were not read" not in head
    assert "Nothing was loaded in this run." in report.page.text["reconciliation"]
    assert [row["id"] for row in report.csv("unreadable")] == ["c-3"]
    assert report.csv("rejects") == []


def test_a_run_without_anything_has_a_report(run: MadeRun) -> None:
    report = run.report()
    assert "the source was not asked which objects it gives." in report.page.text[""]
    assert report.csv("sign_offs") == []


def test_a_load_that_broke_off_is_told_by_phase(run: MadeRun) -> None:
    run.begin().extract().decide().load(["company"]).load(["person"], count=False)
    head = run.report().page.text[""]
    phases = "people, opportunities, tasks and attachments"
    assert f"The run stopped before {phases} were loaded and counted." in head
    assert "People were loaded but not counted." in head
    assert "Tasks were not begun." in head


def test_counts_that_do_not_agree_are_the_verdict(run: MadeRun) -> None:
    run.begin().extract().decide().load(["company", "person"])
    lost = PhaseReconciliation("person", 2, 1, missing=["x"], missing_now=["x"])
    run.write("reconcile/person.json", lost.as_json())
    report = run.report()
    assert "The counts do not agree for people" in report.page.text[""]
    row = next(row for row in report.csv("counts") if row["object"] == "person")
    assert (row["expected"], row["counted"], row["missing"], row["agrees"]) == ("2", "1", "1", "no")


@pytest.mark.parametrize(
    "name",
    [
        "run.json", "probe.json", "extract/contact/manifest.json", "dedupe/clusters.json",
        "owners/matches.json", "mapping/proposal.json", "load/person/manifest.json",
        "reconcile/person.json", "load/person/part-00000.jsonl.gz", "files.json",
    ],
)  # fmt: skip
def test_torn_inputs_are_named_and_never_stop_the_report(complete: MadeRun, name: str) -> None:
    place = name.rpartition("/part")[0] or name
    for content in (b"", b"{", b"[1, {}]", b'"text"', b"\xff\xfe"):
        complete.staging.write_bytes(f"{RUN}/{name}", content)
        assert f"{RUN}/{place} could not be read" in complete.report().page.text[""]


def test_a_conflict_is_told_with_all_values(report: Report) -> None:
    title, emails = report.csv("conflicts")
    values = ("sent before", "in the source now", "in the destination", "kept", "id there")
    assert [title[name] for name in values] == ["Clerk", "Chief", "Boss", "destination", "p-4"]
    assert emails["in the source now"] == "a@x.example; b@x.example"
    assert "No field was changed" not in report.page.text["conflicts"]
