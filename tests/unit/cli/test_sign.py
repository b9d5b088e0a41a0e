"""Signing shows what is signed, asks, and records just that; revoking undoes it."""

from __future__ import annotations

import getpass
import io
import sys
from argparse import Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.cli import revoke, sign
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, propose
from airflow_crm_migration.core.signoff import signed_record, state
from airflow_crm_migration.core.staging import sha256
from airflow_crm_migration.core.steps.mapping import dump
from airflow_crm_migration.hooks.signing import signing_keyring
from tests.support.transforming import small_pair

if TYPE_CHECKING:
    from pathlib import Path

CUTOVER = Gate("acme", "cutover", "sandbox")
ANN = "Ann Lee <ann@acme.example>"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def args(case: Any, **given: Any) -> Namespace:
    defaults = {
        "engagement": str(case.file),
        "gate": "cutover",
        "environment": "sandbox",
        "signer": ANN,
        "evidence": None,
        "yes": True,
    }
    return Namespace(**{**defaults, **given})


def proposed(case: Any, decisions: Any = None, gate: Gate = CUTOVER) -> str:
    given = decisions or {"stages": {"Won": "WON"}}
    return propose(case.staging, gate, given, {"deals": 7}, NOW).digest


def complaint(case: Any, **given: Any) -> str:
    with pytest.raises(UserMistake) as raised:
        sign.run(args(case, **given))
    [line] = raised.value.findings
    return line


def test_a_signature_is_recorded(case: Any, capsys: pytest.CaptureFixture[str]) -> None:
    digest = proposed(case)
    assert sign.run(args(case)) == 0
    found = state(case.staging, signing_keyring(), CUTOVER)
    assert found.signed
    assert found.record is not None
    assert (found.record.signer, found.record.digest) == (ANN, digest)
    assert found.record.recorded_by.startswith(f"{getpass.getuser()}@")
    shown = capsys.readouterr().out
    assert digest in shown
    assert "Won: WON" in shown
    assert "deals: 7" in shown
    assert "review/cutover/sandbox.json" in shown
    assert "recorded as number 1" in shown


