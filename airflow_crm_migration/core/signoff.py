"""Sign-offs: who agreed to which decisions, and whether that still holds.

The record is a format that outlives releases. It proves that whoever wrote it had one of the
keys; that the signer is who it says, the recorder vouches for.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from email.utils import parseaddr
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from airflow_crm_migration.core.canonical import digest, time_text
from airflow_crm_migration.core.differences import differences
from airflow_crm_migration.core.gates import read_proposal
from airflow_crm_migration.core.staging import sha256

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from airflow_crm_migration.core.gates import Gate, Proposal
    from airflow_crm_migration.core.keyring import Keyring
    from airflow_crm_migration.core.staging import Staging

FORMAT = 1
MOST_CHANGES = 20
_RECORD = re.compile(r"\d{6,}\.json")

Status = Literal[
    "nothing_proposed", "unsigned", "forged", "revoked", "wrong_signer", "changed", "signed"
]


class NotSigned(Exception):
    """Nobody signed what a step needs, or the signature does not hold."""


class Forged(Exception):
    """A record in a gate's folder is not one that our keys made for that place."""


@dataclass(frozen=True)
class SignOff:
    """
    One signed record.

    :param number: counts up per gate and environment; the highest one counts
    :param digest: of the decisions
    :param evidence: SHA-256 of the evidence that was there to look at
    :param signer: whose decision it is
    :param recorded_by: operating system's user and host of who recorded it
    :param time: UTC time of recording
    :param document: name and SHA-256 of a letter or mail that is kept beside
    :param decisions: what was signed, in full; None when revoked
    """

    engagement: str
    gate: str
    environment: str | None
    number: int
    action: Literal["sign", "revoke"]
    digest: str
    evidence: str
    signer: str
    recorded_by: str
    time: str
    key_id: str
    document: dict[str, str] | None
    reason: str
    decisions: Any
    format: int = FORMAT


