"""The freeze before a cutover: since when nobody works in the source, and whether that is true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.core.protocols import Source

FREEZE = "freeze.json"
"""What a run keeps of the freeze: the instant, and which objects were checked."""

PARAMETER = "frozen_at"


@dataclass(frozen=True)
class Quiet:
    """
    Which objects of the source are quiet since an instant.

    :param quiet: those that were asked and hold nothing newer
    :param loud: object -> time of its newest change, after the instant
    :param attested: those that cannot be asked: people vouch for them
    """

    quiet: tuple[str, ...]
    loud: dict[str, datetime]
    attested: tuple[str, ...]


def declared_instant(text: str | None) -> datetime:
    """
    Return the instant that a run's parameter names.

    :raises UserMistake: it is blank, no time, or has no zone
    """
    example = f"give {PARAMETER} as ISO 8601 with a zone, for example 2026-03-01T18:00:00+01:00"
    if not (text or "").strip():
        raise UserMistake(
            f"{PARAMETER} is blank: a cutover needs the instant since which nobody works in the "
            f"source; {example}"
        )
    try:
        instant = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise UserMistake(f"{PARAMETER}: {text!r} is not a time; {example}") from None
    if instant.tzinfo is None:
        raise UserMistake(f"{PARAMETER}: {text!r} has no zone; {example}")
    return instant.astimezone(UTC)


def ask_quiet(source: Source | None, objects: Sequence[str], instant: datetime) -> Quiet:
    """
    Ask the source whether anything changed after an instant.

    :param source: None where there are files alone, which tell nothing about the source now
    :param objects: of the source
    """
    newest = {name: source.newest_change(name) if source else None for name in objects}
    return Quiet(
        tuple(name for name, time in newest.items() if time is not None and time <= instant),
        {name: time for name, time in newest.items() if time is not None and time > instant},
        tuple(name for name, time in newest.items() if time is None),
    )
