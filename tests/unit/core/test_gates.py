"""A proposal's digest hangs on what is decided and on nothing else."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.differences import differences
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose, read_proposal, sign_command
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.waiting import read_wait, wait_ended, wait_started

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVENING = datetime(2026, 3, 1, 18, tzinfo=UTC)
MAPPING = Gate("acme", "mapping", "sandbox")
DECISIONS = {"stages": {"Won": "WON"}, "lines": [1, 2]}


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def test_what_is_proposed_is_read_back(staging: Staging) -> None:
    made = propose(staging, MAPPING, DECISIONS, {"rows": 7}, NOON)
    assert read_proposal(staging, MAPPING) == made
    assert staging.read_json("review/mapping/sandbox.json")["digest"] == made.digest
    assert read_proposal(staging, Gate("acme", "mapping", "production")) is None


def test_evidence_and_time_leave_the_digest_alone(staging: Staging) -> None:
    first = propose(staging, MAPPING, DECISIONS, {"rows": 7}, NOON)
    again = propose(staging, MAPPING, dict(reversed(DECISIONS.items())), {"rows": 8}, EVENING)
    assert first.digest == again.digest


def test_decisions_gate_and_engagement_make_the_digest(staging: Staging) -> None:
    digests = {
        propose(staging, gate, decisions, {}, NOON).digest
        for gate, decisions in [
            (MAPPING, DECISIONS),
            (MAPPING, {**DECISIONS, "lines": [2, 1]}),
            (Gate("globex", "mapping", "sandbox"), DECISIONS),
            (Gate("acme", "rehearsal", "sandbox"), DECISIONS),
        ]
    }
    assert len(digests) == 4


def test_the_digest_is_that_of_the_file(staging: Staging) -> None:
    made = propose(staging, MAPPING, {1: ("a",), 10: "b", 2: "c"}, {}, NOON)
    read = read_proposal(staging, MAPPING)
    assert read is not None
    assert read.digest == made.digest


def test_an_edit_by_hand_changes_the_digest(staging: Staging) -> None:
    made = propose(staging, MAPPING, DECISIONS, {}, NOON)
    content = staging.read_json("review/mapping/sandbox.json")
    content["decisions"]["stages"]["Won"] = "LOST"
    staging.write_json("review/mapping/sandbox.json", content)
    read = read_proposal(staging, MAPPING)
    assert read is not None
    assert read.digest != made.digest


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}"])
def test_a_file_broken_by_hand_is_named(staging: Staging, content: bytes) -> None:
    staging.write_bytes("review/mapping/sandbox.json", content)
    with pytest.raises(UserMistake, match=r"review/mapping/sandbox\.json"):
        read_proposal(staging, MAPPING)


@pytest.mark.parametrize("name", ["scope", "data", "duplicates"])
def test_some_decisions_hold_for_all_environments(name: str) -> None:
    assert Gate("acme", name, "sandbox") == Gate("acme", name, "production")
    assert Gate("acme", name).slot == f"{name}/_"


@pytest.mark.parametrize("name", ["mapping", "rehearsal", "cutover", "rollback"])
def test_the_others_need_an_environment(name: str) -> None:
    assert Gate("acme", name, "production").slot == f"{name}/production"
    with pytest.raises(UserMistake, match="sandbox or production"):
        Gate("acme", name)


def test_the_command_to_sign_can_be_pasted() -> None:
    assert shlex.split(sign_command(MAPPING, "my file.yaml")) == [
        "airflow", "crm-migration", "sign", "--engagement", "my file.yaml",
        "--gate", "mapping", "--environment", "sandbox", "--signer", "NAME <MAIL>",
    ]  # fmt: skip
    assert "--environment" not in sign_command(Gate("acme", "scope"))


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 2, "d": 2}}, ["a.b", "-a.c", "+a.d"]),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, ["a[1].b"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ([1], {"a": 1}, ["everything"]),
    ],
)
def test_differences_are_paths(old: object, new: object, paths: list[str]) -> None:
    assert list(differences(old, new)) == paths


def test_a_wait_keeps_its_start(staging: Staging) -> None:
    assert wait_started(staging, MAPPING, "d1", "run1", NOON) == NOON
    assert wait_started(staging, MAPPING, "d1", "run1", EVENING) == NOON


@pytest.mark.parametrize(("digest", "run"), [("d2", "run1"), ("d1", "run2")])
def test_another_document_or_run_waits_anew(staging: Staging, digest: str, run: str) -> None:
    wait_started(staging, MAPPING, "d1", "run1", NOON)
    assert wait_started(staging, MAPPING, digest, run, EVENING) == EVENING


def test_a_wait_that_ended_is_forgotten(staging: Staging) -> None:
    wait_started(staging, MAPPING, "d1", "run1", NOON)
    wait_ended(staging, MAPPING)
    wait_ended(staging, MAPPING)
    assert read_wait(staging, MAPPING) is None
    assert wait_started(staging, MAPPING, "d1", "run1", EVENING) == EVENING
