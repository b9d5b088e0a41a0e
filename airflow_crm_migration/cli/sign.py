"""``airflow crm-migration sign``: records that somebody agreed to what a step proposed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from airflow_crm_migration.cli.engaged import Engaged, confirm, plain, recorded_by
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import Gate, Proposal, read_proposal
from airflow_crm_migration.core.signoff import may_sign, sign, state
from airflow_crm_migration.core.steps.duplicates import reread_sheets
from airflow_crm_migration.core.steps.mapping import check_choices, check_decisions
from airflow_crm_migration.hooks.signing import signing_keyring

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_crm_migration.core.signoff import GateState

_MOST_LINES = 60
_NOT_SIGNED = 1


def run(args: Namespace) -> int:
    """
    Show what would be signed, ask, and record it.

    :param args: ``engagement``, ``gate``, ``environment``, ``signer``, ``evidence``, ``yes``
    :return: exit status: 1 when whoever was asked said no
    :raises UserMistake: nothing to sign, nothing that could be loaded, or not by this signer
    """
    engaged = Engaged.of(args)
    gate = engaged.gate(args.gate, args.environment)
    keyring, signers = signing_keyring(), engaged.engagement.signers
    signer = _checked_signer(args.signer, signers, engaged.file)
    document = _document(args.evidence)
    if gate.name == "duplicates":
        reread_sheets(engaged.staging, engaged.engagement.id)
    proposal = read_proposal(engaged.staging, gate)
    if proposal is None:
        raise UserMistake(
            f"{gate}: nothing is proposed to be signed yet; run the DAG until this gate waits"
        )
    if gate.name == "mapping":
        place, engagement = f"review/{gate.slot}.json", engaged.engagement
        check_decisions(proposal.decisions, place)
        check_choices(
            proposal.decisions, engagement.mapping().chosen(dict(engagement.choices)), place
        )
    found = state(engaged.staging, keyring, gate, signers)
    if found.signed and found.record:
        print(f"{gate}: {found.reason}; nothing to do")
        return 0
    _show(gate, proposal, found)
    if not confirm(f"Record this as the decision of {signer}?", yes=args.yes):
        print("nothing recorded")
        return _NOT_SIGNED
    record = sign(
        engaged.staging,
        keyring,
        proposal,
        signer=signer,
        recorded_by=recorded_by(),
        now=datetime.now(UTC),
        document=document,
    )
    print(f"{gate}: recorded as number {record.number}, signed by {record.signer}")
    return 0


def _checked_signer(signer: str, signers: tuple[str, ...], file: str) -> str:
    if not signer.strip():
        raise UserMistake('--signer is empty; say who decided, as "NAME <MAIL>"')
    if not may_sign(signer, signers):
        raise UserMistake(
            f"--signer {signer!r} may not sign; signers in {file} are: {', '.join(signers)}"
        )
    return signer.strip()


def _document(path: str | None) -> tuple[str, bytes] | None:
    if path is None:
        return None
    try:
        return Path(path).name, Path(path).read_bytes()
    except OSError as error:
        raise UserMistake(f"--evidence {path}: {error.strerror}; name a file") from None


def _show(gate: Gate, proposal: Proposal, found: GateState) -> None:
    review = f"review/{gate.slot}.json"
    print(f"Gate       {gate} of engagement {gate.engagement}")
    print(f"Digest     {proposal.digest}")
    print(f"Proposed   {proposal.proposed_at}, in full in staging: {review}")
    print(f"So far     {found.reason}")
    for path in found.changes:
        print(f"  changed  {plain(path)}")
    print("\nWhat would be signed:\n")
    for line in _lines(proposal.decisions):
        print(f"  {plain(line)}")
    print("\nTo be looked at, not signed:\n")
    for line in _lines(proposal.evidence):
        print(f"  {plain(line)}")
    print()


def _lines(value: Any) -> list[str]:
    """Return all of a value where that fits on a screen, else how much there is of what."""
    whole = yaml.safe_dump(value, allow_unicode=True, sort_keys=False).splitlines()
    if len(whole) <= _MOST_LINES or not isinstance(value, dict):
        return whole[:_MOST_LINES]
    return [f"{key}: {_size(part)}" for key, part in value.items()]


def _size(part: Any) -> str:
    if isinstance(part, dict | list):
        return f"{len(part)} entries"
    return str(part)
