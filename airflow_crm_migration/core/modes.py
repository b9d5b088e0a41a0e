"""What a run can be asked to do."""

from __future__ import annotations

from enum import StrEnum


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
