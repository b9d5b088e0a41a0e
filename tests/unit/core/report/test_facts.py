"""Facts come from what the steps really wrote, and sign-offs count only when they are checked."""

from __future__ import annotations

import pytest

from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.core.lease import Lease
from airflow_crm_migration.core.ledger.writer import Ledger, LedgerPlace, LedgerWriter
from airflow_crm_migration.core.report.facts import collected
from tests.support.report import HELD, NOW, OUTCOMES, RING, RUN, MadeRun

SIGNED = "signed/mapping/sandbox/000001.json"


def gates_told(run: MadeRun) -> dict[str, str]:
    return {row["gate"]: row["status"] for row in run.report().csv("sign_offs")}


def test_a_sign_off_is_told_with_signer_and_time(run: MadeRun) -> None:
    [row] = run.begin().decide().report().csv("sign_offs")
    assert (row["gate"], row["environment"], row["status"]) == ("mapping", "sandbox", "signed")
    assert row["signer"] == "Ann <ann@acme.example>"
    assert row["time"] == "2026-03-01T12:00:00.000Z"


def test_a_forged_sign_off_is_never_told_as_signed(run: MadeRun) -> None:
    run.begin().decide()
    forged = run.staging.read_json(SIGNED) | {"signer": "Mallory <m@evil.example>"}
    run.staging.write_json(SIGNED, forged)
    [row] = run.report().csv("sign_offs")
    assert row["status"] == "signature does not count"
    assert row["signer"] == ""


def test_without_keys_nothing_is_told_as_signed(run: MadeRun) -> None:
    [row] = run.begin().decide().report(keyring=None).csv("sign_offs")
    assert (row["status"], row["signer"]) == ("not checked", "")


def test_keys_of_somebody_else_do_not_count(run: MadeRun) -> None:
    [row] = run.begin().decide().report(keyring=Keyring({"k1": b"x" * 32})).csv("sign_offs")
    assert row["status"] == "signature does not count"


def test_whoever_may_not_sign_is_told(run: MadeRun) -> None:
    [row] = run.begin().decide().report(signers=("boss@acme.example",)).csv("sign_offs")
    assert row["status"] == "signed by somebody who may not"


def test_what_waits_to_be_signed_is_told_and_other_environments_are_not(run: MadeRun) -> None:
    run.begin().decide()
    propose(run.staging, Gate("acme", "scope"), {"objects": {}}, {}, NOW)
    propose(run.staging, Gate("acme", "rehearsal", "production"), {}, {}, NOW)
    run.staging.write_json("review/owners/sandbox.json", {"waiting_for": []})
    run.staging.write_bytes("review/duplicates/contact.csv", b"")
    assert gates_told(run) == {"mapping": "signed", "scope": "not signed"}


def test_a_proposal_that_people_broke_is_told(run: MadeRun) -> None:
    run.begin().decide()
    run.staging.write_bytes("review/mapping/sandbox.json", b"{")
    assert gates_told(run) == {"mapping": "could not be read"}


def test_owners_that_are_waited_for_are_told_with_their_status(run: MadeRun) -> None:
    run.begin()
    ann = {"name": "Ann", "email": "", "records": 3}
    bob = {"name": "", "email": "bob@acme.example", "records": 4}
    run.write("owners/owners.json", [ann, bob])
    waiting = [bob | {"status": "invited", "member_id": None, "by": "email"}]
    run.staging.write_json("review/owners/sandbox.json", {"waiting_for": waiting})
    told = {(o.name or o.email): o.status for o in run.collect().owners or ()}
    assert told == {"Ann": "", "bob@acme.example": "invited"}


def test_what_did_not_arrive_is_told_whichever_run_said_so(complete: MadeRun) -> None:
    facts = complete.collect()
    assert facts.not_arrived.total == HELD + 5
    assert facts.not_arrived.groups[0] == (("contact", "held", "duplicate_undecided"), HELD)
    with collected(complete.staging, RUN, keyring=RING) as facts:
        assert (
            len(list(facts.not_arrived.walk())) == len(list(facts.not_arrived.walk())) == HELD + 5
        )


def test_a_dry_run_tells_of_its_own_ledger_and_asks_nobody(run: MadeRun) -> None:
    run.begin(dry_run=True).extract().decide().load()
    place = LedgerPlace.dry_run("sandbox", RUN)
    with Lease(run.staging, place.lease, "test") as lease, Ledger(run.staging, place) as ledger:
        writer = LedgerWriter(ledger, "person", lease=lease, tenant="t", run=RUN)
        key = ["person", "contact", "c-1", ""]
        writer.conclude([{"key": key, "outcome": "rejected", "reason": "refused"}])
    report = run.report()
    assert [row["id"] for row in report.csv("rejects")] == ["c-1"]
    assert {row["agrees"] for row in report.csv("counts")} == {"not asked"}
    head = report.page.text[""]
    assert "This was a dry run and nothing was written" in head
    assert "Dry run" in head
    assert "What did not happen" not in head


def test_lines_come_from_the_load_when_the_counting_broke_off(run: MadeRun) -> None:
    run.begin().extract().decide().load(["company"], count=False)
    facts = run.collect()
    phase = next(phase for phase in facts.phases if phase.name == "company")
    assert {line.line: line.outcomes for line in phase.lines} == OUTCOMES["company"]
    assert {line.line: line.source for line in phase.lines} == {
        "company": "company", "company_of_domain": "contact",
    }  # fmt: skip
    assert phase.loaded
    assert phase.counted is None


@pytest.mark.parametrize(("merged", "held", "decision"), [
    ({"m-1": "s-1"}, {}, "merged"), ({}, {"m-1": "1"}, "held"), ({}, {}, "kept apart"),
])  # fmt: skip
def test_each_group_of_duplicates_is_told_with_what_was_decided(
    complete: MadeRun, merged: dict[str, str], held: dict[str, str], decision: str
) -> None:
    complete.write("dedupe/decided.json", {"contact": {"merged": merged, "held": held}})
    row = complete.report().csv("duplicates")[0]
    assert (row["stays"], row["others"], row["decision"]) == ("s-1", "m-1", decision)
