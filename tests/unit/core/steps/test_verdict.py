"""The last words of a run are its counts, and its colour is what the policy says of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.reconcile import LineBalance, PhaseReconciliation
from airflow_crm_migration.core.run import Run
from airflow_crm_migration.core.staging import PartWriter, Staging
from airflow_crm_migration.core.steps.verdict import verdict_step
from airflow_crm_migration.core.validated import PhaseValidation

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = ("rejected", "held", "stored_differently")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(Staging(tmp_path), "r2", "acme", "sandbox")


def loaded(run: Run, phase: str, outcomes: dict[str, dict[str, int]], **more: Any) -> None:
    read = sum(sum(reasons.values()) for reasons in outcomes.values())
    line = LineBalance("l", "contact", read, outcomes)
    result = PhaseReconciliation(phase, read, read, lines=[line], **more)
    run.write(f"reconcile/{phase}.json", result.as_json())


def validated(run: Run, phase: str, outcomes: dict[str, int] | None = None, **checked: int) -> None:
    result = PhaseValidation(
        phase, None, 5, 5, outcomes=Counter(outcomes or {}), checked={phase: Counter(checked)}
    )
    run.write(f"validate/{phase}.json", result.as_json())


def failures(run: Run, *fail_on: str) -> list[str]:
    return verdict_step(run, ["person"], [], fail_on or DEFAULT).failures


@pytest.mark.parametrize(
    ("outcome", "reason", "words"),
    [
        ("rejected", "refused", "2 records are rejected"),
        ("held", "parent_missing", "2 records are held"),
        ("created", "stored_differently", "2 records are stored differently"),
    ],
)
def test_what_did_not_arrive_makes_a_run_red(
    run: Run, outcome: str, reason: str, words: str
) -> None:
    loaded(run, "person", {"created": {"new": 3}, outcome: {reason: 2}})
    assert failures(run) == [words]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [("merged", "folded"), ("excluded", "condition"), ("conflict", "changed_in_both")],
)
def test_what_was_decided_does_not(run: Run, outcome: str, reason: str) -> None:
    loaded(run, "person", {"created": {"new": 3}, outcome: {reason: 2}})
    assert failures(run) == []


def test_policy_can_say_otherwise(run: Run) -> None:
    loaded(run, "person", {"conflict": {"changed_in_both": 2}, "rejected": {"refused": 1}})
    assert failures(run, "conflict") == ["2 records are in conflict"]
    assert failures(run, "held") == []


def test_drift_is_counted_and_red_only_when_policy_says_so(run: Run) -> None:
    validated(run, "person", same=2, changed=1, gone=1, known_conflict=1)
    assert failures(run) == []
    assert failures(run, "drift") == ["2 records are not as they were loaded"]


def test_what_a_count_alone_found_is_drift_too(run: Run) -> None:
    lost = {"missing": ["a", "b"], "missing_now": ["b"], "extra": ["c"], "existing_missing": ["d"]}
    loaded(run, "person", {"unchanged": {"same": 5}}, **lost)
    assert failures(run, "drift") == ["3 records are not as they were loaded"]
    told = verdict_step(run, ["person"], [], ()).lines
    assert "person: 3 records are gone since earlier runs or not known to us" in told


def test_a_validation_is_red_for_what_earlier_runs_could_not_load(run: Run) -> None:
    validated(run, "person", {"created": 5, "rejected": 2, "held": 1, "conflict": 4}, same=5)
    assert failures(run) == ["2 records are rejected", "1 records are held"]
    assert failures(run, "drift") == []
    lines = verdict_step(run, ["person"], [], ()).lines
    assert lines[-1] == "person: of earlier runs 1 held back, 2 rejected"


def test_a_run_that_loads_is_judged_by_its_own_outcomes(run: Run) -> None:
    loaded(run, "person", {"created": {"new": 5}})
    validated(run, "person", {"created": 5, "rejected": 2}, same=5)
    assert failures(run) == []


def test_nothing_is_counted_twice_when_a_run_loads_and_validates(run: Run) -> None:
    loaded(run, "person", {"unchanged": {"same": 5}}, missing=["a"])
    validated(run, "person", same=4, gone=1)
    assert failures(run, "drift") == ["1 records are not as they were loaded"]


def test_a_validation_says_what_was_checked(run: Run) -> None:
    validated(run, "person", same=4, trashed=1)
    counted, back = (
        "the destination counts 5 of 5 that bear our mark",
        "4 as loaded, 1 in the trash",
    )
    assert verdict_step(run, ["person", "task"], [], ()).lines == [
        f"person: {counted}; 5 person read back: {back}",
        "task: neither loaded nor validated in this run",
    ]


def test_a_cutover_says_all(run: Run) -> None:
    loaded(run, "company", {"updated": {"source_changed": 2}, "unchanged": {"same": 1}})
    loaded(run, "person", {"created": {"new": 3, "stored_differently": 1}})
    for phase in ("company", "person"):
        validated(run, phase, same=5)
    writer = PartWriter(run.staging, run.name("after_freeze"))
    writer.finish(counts={"contact": 3, "deal": 0, "tag": None})
    lines = verdict_step(run, ["company", "person"], [], ()).lines
    assert lines[0].startswith("company: 2 updated, 1 found as it should be; the destination")
    assert lines[2].startswith("person: 4 created, 1 of them stored differently")
    assert lines[-2] == (
        "in all: 4 created, 2 updated, 1 found as it should be, 1 of them stored differently"
    )
    assert lines[-1] == "after the freeze: 3 contact changed in the source"


def test_failed_tasks_come_first(run: Run) -> None:
    loaded(run, "person", {"rejected": {"refused": 1}})
    found = verdict_step(run, ["person"], ["b", "a"], DEFAULT)
    assert found.failures == ["a failed", "b failed", "1 records are rejected"]
