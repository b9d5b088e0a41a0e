"""What a validation found of a phase: figures, and their words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from airflow_crm_migration.core.drift import Drift

SAME = "same"

WORDS = {
    SAME: "as loaded",
    Drift.CHANGED: "changed since",
    Drift.RELINKED: "linked to something else since",
    Drift.FILE_CHANGED: "with another file",
    Drift.KNOWN_CONFLICT: "in a conflict that was told before",
    Drift.TRASHED: "in the trash",
    Drift.GONE: "gone",
    Drift.EXTRA: "with our mark but not ours",
}


@dataclass
class LinkCheck:
    """
    Whether the children of records still name them.

    :param object: object of the children
    :param field: their field that names the parent
    :param expected: children that named one of the parents when they were loaded
    :param pointing: those of them that still do
    """

    object: str
    field: str
    expected: int = 0
    pointing: int = 0


@dataclass
class PhaseValidation:
    """
    What stands of a phase, asked, beside what the ledger says was stored.

    :param sample: how many records were to be read back, None for all
    :param expected: records that must stand there and bear our mark
    :param counted: records that bear our mark, as the destination counts; None where there is none
    :param standing: how they came to stand there -> number of source records
    :param outcomes: outcome as of now, over all runs -> number of source records
    :param checked: object -> ``same`` or kind of drift -> number of records read back
    :param extra: ids that bear our mark and are not in the ledger
    :param lost_now: ids that this very run wrote and that are not there: fatal
    """

    phase: str
    sample: int | None = None
    expected: int = 0
    counted: int | None = None
    standing: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    checked: dict[str, Counter[str]] = field(default_factory=dict)
    extra: list[str] = field(default_factory=list)
    lost_now: list[str] = field(default_factory=list)
    links: list[LinkCheck] = field(default_factory=list)

    @property
    def found(self) -> Counter[str]:
        """``same`` or kind of drift -> number of records and rows, those with our mark too."""
        return sum(self.checked.values(), Counter({Drift.EXTRA: len(self.extra)}))

    @property
    def drifted(self) -> int:
        """How many records and rows differ from what was loaded; known conflicts do not count."""
        return sum(self.found[kind] for kind in Drift if kind is not Drift.KNOWN_CONFLICT)

    def as_json(self) -> dict[str, Any]:
        """Return what staging keeps."""
        return {**vars(self), "links": [vars(check) for check in self.links]}

    def __str__(self) -> str:
        """Return the figures in words, without any value of a record."""
        told = [_read_back(name, found) for name, found in self.checked.items()]
        if self.counted is not None:
            count = f"the destination counts {self.counted} of {self.expected}"
            told.insert(0, f"{count} that bear our mark")
        if self.extra:
            told.append(f"{len(self.extra)} {WORDS[Drift.EXTRA]}")
        return f"{self.phase}: {'; '.join(told) or 'nothing stands there'}"


def _read_back(name: str, found: Counter[str]) -> str:
    kinds = [f"{found[kind]} {WORDS[kind]}" for kind in WORDS if kind == SAME or found[kind]]
    return f"{found.total()} {name} read back: {', '.join(kinds)}"
