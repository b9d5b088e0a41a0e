"""A sign-off counts when one of our keys made it, for this place, last, by somebody who may."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.gates import Gate, Proposal, propose
from airflow_crm_migration.core.keyring import Keyring
from airflow_crm_migration.core.signoff import (
    MOST_CHANGES,
    Forged,
    NotSigned,
    SignOff,
    last_record,
    revoke,
    sign,
    signed_record,
    state,
)
from airflow_crm_migration.core.staging import Staging, sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAPPING = Gate("acme", "mapping", "sandbox")
RING = Keyring({"k1": b"1" * 32, "k0": b"0" * 32})
STRANGER = Keyring({"k1": b"x" * 32})
ANN, BOB = "Ann Lee <ann@acme.example>", "Bob <bob@acme.example>"
FIRST = "signed/mapping/sandbox/000001.json"
SECOND = "signed/mapping/sandbox/000002.json"


@pytest.fixture
def staging(tmp_path: Path) -> Staging:
    return Staging(tmp_path)


def proposed(staging: Staging, decisions: Any = "as discussed", gate: Gate = MAPPING) -> Proposal:
    return propose(staging, gate, decisions, {"rows": 3}, NOW)


def signed(
    staging: Staging, proposal: Proposal, ring: Keyring = RING, signer: str = ANN
) -> SignOff:
    return sign(staging, ring, proposal, signer=signer, recorded_by="op@host", now=NOW)


def revoked(staging: Staging) -> SignOff:
    return revoke(staging, RING, MAPPING, signer=BOB, recorded_by="op@host", reason="typo", now=NOW)


def refused(staging: Staging, signers: tuple[str, ...] = ()) -> tuple[str, str]:
    """Return status and reason, having seen that nothing can be loaded either."""
    with pytest.raises(NotSigned):
        signed_record(staging, RING, MAPPING, signers)
    found = state(staging, RING, MAPPING, signers)
    assert not found.signed
    return found.status, found.reason


def test_what_was_signed_is_what_is_loaded(staging: Staging) -> None:
    proposal = proposed(staging, {"stages": {"Won": "WON"}})
    record = signed(staging, proposal)
    found = state(staging, RING, MAPPING)
    assert found.signed
    assert (found.digest, found.record) == (proposal.digest, record)
    assert "Ann Lee" in found.reason
    assert signed_record(staging, RING, MAPPING).decisions == {"stages": {"Won": "WON"}}


def test_a_record_says_who_when_what_and_with_which_key(staging: Staging) -> None:
    proposal = proposed(staging)
    signed(staging, proposal)
    kept = staging.read_json(FIRST)
    assert kept.pop("hmac") == RING.mac("k1", kept)
    assert kept == {
        "format": 1,
        "engagement": "acme",
        "gate": "mapping",
        "environment": "sandbox",
        "number": 1,
        "action": "sign",
        "digest": proposal.digest,
        "evidence": "2bafd4629cc04e701c66d3854982e073924fa77d4fdc31b2803184ff5a42cecc",
        "signer": ANN,
        "recorded_by": "op@host",
        "time": "2026-03-01T12:00:00.000Z",
        "key_id": "k1",
        "document": None,
        "reason": "",
        "decisions": "as discussed",
    }


def test_nothing_proposed_and_nothing_signed(staging: Staging) -> None:
    assert refused(staging)[0] == "nothing_proposed"
    proposed(staging)
    assert refused(staging)[0] == "unsigned"


def test_a_letter_is_kept_beside(staging: Staging) -> None:
    letter = ("letter.pdf", b"%PDF")
    record = sign(
        staging, RING, proposed(staging), signer=ANN, recorded_by="op", now=NOW, document=letter
    )
    assert record.document == {"name": "letter.pdf", "sha256": sha256(b"%PDF")}
    assert staging.read_bytes(f"signed/mapping/sandbox/documents/{sha256(b'%PDF')}") == b"%PDF"
    assert state(staging, RING, MAPPING).signed


def test_once_per_engagement_means_for_every_environment(staging: Staging) -> None:
    signed(staging, proposed(staging, gate=Gate("acme", "scope", "sandbox")))
    assert staging.names("signed") == ["signed/scope/_/000001.json"]
    assert state(staging, RING, Gate("acme", "scope", "production")).signed


# -- what changed --------------------------------------------------------------------------


def test_a_changed_proposal_is_not_signed_but_the_old_decisions_still_load(
    staging: Staging,
) -> None:
    signed(staging, proposed(staging, {"stages": {"Secret GmbH": "WON"}, "lines": 3}))
    proposal = proposed(staging, {"stages": {"Secret GmbH": "LOST"}, "lines": 3, "extra": 1})
    found = state(staging, RING, MAPPING)
    assert (found.status, found.digest) == ("changed", proposal.digest)
    assert found.changes == ("+extra", "stages.Secret GmbH")
    assert "2 decisions" in found.reason
    assert "Secret" not in found.reason
    assert signed_record(staging, RING, MAPPING).decisions["lines"] == 3


def test_many_changes_are_cut_short(staging: Staging) -> None:
    signed(staging, proposed(staging, {str(n): n for n in range(1000)}))
    proposed(staging, {str(n): -n for n in range(1000)})
    found = state(staging, RING, MAPPING)
    assert len(found.changes) == MOST_CHANGES
    assert f"more than {MOST_CHANGES}" in found.reason


def test_going_back_to_what_was_signed_is_signed(staging: Staging) -> None:
    signed(staging, proposed(staging, {"a": 1}))
    proposed(staging, {"a": 2})
    proposed(staging, {"a": 1})
    assert state(staging, RING, MAPPING).signed


def test_an_older_signature_does_not_count(staging: Staging) -> None:
    signed(staging, proposed(staging, {"a": 1}))
    signed(staging, proposed(staging, {"a": 2}))
    proposed(staging, {"a": 1})
    assert state(staging, RING, MAPPING).status == "changed"
    assert signed_record(staging, RING, MAPPING).decisions == {"a": 2}


# -- refusals ------------------------------------------------------------------------------


def test_a_record_by_a_strangers_key_is_refused(staging: Staging) -> None:
    signed(staging, proposed(staging), STRANGER)
    status, reason = refused(staging)
    assert status == "forged"
    assert FIRST in reason


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("decisions", "something else"),
        ("digest", "0" * 64),
        ("signer", BOB),
        ("number", 2),
        ("format", 2),
        ("hmac", "0" * 64),
        ("more", 1),
    ],
)
def test_a_record_changed_afterwards_is_refused(staging: Staging, field: str, value: Any) -> None:
    signed(staging, proposed(staging))
    staging.write_json(FIRST, {**staging.read_json(FIRST), field: value})
    assert refused(staging)[0] == "forged"


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"{}"])
def test_what_is_no_record_is_refused(staging: Staging, content: bytes) -> None:
    proposed(staging)
    staging.write_bytes(FIRST, content)
    status, reason = refused(staging)
    assert status == "forged"
    assert FIRST in reason


def test_a_forged_record_is_not_passed_over_for_an_older_one(staging: Staging) -> None:
    proposal = proposed(staging)
    signed(staging, proposal)
    signed(staging, proposal, STRANGER)
    assert refused(staging)[0] == "forged"
    assert signed(staging, proposal).number == 3
    assert state(staging, RING, MAPPING).signed


@pytest.mark.parametrize(
    "other",
    [
        Gate("globex", "mapping", "sandbox"),
        Gate("acme", "mapping", "production"),
        Gate("acme", "rehearsal", "sandbox"),
    ],
)
def test_a_copy_from_elsewhere_is_refused(staging: Staging, tmp_path: Path, other: Gate) -> None:
    elsewhere = Staging(tmp_path / "elsewhere")
    signed(elsewhere, proposed(elsewhere, gate=other))
    [name] = elsewhere.names("signed")
    proposed(staging)
    staging.write_bytes(FIRST, elsewhere.read_bytes(name))
    status, reason = refused(staging)
    assert status == "forged"
    assert "copy" in reason


def test_a_signature_repeated_after_its_revocation_is_refused(staging: Staging) -> None:
    signed(staging, proposed(staging))
    revoked(staging)
    staging.write_bytes("signed/mapping/sandbox/000003.json", staging.read_bytes(FIRST))
    status, reason = refused(staging)
    assert status == "forged"
    assert "number 1" in reason


def test_a_revoked_signature_is_refused(staging: Staging) -> None:
    signed(staging, proposed(staging))
    assert revoked(staging).number == 2
    status, reason = refused(staging)
    assert status == "revoked"
    assert "Bob" in reason
    assert "typo" in reason


def test_a_revocation_can_be_followed_by_a_signature(staging: Staging) -> None:
    proposal = proposed(staging)
    signed(staging, proposal)
    revoked(staging)
    assert signed(staging, proposal).number == 3
    assert state(staging, RING, MAPPING).signed


def test_only_what_holds_can_be_revoked(staging: Staging) -> None:
    with pytest.raises(NotSigned, match="no sign-off to revoke"):
        revoked(staging)
    signed(staging, proposed(staging))
    revoked(staging)
    with pytest.raises(NotSigned, match="no sign-off to revoke"):
        revoked(staging)


@pytest.mark.parametrize(
    ("signers", "status"),
    [
        ((), "signed"),
        (("ANN@acme.example",), "signed"),
        (("Ann Lee-Smith <ann@acme.example>", "Bob"), "signed"),
        (("bob@acme.example",), "wrong_signer"),
        (("Ann Lee",), "wrong_signer"),
    ],
)
def test_only_who_is_on_the_list_may_sign(
    staging: Staging, signers: tuple[str, ...], status: str
) -> None:
    signed(staging, proposed(staging))
    assert state(staging, RING, MAPPING, signers).status == status
    if status == "wrong_signer":
        assert "Ann Lee" in refused(staging, signers)[1]


# -- keys and numbers ----------------------------------------------------------------------


def test_a_retired_key_still_checks_what_it_signed(staging: Staging) -> None:
    signed(staging, proposed(staging), Keyring({"k0": b"0" * 32}))
    assert state(staging, RING, MAPPING).signed


def test_a_key_that_is_gone_is_named(staging: Staging) -> None:
    signed(staging, proposed(staging), Keyring({"k9": b"9" * 32}))
    assert "'k9'" in refused(staging)[1]


def test_two_who_sign_at_once_get_two_numbers(staging: Staging) -> None:
    """Whatever is equal in all, to the millisecond, is one sign-off."""
    proposal, start = proposed(staging), Barrier(8)
    signers = iter([f"Person {n} <p{n}@acme.example>" for n in range(8)])
    numbers: list[int] = []

    def one() -> None:
        signer = next(signers)
        start.wait()
        numbers.append(signed(staging, proposal, signer=signer).number)

    _run_together(one, 8)
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert state(staging, RING, MAPPING).signed


def _run_together(work: Callable[[], None], count: int) -> None:
    threads = [Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_highest_number_counts_beyond_six_digits(staging: Staging) -> None:
    proposal = proposed(staging)
    staging.write_bytes("signed/mapping/sandbox/999999.json", b"{}")
    assert signed(staging, proposal).number == 1_000_000
    assert state(staging, RING, MAPPING).signed


def test_other_files_in_the_folder_do_not_matter(staging: Staging) -> None:
    signed(staging, proposed(staging))
    staging.write_bytes("signed/mapping/sandbox/notes.txt", b"x")
    staging.write_bytes("signed/mapping/sandbox/documents/000009.json", b"x")
    assert state(staging, RING, MAPPING).signed


def test_a_record_of_this_format_is_read_for_ever(staging: Staging) -> None:
    """The bytes that release 0.1.0 wrote."""
    body = {
        "action": "sign", "decisions": {"a": [1, "ü"]}, "digest": "d", "document": None,
        "engagement": "acme", "environment": "sandbox", "evidence": "e", "format": 1,
        "gate": "mapping", "key_id": "k1", "number": 1, "reason": "", "recorded_by": "op@host",
        "signer": ANN, "time": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    mac = "b47cb98fb4203954083b42a04f04e5240f9a0d918c5e16121d7728134d61b31c"
    staging.write_bytes(FIRST, json.dumps({**body, "hmac": mac}, indent=1).encode())
    record = last_record(staging, RING, MAPPING)
    assert record is not None
    assert record.decisions == {"a": [1, "ü"]}
    staging.write_bytes(FIRST, json.dumps({**body, "hmac": mac[::-1]}).encode())
    with pytest.raises(Forged):
        last_record(staging, RING, MAPPING)