def test_a_long_document_is_shown_by_its_size(
    case: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    proposed(case, {"lines": [{"id": n} for n in range(500)], "choice": "task"})
    sign.run(args(case))
    shown = capsys.readouterr().out
    assert "lines: 500 entries" in shown
    assert "choice: task" in shown
    assert len(shown.splitlines()) < 100


def test_what_changed_since_the_last_signature_is_shown(
    case: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    proposed(case)
    sign.run(args(case))
    proposed(case, {"stages": {"Won": "LOST"}})
    capsys.readouterr()
    assert sign.run(args(case)) == 0
    assert "changed  stages.Won" in capsys.readouterr().out


def test_text_of_a_crm_cannot_steer_the_terminal(
    case: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    proposed(case, {"a": 1})
    sign.run(args(case))
    proposed(case, {"a\x1b[2J": "b\x1b[2J\rc\u202e"})
    sign.run(args(case))
    assert "\x1b" not in capsys.readouterr().out


def test_signing_twice_is_signing_once(case: Any, capsys: pytest.CaptureFixture[str]) -> None:
    proposed(case)
    sign.run(args(case))
    assert sign.run(args(case)) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert len(case.staging.names("signed")) == 1


def test_a_letter_is_kept(case: Any, tmp_path: Path) -> None:
    proposed(case)
    (tmp_path / "letter.pdf").write_bytes(b"%PDF")
    sign.run(args(case, evidence=str(tmp_path / "letter.pdf")))
    record = state(case.staging, signing_keyring(), CUTOVER).record
    assert record is not None
    assert record.document == {"name": "letter.pdf", "sha256": sha256(b"%PDF")}


@pytest.mark.parametrize(
    ("answer", "status"), [("y", 0), ("Yes", 0), ("", 1), ("n", 1), ("yup", 1)]
)
def test_somebody_at_the_terminal_is_asked(
    case: Any, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    proposed(case)
    monkeypatch.setattr(sys, "stdin", Terminal(f"{answer}\n"))
    assert sign.run(args(case, yes=False)) == status
    assert state(case.staging, signing_keyring(), CUTOVER).signed is (status == 0)


def test_nobody_at_the_terminal_signs_nothing(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proposed(case)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "--yes" in complaint(case, yes=False)
    assert case.staging.names("signed") == []


def test_nothing_proposed_is_told(case: Any) -> None:
    assert "nothing is proposed" in complaint(case)


def test_an_environment_without_connection_is_told(case: Any) -> None:
    assert "connections has no production" in complaint(case, environment="production")
    assert "sandbox or production" in complaint(case, environment=None)


def test_scope_needs_no_environment(case: Any) -> None:
    proposed(case, gate=Gate("acme", "scope"))
    assert sign.run(args(case, gate="scope", environment=None)) == 0
    assert case.staging.names("signed") == ["signed/scope/_/000001.json"]


def test_who_may_not_sign_is_told_who_may(case: Any) -> None:
    proposed(case)
    case.change(signers=["bob@acme.example"])
    assert "signers in" in complaint(case)
    assert "bob@acme.example" in complaint(case)
    assert "--signer is empty" in complaint(case, signer=" ")
    assert sign.run(args(case, signer="Bob <BOB@acme.example>")) == 0


def test_a_letter_that_is_not_there_is_told(case: Any) -> None:
    proposed(case)
    assert "--evidence nowhere.pdf: No such file" in complaint(case, evidence="nowhere.pdf")


def test_a_missing_key_is_told(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CRM_MIGRATION__SIGNING_KEYS", "")
    assert "signing_keys is not set; make a key with: python -c" in complaint(case)


# -- a mapping that was edited -------------------------------------------------------------

LINE = "{id: firm, source: firm, destination: house, fields: [{to: sign, from: web, do: %s}]}"
MAPPING = Gate("acme", "mapping", "sandbox")
CHOSEN = {"size": "small", "greet": True}


def complaints(case: Any, decisions: Any) -> list[str]:
    proposed(case, decisions, MAPPING)
    with pytest.raises(UserMistake) as raised:
        sign.run(args(case, gate="mapping"))
    assert case.staging.names("signed") == []
    return raised.value.findings


def test_a_mapping_that_could_be_loaded_is_signed(case: Any) -> None:
    proposed(case, {"mapping": dump(small_pair(LINE % "tidy_text")), "choices": CHOSEN}, MAPPING)
    assert sign.run(args(case, gate="mapping")) == 0


def test_a_choice_is_made_in_the_engagement_and_not_in_what_is_proposed(case: Any) -> None:
    mapping = dump(small_pair(LINE % "tidy_text"))
    chosen = {**CHOSEN, "ai_drafts": "note"}
    told = complaints(case, {"mapping": mapping, "choices": chosen})
    assert any("choices.ai_drafts" in line for line in told)


def test_a_map_leads_to_options_of_its_field(case: Any) -> None:
    mapping = dump(small_pair(LINE % "tidy_text"))
    field = mapping["lines"][0]["fields"][0]
    field |= {"map": {"fine": "nowhere"}, "options": [{"value": "f", "label": "Fine"}]}
    [line] = complaints(case, {"mapping": mapping, "choices": CHOSEN})
    assert "map.fine = 'nowhere': is no option of the field; choose one of: f" in line


def test_what_is_no_mapping_is_not_signed(case: Any) -> None:
    [line] = complaints(case, {"mapping": 1})
    assert line.startswith("review/mapping/sandbox.json: mapping = 1: ")


def test_a_misspelt_key_is_told_with_its_place(case: Any) -> None:
    mapping = dump(small_pair(LINE % "tidy_text"))
    mapping["lines"][0]["fields"][0]["form"] = "web"
    [line] = complaints(case, {"mapping": mapping})
    assert line == (
        "review/mapping/sandbox.json: mapping.lines.0.fields.0.form = 'web': there is no such "
        "setting here; remove it or mend its spelling"
    )


def test_everything_else_that_could_not_be_loaded_is_told_at_once(case: Any) -> None:
    mapping = dump(small_pair(LINE % "tidy_txt"))
    mapping["lines"] *= 2
    told = complaints(case, {"mapping": mapping, "choices": {"size": "huge"}})
    place = "review/mapping/sandbox.json: "
    assert all(line.startswith(place) for line in told)
    twice, misspelt, misspelt_too, choice, missing = (line.removeprefix(place) for line in told)
    assert twice == "lines.firm: the id is used 2 times; give each line one of its own"
    assert misspelt.startswith("lines.firm.sign.do = 'tidy_txt': there is no such transform")
    assert misspelt_too == misspelt
    assert choice == "choices.size = 'huge': choose one of: small, large"
    assert missing == "choices.greet: is missing; choose one of: True, False"


# -- revoking ------------------------------------------------------------------------------


def test_a_revocation_is_recorded(case: Any, capsys: pytest.CaptureFixture[str]) -> None:
    proposed(case)
    sign.run(args(case))
    assert revoke.run(args(case, reason="wrong stages")) == 0
    assert "revoked, as number 2" in capsys.readouterr().out
    found = state(case.staging, signing_keyring(), CUTOVER)
    assert found.status == "revoked"
    assert "wrong stages" in found.reason


def test_revoking_is_asked_too(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proposed(case)
    sign.run(args(case))
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert revoke.run(args(case, reason="wrong stages", yes=False)) == 1
    assert signed_record(case.staging, signing_keyring(), CUTOVER).decisions


def test_nothing_to_revoke_is_told(case: Any) -> None:
    with pytest.raises(UserMistake, match="no sign-off to revoke"):
        revoke.run(args(case, reason="wrong stages"))
