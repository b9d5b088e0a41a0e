"""The report of a rollback: forecast beside done, what is kept and why, what stays anyway."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.report.facts import collected
from airflow_crm_migration.core.report.sentences import verdict
from airflow_crm_migration.core.report.write import write_report
from airflow_crm_migration.core.steps.verdict import verdict_step
from tests.support.loading import company, loadings, person, task
from tests.support.rolling_back import Rollback, RollingBack

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.loading import Loading

make_loading = pytest.fixture(loadings)


@pytest.fixture
def loading(make_loading: Callable[..., Loading]) -> Loading:
    made = make_loading()
    made.load("company", [company("c"), company("d")])
    made.load("person", [person("a", "c"), person("b", "d")])
    made.load("task", [task("t", "a")])
    made.edit("person", str(made.entry("person", "a").destination_id), jobTitle="<b>By hand</b>")
    return made


def begun(loading: Loading, *, dry_run: bool = False) -> Rollback:
    back = RollingBack(loading).begin(dry_run=dry_run)
    about = {
        "run_id": "r", "engagement": "acme", "customer": "Acme", "pair": "klipy_to_twenty",
        "mode": "rollback", "environment": "sandbox", "dry_run": dry_run,
    }  # fmt: skip
    loading.staging.write_json(f"{back.run.folder}/run.json", about)
    return back


def page(back: Rollback) -> str:
    return back.staging.read_bytes(write_report(back.staging, back.run.folder)).decode()


def table(back: Rollback, name: str) -> list[dict[str, Any]]:
    content = back.staging.read_bytes(f"reports/{back.run.folder}/{name}.csv")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def judged(back: Rollback) -> tuple[str, str]:
    with collected(back.staging, back.run.folder) as facts:
        found = verdict(facts)
    return found.level, found.sentence


def test_what_was_forecast_and_done_stands_side_by_side(loading: Loading) -> None:
    back = begun(loading)
    back.whole()
    html = page(back)
    rows = {(r["object"], r["what"].partition(":")[0]): r for r in table(back, "rollback")}
    assert {key: (r["forecast"], r["done"]) for key, r in rows.items()} == {
        ("task", "deleted"): ("1", "1"), ("person", "deleted"): ("1", "1"),
        ("person", "kept"): ("1", "1"), ("company", "deleted"): ("1", "1"),
        ("company", "kept"): ("1", "1"),
    }  # fmt: skip
    assert judged(back) == ("look", "3 were deleted and 2 were kept.")
    assert "What was taken back" in html
    assert "&lt;b&gt;" not in html
    assert "By hand" not in html


def test_what_is_kept_is_listed_with_its_reason(loading: Loading) -> None:
    back = begun(loading)
    back.whole()
    page(back)
    kept = {(r["object"], r["reason"]): r for r in table(back, "rollback_kept")}
    assert set(kept) == {("person", "edited_since"), ("company", "child_kept")}
    row = kept["person", "edited_since"]
    assert (row["in the source"], row["meaning"], row["detail"]) == (
        "contact a", "people edited it since", "jobTitle, updatedAt",
    )  # fmt: skip
    assert kept["company", "child_kept"]["detail"].startswith("person ")


def test_what_stays_anyway_is_listed(loading: Loading) -> None:
    back = begun(loading)
    back.forecast()
    page(back)
    assert [(r["what"], r["number"]) for r in table(back, "rollback_residue")] == [("traces", "1")]
    made = {(r["object"], r["field"]) for r in table(back, "rollback_schema")}
    assert {("person", "migrationSourceId"), ("company", "migrationSourceId")} <= made


def test_every_stage_of_it_has_its_sentence(loading: Loading) -> None:
    assert judged(begun(loading)) == (
        "bad", "The run ended before it was forecast what a rollback would do.",
    )  # fmt: skip
    dry = begun(loading, dry_run=True)
    dry.forecast()
    level, sentence = judged(dry)
    assert (level, sentence.partition(":")[2]) == (
        "none", " 3 would be deleted and 2 would be kept.",
    )  # fmt: skip
    back = begun(loading)
    back.forecast()
    assert judged(back)[1].startswith("The rollback stopped before attachments, tasks, people")
    back.undo(back.sign())
    level, sentence = judged(back)
    assert (level, "or was not asked" in sentence) == ("bad", True)


def test_the_verdict_says_what_was_undone(loading: Loading) -> None:
    back = begun(loading)
    back.forecast()
    lines = verdict_step(back.run, back.phases, [], ()).lines
    assert "person: forecast: 1 delete, 1 keep" in lines
    back.undo(back.sign())
    found = verdict_step(back.run, back.phases, ["finish"], ("rejected",))
    assert "person: undone: 1 delete, 1 keep" in found.lines
    assert found.failures == ["finish failed"]


def test_other_runs_do_not_speak_of_it(loading: Loading) -> None:
    loading.staging.write_json("run-1/run.json", {"mode": "full", "environment": "sandbox"})
    html = loading.staging.read_bytes(write_report(loading.staging, "run-1")).decode()
    assert "What was taken back" not in html
