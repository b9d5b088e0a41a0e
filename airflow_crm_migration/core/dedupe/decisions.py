"""What people decided about duplicates: read from the review, and kept from run to run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import StagingBroken, UserMistake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = 1
FIRST_ROW = 2
"""Row of the first record in a spreadsheet: the first one holds the headers."""


class Decision(StrEnum):
    """What a person may write beside a cluster; a blank leaves it undecided."""

    MERGE = "merge"
    KEEP_APART = "keep_apart"


Decisions = dict[frozenset[str], Decision]
"""Source ids that belong together, or do not -> what a person decided."""


@dataclass(frozen=True)
class Shown:
    """
    What a review table laid before people.

    :param members: cluster id -> source ids
    :param decisions: in force when it was written
    :param homes: source ids of a decision -> ids of the clusters that show it; none where no
        cluster of the run has two of its records
    """

    members: Mapping[str, frozenset[str]]
    decisions: Decisions
    homes: Mapping[frozenset[str], frozenset[str]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON for staging."""
        return {
            "format": FORMAT,
            "clusters": {name: sorted(ids) for name, ids in sorted(self.members.items())},
            "decided": [
                {**row, "clusters": sorted(self.homes[frozenset(row["members"])])}
                for row in decisions_json(self.decisions)
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Shown:
        """
        Read what :meth:`to_json` returned.

        :raises StagingBroken: a format that this version does not know
        """
        if data.get("format") != FORMAT:
            raise StagingBroken(f"shown clusters of format {data.get('format')!r}, not {FORMAT}")
        rows = data["decided"]
        return cls(
            members={name: frozenset(ids) for name, ids in data["clusters"].items()},
            decisions=decisions_from_json(rows),
            homes={frozenset(row["members"]): frozenset(row["clusters"]) for row in rows},
        )


def decisions_json(decisions: Decisions) -> list[dict[str, Any]]:
    """Return decisions as a proposal lists them, sorted by source ids."""
    return [
        {"members": sorted(members), "decision": str(decision)}
        for members, decision in sorted(decisions.items(), key=lambda item: sorted(item[0]))
    ]


def decisions_from_json(rows: Iterable[Mapping[str, Any]]) -> Decisions:
    """Read what :func:`decisions_json` returned."""
    return {frozenset(row["members"]): Decision(row["decision"]) for row in rows}


def read_decisions(name: str, rows: Iterable[Mapping[str, str]], shown: Shown) -> Decisions:
    """
    Return the decisions in force after people have filled in a review table.

    They are kept by the ids of the records, so that they hold in later runs. An earlier one goes
    when somebody blanks or changes it, not when the clusters change around it.

    :param name: of the file, for messages
    :param rows: cells stripped
    :param shown: what the table said when it was written
    :raises UserMistake: every unusable row at once, by its number in a spreadsheet
    """
    return _Reading(name, rows, shown).decisions()


class _Reading:
    def __init__(self, name: str, rows: Iterable[Mapping[str, str]], shown: Shown) -> None:
        self.name = name
        self.shown = shown
        self.wrong: list[str] = []
        self.members: dict[str, dict[str, int]] = defaultdict(dict)
        self.decided: dict[str, tuple[Decision, int]] = {}
        for number, row in enumerate(rows, FIRST_ROW):
            if any(row.values()):
                self._row(number, row)

    def decisions(self) -> Decisions:
        for cluster, (_, number) in self.decided.items():
            if len(self.members[cluster]) == 1:
                self.wrong.append(
                    f"row {number}: cluster {cluster!r} has one record only; leave the decision"
                    " blank or bring the other rows back"
                )
        self._contradictions()
        if self.wrong:
            raise UserMistake([f"{self.name}: {line}" for line in self.wrong])
        return self._in_force()

    def _in_force(self) -> Decisions:
        found: Decisions = {}
        settled: set[str] = set()
        for ids, decision in self.shown.decisions.items():
            homes = self.shown.homes[ids]
            if all(self._untouched(cluster, decision) for cluster in homes):
                found[ids] = decision
                settled |= homes
        for cluster, (decision, _) in self.decided.items():
            if cluster not in settled:
                found[frozenset(self.members[cluster])] = decision
        return found

    def _untouched(self, cluster: str, decision: Decision) -> bool:
        """Tell whether a cluster says what it said; one that is gone as a whole says nothing."""
        if cluster not in self.members:
            return True
        now = self.decided.get(cluster, (None, 0))[0]
        return now is decision and self.members[cluster].keys() == self.shown.members[cluster]

    def _row(self, number: int, row: Mapping[str, str]) -> None:
        cluster, record = row["cluster"], row["record"]
        if not cluster or not record:
            self.wrong.append(f"row {number}: cluster and record must not be blank")
        elif cluster not in self.shown.members:
            self.wrong.append(
                f"row {number}: cluster {cluster!r} is not in the sheet as it was written last;"
                " fill in that one, with its columns imported as text"
            )
        elif record not in self.shown.members[cluster]:
            ids = ", ".join(map(repr, sorted(self.shown.members[cluster])))
            self.wrong.append(
                f"row {number}: record {record!r} is not in cluster {cluster!r}; write its id as"
                f" it was, one of {ids}"
            )
        else:
            self._record(number, cluster, record, row["decision"])

    def _record(self, number: int, cluster: str, record: str, decision: str) -> None:
        if record in self.members[cluster]:
            first = self.members[cluster][record]
            self.wrong.append(f"row {number}: record {record!r} is in row {first} already")
        self.members[cluster].setdefault(record, number)
        if decision:
            self._decision(number, cluster, decision)

    def _decision(self, number: int, cluster: str, text: str) -> None:
        word = text.lower().replace(" ", "_").replace("-", "_")
        if word not in set(Decision):
            choice = " or ".join(Decision)
            self.wrong.append(f"row {number}: decision {text!r} is unknown; write {choice}")
            return
        decision, first = self.decided.setdefault(cluster, (Decision(word), number))
        if decision != word:
            self.wrong.append(
                f"row {number}: decision {word!r} contradicts {str(decision)!r} in row {first}"
            )

    def _contradictions(self) -> None:
        merged = {
            pair: number
            for cluster, (decision, number) in self.decided.items()
            if decision is Decision.MERGE
            for pair in combinations(sorted(self.members[cluster]), 2)
        }
        for cluster, (decision, number) in self.decided.items():
            if decision is Decision.KEEP_APART:
                for pair in combinations(sorted(self.members[cluster]), 2):
                    if pair in merged:
                        self.wrong.append(
                            f"row {number}: records {pair[0]!r} and {pair[1]!r} are kept apart here"
                            f" and merged in row {merged[pair]}"
                        )
