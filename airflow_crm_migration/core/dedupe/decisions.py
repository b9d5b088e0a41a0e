"""The review of duplicates: a table that people fill in, and what they decided in it."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from itertools import combinations
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.values.texts import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_crm_migration.core.dedupe.model import Cluster
    from airflow_crm_migration.core.protocols import Values

FIRST_ROW = 2
"""Row of the first record in a spreadsheet: the first one holds the headers."""

_NEEDED = ("cluster", "record", "decision")
_SHOWN = (
    ("first_name", "last_name", "name"),
    ("email", "other_emails"),
    ("company", "domain", "website"),
    ("phone",),
    ("title",),
    ("linkedin",),
    ("created_at",),
    ("updated_at",),
)
_HEADERS = ("name", "email", "company", "phone", "title", "linkedin", "created_at", "updated_at")


class Decision(StrEnum):
    """What a person may write beside a cluster; a blank leaves it undecided."""

    MERGE = "merge"
    KEEP_APART = "keep_apart"


Decisions = dict[frozenset[str], Decision]
"""Source ids that belong together, or do not -> what a person decided."""


def write_review(
    clusters: Iterable[Cluster], records: Mapping[str, Values], decisions: Decisions | None = None
) -> list[dict[str, str]]:
    """
    Return the review table: one row per record, the rows of a cluster together.

    A person writes ``merge`` or ``keep_apart`` into the last column of any row of a cluster, and
    takes a record out of a cluster by deleting its row.

    :param clusters: as found
    :param records: source id -> typed record
    :param decisions: of an earlier review, filled in where the members are the same
    """
    known = decisions or {}
    rows = []
    for cluster in clusters:
        decided = known.get(frozenset(cluster.members), "")
        for source_id in cluster.members:
            record = records.get(source_id, {})
            shown = (" ".join(t for f in fields for t in texts(record.get(f))) for fields in _SHOWN)
            rows.append(
                {
                    "cluster": cluster.id,
                    "kind": str(cluster.kind),
                    "score": f"{cluster.score:.2f}",
                    "reasons": " ".join(cluster.reasons),
                    "record": source_id,
                    "survivor": "yes" if source_id == cluster.survivor else "",
                    **dict(zip(_HEADERS, shown, strict=True)),
                    "decision": str(decided),
                }
            )
    return rows


def read_decisions(rows: Iterable[Mapping[str, Any]]) -> Decisions:
    """
    Return the decisions in a review table that people have filled in.

    They are kept by the ids of the records, so that they hold in later runs.

    :param rows: as :func:`write_review` made them
    :raises UserMistake: every unusable row at once, by its number in a spreadsheet
    """
    return _Reading(rows).decisions()


class _Reading:
    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.wrong: list[str] = []
        self.members: dict[str, dict[str, int]] = defaultdict(dict)
        self.decided: dict[str, tuple[Decision, int]] = {}
        for number, row in enumerate(rows, FIRST_ROW):
            self._row(number, {key: str(row.get(key) or "").strip() for key in _NEEDED})

    def decisions(self) -> Decisions:
        for cluster, (_, number) in self.decided.items():
            if len(self.members[cluster]) == 1:
                self.wrong.append(
                    f"row {number}: cluster {cluster!r} has one record only; leave the decision"
                    " blank or bring the other rows back"
                )
        self._contradictions()
        if self.wrong:
            raise UserMistake(self.wrong)
        return {frozenset(self.members[c]): d for c, (d, _) in self.decided.items()}

    def _row(self, number: int, row: Mapping[str, str]) -> None:
        cluster, record = row["cluster"], row["record"]
        if not cluster or not record:
            self.wrong.append(f"row {number}: cluster and record must not be blank")
            return
        if record in self.members[cluster]:
            first = self.members[cluster][record]
            self.wrong.append(f"row {number}: record {record!r} is in row {first} already")
        self.members[cluster].setdefault(record, number)
        if row["decision"]:
            self._decision(number, cluster, row["decision"])

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
