"""The report says how much was read, what was not, and what is gone from the source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.report.reading import gone_sentences, reading_sentences
from airflow_crm_migration.core.staging import PartWriter
from tests.support.report import RUN

if TYPE_CHECKING:
    from tests.support.report import MadeRun

WINDOW = {"start": "2026-03-01T12:00:00.000Z", "since": "2026-02-28T11:50:00.000Z",
          "base": "run-1", "anew": 12, "taken_over": 1988, "overlap_seconds": 600}  # fmt: skip


def read_as(run: MadeRun, object_name: str, **facts: Any) -> None:
    name = f"{RUN}/extract/{object_name}/manifest.json"
    run.staging.write_json(name, run.staging.read_json(name) | facts)


def told(run: MadeRun) -> list[str]:
    return reading_sentences(run.collect())


def test_a_first_run_has_nothing_to_say(complete: MadeRun) -> None:
    assert told(complete) == []


def test_a_window_is_told_with_what_it_cannot_see(complete: MadeRun) -> None:
    read_as(complete, "contact", window=WINDOW)
    read, unseen = told(complete)
    assert read == (
        "Contacts: 12 contacts were read that changed since 2026-02-28 11:50 UTC, "
        "1,988 were taken over from run run-1."
    )
    assert unseen == (
        "Of contacts only what changed was read, so what was deleted in Klipy cannot be seen "
        "there; a run in mode full sees it."
    )


def test_why_everything_was_read_is_told(complete: MadeRun) -> None:
    window = {"start": WINDOW["start"], "whole": "what run run-1 received is no longer in staging"}
    read_as(complete, "contact", window=window)
    [sentence] = told(complete)
    assert sentence.startswith("Contacts were read whole, not only what changed: what run run-1")


def test_an_export_without_a_change_and_a_taken_over_extract_are_told(complete: MadeRun) -> None:
    read_as(complete, "deal", csv={"sha256": "ab", "same_as": "run-1"})
    read_as(complete, "note", extract_of="run-1")
    assert told(complete) == [
        "Deals: the file holds what run run-1 was made of, nothing changed.",
        "Notes are those that run run-1 read.",
    ]


def test_what_is_gone_is_counted_and_listed(complete: MadeRun) -> None:
    writer = PartWriter(complete.staging, f"{RUN}/gone/contact")
    for number in range(3):
        writer.add({"id": f"c-{number}", "line": "person", "destination_id": f"p-{number}"})
    writer.finish()
    sentence = "3 contacts are no longer in Klipy and were left in Twenty."
    assert gone_sentences(complete.collect()) == [sentence]
    report = complete.report()
    assert sentence in report.page.text["export"]
    rows = report.page.rows("Records that Klipy no longer has; nothing was deleted")
    assert rows == report.csv("gone")
    assert [(row["id"], row["destination id"]) for row in rows] == [
        (f"c-{n}", f"p-{n}") for n in range(3)
    ]


def test_a_record_known_by_its_content_alone_may_only_have_changed(complete: MadeRun) -> None:
    writer = PartWriter(complete.staging, f"{RUN}/gone/tag")
    writer.add({"id": "content:ab", "line": "person", "destination_id": "p-1"})
    writer.finish()
    read_as(complete, "tag", identified={"content": 42})
    [sentence] = gone_sentences(complete.collect())
    assert "may only have changed" in sentence
