"""What a run can be asked to do."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from airflow_crm_migration.core.staging import Staging


class Mode(StrEnum):
    """
    The modes of a run.

    All that write records from the source are one path through the same tasks; they differ in which
    records they take and in what they wait for.
    """

    SAMPLE = "sample"
    FULL = "full"
    DELTA = "delta"
    RETRY = "retry"
    CUTOVER = "cutover"
    VALIDATE = "validate"
    ROLLBACK = "rollback"

    @property
    def words(self) -> str:
        """What the mode does, for the form of a run."""
        return _WORDS[self]

    @property
    def reads_source(self) -> bool:
        """Whether records of the source are read and written."""
        return self not in (Mode.VALIDATE, Mode.ROLLBACK)

    @property
    def follows_full(self) -> bool:
        """
        Whether the run stands on an earlier full one, whose signatures still cover it.

        What is new since, a tag, a value, a field, is held or kept apart and reported: such a run
        never waits for somebody to sign it.
        """
        return self in (Mode.DELTA, Mode.RETRY, Mode.CUTOVER)

    @property
    def needs_new_files(self) -> bool:
        """Whether a CSV file that an earlier run has read is too old for it."""
        return self in (Mode.DELTA, Mode.CUTOVER)


_WORDS = {
    Mode.SAMPLE: "some records of every kind",
    Mode.FULL: "everything",
    Mode.DELTA: "what changed since the last run",
    Mode.RETRY: "the rejected and held records alone",
    Mode.CUTOVER: "the last delta after the source was frozen, validated and signed",
    Mode.VALIDATE: "compares what stands in the destination, writes nothing",
    Mode.ROLLBACK: "undoes what this engagement did, after a signed forecast",
}


def check_ground(staging: Staging, mode: Mode, environment: str) -> None:
    """
    Check that what a mode stands on is there.

    :raises UserMistake: no earlier run loaded the environment
    """
    if mode.follows_full and not staging.names(f"watermarks/{environment}"):
        raise UserMistake(
            f"mode {mode}: no full run into {environment} has ended well yet; run mode full first"
        )
    if not mode.reads_source and not staging.exists(f"tenant/{environment}.json"):
        raise UserMistake(f"mode {mode}: nothing was ever loaded into {environment}")
