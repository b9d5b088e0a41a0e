"""Decisions that people take: what a step proposes, for which gate."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import canonical_json, digest, time_text
from airflow_crm_migration.core.errors import StagingBroken, UserMistake

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_crm_migration.core.staging import Staging

FORMAT = 1
ONCE_PER_ENGAGEMENT = frozenset({"scope", "data", "duplicates"})
OF_PRODUCTION = frozenset({"rehearsal"})
"""Gates that only loading into production passes."""


@dataclass(frozen=True)
class Gate:
    """
    One decision of one engagement.

    :param environment: of the run; dropped for what is decided once per engagement
    """

    engagement: str
    name: str
    environment: str | None = None

    def __post_init__(self) -> None:
        """Drop or demand the environment."""
        if self.name in ONCE_PER_ENGAGEMENT:
            object.__setattr__(self, "environment", None)
        elif self.environment is None:
            raise UserMistake(
                f"the gate {self.name!r} is decided per environment: name sandbox or production"
            )

    @property
    def slot(self) -> str:
        """Where the gate's objects lie below ``review/``, ``signed/`` and ``gates/``."""
        return f"{self.name}/{self.environment or '_'}"

    def __str__(self) -> str:
        """Return the gate as messages name it."""
        return self.name if self.environment is None else f"{self.name} ({self.environment})"


@dataclass(frozen=True)
class Proposal:
    """
    What a step proposes to be signed.

    :param decisions: JSON; all that the digest covers beside engagement and gate
    :param evidence: JSON that people look at: counts, samples
    :param proposed_at: UTC time
    """

    gate: Gate
    decisions: Any
    evidence: Any
    proposed_at: str

    @property
    def digest(self) -> str:
        """The SHA-256 of what is signed, in hex."""
        return digest(
            {
                "engagement": self.gate.engagement,
                "gate": self.gate.name,
                "decisions": self.decisions,
            }
        )


def propose(staging: Staging, gate: Gate, decisions: Any, evidence: Any, now: datetime) -> Proposal:
    """
    Write what is to be signed to ``review/``, replacing what was proposed before.

    :param decisions: JSON; nothing in it may change from run to run without anybody's decision
    :param evidence: JSON to look at; a signature keeps its digest, but does not hang on it
    """
    decisions, evidence = json.loads(canonical_json([decisions, evidence]))
    proposal = Proposal(gate, decisions, evidence, time_text(now))
    content = {
        "format": FORMAT,
        "engagement": gate.engagement,
        "gate": gate.name,
        "environment": gate.environment,
        "decisions": proposal.decisions,
        "evidence": proposal.evidence,
        "proposed_at": proposal.proposed_at,
        "digest": proposal.digest,
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)
    staging.write_bytes(_name(gate), f"{text}\n".encode())
    return proposal


def read_proposal(staging: Staging, gate: Gate) -> Proposal | None:
    """
    Return what is proposed; its digest is made anew, for people may have edited the file.

    :return: None when no step has proposed anything yet
    :raises UserMistake: the file was edited and is not readable any more
    """
    try:
        kept = staging.read_json(_name(gate))
        return Proposal(gate, kept["decisions"], kept["evidence"], kept["proposed_at"])
    except FileNotFoundError:
        return None
    except (StagingBroken, KeyError, TypeError) as error:
        raise UserMistake(
            f"{_name(gate)}: not a proposal any more ({error}): mend it, or run the step that "
            "writes it again"
        ) from None


def sign_command(gate: Gate, engagement_file: str = "FILE") -> str:
    """Return the command that signs a gate."""
    where = ["--environment", gate.environment] if gate.environment else []
    words = ["airflow", "crm-migration", "sign", "--engagement", engagement_file]
    words += ["--gate", gate.name, *where, "--signer"]
    return f'{shlex.join(words)} "NAME <MAIL>"'


def _name(gate: Gate) -> str:
    return f"review/{gate.slot}.json"