@dataclass(frozen=True)
class GateState:
    """
    Whether a gate is open, and why.

    :param reason: one line that is fit for a log: it quotes nothing from the decisions
    :param digest: of what is proposed now
    :param record: the last record, when one of our keys made it
    :param changes: paths of decisions that differ from the signed ones, the first few
    """

    status: Status
    reason: str
    digest: str | None = None
    record: SignOff | None = None
    changes: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether what is proposed now is what was signed."""
        return self.status == "signed"


# -- writing -------------------------------------------------------------------------------


def sign(
    staging: Staging,
    keyring: Keyring,
    proposal: Proposal,
    *,
    signer: str,
    recorded_by: str,
    now: datetime,
    document: tuple[str, bytes] | None = None,
) -> SignOff:
    """
    Record that somebody agreed to a proposal.

    :param proposal: just what the signer saw, whatever lies in staging by now
    :param document: name and content of a letter or mail, kept beside the record
    """
    return _append(
        staging,
        keyring,
        proposal.gate,
        action="sign",
        digest=proposal.digest,
        evidence=digest(proposal.evidence),
        signer=signer,
        recorded_by=recorded_by,
        time=time_text(now),
        document=_keep(staging, proposal.gate, *document) if document else None,
        reason="",
        decisions=proposal.decisions,
    )


def revoke(
    staging: Staging,
    keyring: Keyring,
    gate: Gate,
    *,
    signer: str,
    recorded_by: str,
    reason: str,
    now: datetime,
) -> SignOff:
    """
    Record that the last sign-off no longer holds.

    :raises NotSigned: there is none that holds
    :raises Forged: the last record is not one of ours
    """
    last = last_record(staging, keyring, gate)
    if last is None or last.action == "revoke":
        raise NotSigned(f"{gate}: there is no sign-off to revoke")
    return _append(
        staging,
        keyring,
        gate,
        action="revoke",
        digest=last.digest,
        evidence=last.evidence,
        signer=signer,
        recorded_by=recorded_by,
        time=time_text(now),
        document=None,
        reason=reason,
        decisions=None,
    )


def _append(staging: Staging, keyring: Keyring, gate: Gate, **facts: Any) -> SignOff:
    while True:
        record = SignOff(
            engagement=gate.engagement,
            gate=gate.name,
            environment=gate.environment,
            number=max(_numbers(staging, gate), default=0) + 1,
            key_id=keyring.signing_id,
            **facts,
        )
        body = asdict(record)
        content = {**body, "hmac": keyring.mac(record.key_id, body)}
        try:
            staging.write_json(_name(gate, record.number), content, exclusive=True)
        except FileExistsError:
            continue  # somebody signed at the same time: theirs is this number, ours the next
        return record


def _keep(staging: Staging, gate: Gate, name: str, content: bytes) -> dict[str, str]:
    found = sha256(content)
    staging.write_bytes(f"signed/{gate.slot}/documents/{found}", content)
    return {"name": name, "sha256": found}


# -- reading -------------------------------------------------------------------------------


def last_record(staging: Staging, keyring: Keyring, gate: Gate) -> SignOff | None:
    """
    Return the record that counts: the one with the highest number.

    :raises Forged: it is not one that our keys made for this place; none before it counts either
    """
    number = max(_numbers(staging, gate), default=0)
    return _record(staging, keyring, gate, number) if number else None


def last_signature(staging: Staging, keyring: Keyring, gate: Gate) -> SignOff | None:
    """
    Return what was signed last, also where it was revoked since: what stands was loaded by it.

    :raises Forged: a record since then is not one that our keys made for this place
    """
    for number in sorted(_numbers(staging, gate), reverse=True):
        record = _record(staging, keyring, gate, number)
        if record.action != "revoke":
            return record
    return None


def _record(staging: Staging, keyring: Keyring, gate: Gate, number: int) -> SignOff:
    name = _name(gate, number)
    content = _json_object(staging.read_bytes(name), name)
    mac, key_id = str(content.pop("hmac", "")), str(content.get("key_id", ""))
    if key_id not in keyring.keys:
        raise Forged(f"{name} names the key {key_id!r}, which is not in signing_keys")
    if not keyring.verifies(key_id, content, mac):
        raise Forged(f"{name} was changed or not made by us: its HMAC is wrong")
    if content["format"] != FORMAT:
        raise Forged(f"{name} has format {content['format']}: upgrade airflow-crm-migration")
    record = SignOff(**content)
    place = (gate.engagement, gate.name, gate.environment, number)
    if (record.engagement, record.gate, record.environment, record.number) != place:
        raise Forged(
            f"{name} is a copy of number {record.number} of {record.gate} "
            f"({record.environment or 'all environments'}) of engagement {record.engagement!r}"
        )
    return record


def state(staging: Staging, keyring: Keyring, gate: Gate, signers: Sequence[str] = ()) -> GateState:
    """
    Return whether what is proposed now is signed.

    :param signers: who may sign, by mail address or name; empty for anyone
    """
    proposal = read_proposal(staging, gate)
    proposed = proposal.digest if proposal else None
    try:
        record = last_record(staging, keyring, gate)
    except Forged as forged:
        return GateState("forged", f"the last sign-off does not count: {forged}", proposed)
    if proposal is None:
        return GateState("nothing_proposed", "nothing is proposed to be signed yet", None, record)
    if record is None:
        return GateState("unsigned", "nobody has signed yet", proposed)
    if refusal := _refusal(record, signers):
        return GateState(*refusal, proposed, record)
    if record.digest != proposed:
        return _changed(record, proposal)
    return GateState("signed", f"signed by {record.signer} at {record.time}", proposed, record)


def signed_record(
    staging: Staging,
    keyring: Keyring,
    gate: Gate,
    signers: Sequence[str] = (),
    *,
    revoked: bool = False,
) -> SignOff:
    """
    Return what was signed last, whatever has been proposed since.

    :param signers: who may sign, by mail address or name; empty for anyone
    :param revoked: also what was revoked since
    :raises NotSigned: nobody signed, or the signature does not hold
    """
    try:
        record = (last_signature if revoked else last_record)(staging, keyring, gate)
    except Forged as forged:
        raise NotSigned(f"{gate}: {forged}") from None
    if record is None:
        raise NotSigned(f"{gate}: nobody has signed yet")
    if refusal := _refusal(record, signers):
        raise NotSigned(f"{gate}: {refusal[1]}")
    return record


def may_sign(signer: str, signers: Sequence[str]) -> bool:
    """Tell whether somebody is on the list, by mail address where there is one."""
    return not signers or _identity(signer) in {_identity(one) for one in signers}


def _identity(signer: str) -> str:
    _, address = parseaddr(signer)
    return (address if "@" in address else signer).strip().casefold()


def _refusal(record: SignOff, signers: Sequence[str]) -> tuple[Status, str] | None:
    if record.action == "revoke":
        return "revoked", f"revoked by {record.signer} at {record.time}: {record.reason}"
    if not may_sign(record.signer, signers):
        return (
            "wrong_signer",
            f"signed by {record.signer}, who is not among the engagement's signers",
        )
    return None


def _changed(record: SignOff, proposal: Proposal) -> GateState:
    paths = tuple(islice(differences(record.decisions, proposal.decisions), MOST_CHANGES + 1))
    count = f"{len(paths)}" if len(paths) <= MOST_CHANGES else f"more than {MOST_CHANGES}"
    reason = f"{count} decisions changed since {record.signer} signed at {record.time}"
    return GateState("changed", reason, proposal.digest, record, paths[:MOST_CHANGES])


def _numbers(staging: Staging, gate: Gate) -> list[int]:
    folder = f"signed/{gate.slot}/"
    names = (name.removeprefix(folder) for name in staging.names(folder))
    return [int(name.removesuffix(".json")) for name in names if _RECORD.fullmatch(name)]


def _name(gate: Gate, number: int) -> str:
    return f"signed/{gate.slot}/{number:06d}.json"


def _json_object(content: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Forged(f"{name} is not a sign-off: it holds no JSON object")
    return found
