"""Tables say who writes and how every gate stands, and below them what to do next."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_crm_migration.cli import status
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.lease import Lease
from airflow_crm_migration.core.signoff import revoke, sign
from airflow_crm_migration.core.waiting import wait_started
from airflow_crm_migration.hooks.signing import signing_keyring

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MAPPING, SCOPE = Gate("acme", "mapping", "sandbox"), Gate("acme", "scope")


@pytest.fixture
def show(case: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def shown() -> str:
        assert status.run(Namespace(engagement=str(case.file))) == 0
        return capsys.readouterr().out

    return shown


def row(shown: str, gate: str) -> list[str]:
    [line] = [line for line in shown.splitlines() if line.startswith(f"{gate}  ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def signed(case: Any, gate: Gate, decisions: Any = "x") -> None:
    proposal = propose(case.staging, gate, decisions, {}, NOW)
    sign(case.staging, signing_keyring(), proposal, signer="Ann <a@b.c>", recorded_by="op", now=NOW)


def test_every_gate_is_there_before_the_first_run(case: Any, show: Any) -> None:
    case.change(connections={"sandbox": "twenty_test", "production": "twenty_live"})
    shown = show()
    for gate in ("scope", "duplicates", "mapping (sandbox)", "rehearsal (production)"):
        assert row(shown, gate) == [gate, "nothing proposed"]
    assert "sign --engagement" not in shown
    assert "rehearsal (sandbox)" not in shown


def test_every_environment_says_what_was_written_to_and_who_writes(case: Any, show: Any) -> None:
    case.change(connections={"sandbox": "twenty_test", "production": "twenty_live"})
    assert row(show(), "sandbox") == ["sandbox", "nothing written", "nobody"]
    case.staging.write_json("tenant/sandbox.json", {"format": 1, "id": "w-1", "name": "ACME"})
    with Lease(case.staging, "lease/sandbox", "load person", run="r1"):
        kept = case.staging.read_json("lease/sandbox/00000001")
        shown = row(show(), "sandbox")
        assert shown[:2] == ["sandbox", "w-1"]
        assert shown[2] == f"{kept['holder']} of run r1 since {kept['since']}"
        assert shown[3] == kept["beaten"]
        assert row(show(), "production") == ["production", "nothing written", "nobody"]
    assert row(show(), "sandbox") == ["sandbox", "w-1", "nobody"]


def test_a_signed_gate_names_signer_and_time(case: Any, show: Any) -> None:
    signed(case, SCOPE)
    assert row(show(), "scope") == ["scope", "signed", "Ann <a@b.c>", "2026-03-01T09:00:00.000Z"]


def test_a_waiting_gate_says_since_when_and_the_command(case: Any, show: Any) -> None:
    proposal = propose(case.staging, MAPPING, "x", {}, NOW)
    wait_started(case.staging, MAPPING, proposal.digest, "run", NOW)
    shown = show()
    assert row(shown, "mapping (sandbox)")[1:] == ["unsigned", "2026-03-01T09:00:00+00:00"]
    assert (
        f"airflow crm-migration sign --engagement {case.file} --gate mapping --environment sandbox"
        in shown
    )
    assert "review/mapping/sandbox.json" in shown


def test_a_changed_gate_says_what_changed(case: Any, show: Any) -> None:
    signed(case, MAPPING, {"stages": {"Won": 1}})
    propose(case.staging, MAPPING, {"stages": {"Won": 2}}, {}, NOW)
    shown = show()
    assert row(shown, "mapping (sandbox)")[1:3] == ["changed", "Ann <a@b.c>"]
    assert "changed  stages.Won" in shown


def test_a_revoked_gate_says_why(case: Any, show: Any) -> None:
    signed(case, MAPPING)
    revoke(
        case.staging, signing_keyring(), MAPPING,
        signer="Bob", recorded_by="op", reason="typo", now=NOW,
    )  # fmt: skip
    shown = show()
    assert row(shown, "mapping (sandbox)")[1:] == ["revoked"]
    assert "revoked by Bob at 2026-03-01T09:00:00.000Z: typo" in shown


def test_a_forged_gate_names_the_file(case: Any, show: Any) -> None:
    signed(case, MAPPING)
    case.staging.write_bytes("signed/mapping/sandbox/000002.json", b"{}")
    shown = show()
    assert row(shown, "mapping (sandbox)")[1:] == ["forged"]
    assert "signed/mapping/sandbox/000002.json" in shown


def test_a_signer_who_may_not_is_told(case: Any, show: Any) -> None:
    signed(case, MAPPING)
    case.change(signers=["bob@acme.example"])
    assert row(show(), "mapping (sandbox)")[1:] == ["wrong signer"]


def test_gates_that_nobody_signs_show_their_wait(case: Any, show: Any) -> None:
    wait_started(case.staging, Gate("acme", "owners", "sandbox"), "", "run", NOW)
    shown = show()
    assert row(shown, "owners (sandbox)")[1:] == ["waits", "2026-03-01T09:00:00+00:00"]
    assert row(shown, "csv (sandbox)") == ["csv (sandbox)", "does not wait"]


def test_a_missing_owner_is_named_with_what_to_do(case: Any, show: Any) -> None:
    gate = Gate("acme", "owners", "sandbox")
    owner = {"name": "Noor \x1b[2J Haddad", "email": "", "records": 3, "status": "missing"}
    case.staging.write_json("review/owners/sandbox.json", {"waiting_for": [owner]})
    assert "Noor" not in show()
    wait_started(case.staging, gate, "", "run", NOW)
    shown = show()
    assert row(shown, "owners (sandbox)")[1] == "waits"
    assert "missing  Noor \N{REPLACEMENT CHARACTER}[2J Haddad, owner of 3 records" in shown
    assert f"or set owners in {case.file}" in shown


def test_an_object_that_is_not_quiet_is_named(case: Any, show: Any) -> None:
    gate = Gate("acme", "freeze", "sandbox")
    told = {"frozen_at": "2026-03-01T17:00:00.000Z", "not_quiet": {"deal": "2026-03-01T18:00Z"}}
    case.staging.write_json("review/freeze/sandbox.json", told)
    assert "deal changed" not in show()
    wait_started(case.staging, gate, "", "run", NOW)
    assert "deal changed at 2026-03-01T18:00Z, after 2026-03-01T17:00:00.000Z" in show()


def test_what_the_inbox_lacks_is_listed(case: Any, show: Any) -> None:
    gate = Gate("acme", "csv", "sandbox")
    case.staging.write_json("review/csv/sandbox.json", {"findings": ["deals.csv: is missing"]})
    wait_started(case.staging, gate, "", "run", NOW)
    assert "  deals.csv: is missing\n" in show()
