"""What the search for duplicates hands on: clusters to review, and the merge map for the load."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.canonical import digest
from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.outcomes import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMAT = 1


class Certainty(StrEnum):
    """Whether a cluster merges by itself or waits for a person."""

    CERTAIN = "certain"
    DOUBTFUL = "doubtful"


class Match(StrEnum):
    """Why two records may be one; the published words of the review."""

    SAME_EMAIL = "same_email"
    SAME_PROFILE = "same_profile"
    SAME_DOMAIN = "same_domain"
    ADDRESS_VARIANT = "address_variant"
    SAME_NAME_AND_COMPANY = "same_name_and_company"
    NICKNAME_AND_COMPANY = "nickname_and_company"
    SIMILAR_NAME_AND_COMPANY = "similar_name_and_company"
    INITIAL_AND_COMPANY = "initial_and_company"
    SAME_NAME_AND_PHONE = "same_name_and_phone"
    NICKNAME_AND_PHONE = "nickname_and_phone"
    SIMILAR_NAME_AND_PHONE = "similar_name_and_phone"
    SAME_NAME = "same_name"
    SIMILAR_NAME = "similar_name"
    CONFLICTING_NAMES = "conflicting_names"


@dataclass(frozen=True)
class Cluster:
    """
    Records that are one, or may be.

    A doubtful cluster may contain a certain one whole: two records that merge anyway, and a third
    that perhaps belongs to them.

    :param id: the same as long as the members are
    :param members: source ids, sorted
    :param survivor: the member that stays
    :param score: of the weakest link, 0 to 1
    """

    id: str
    members: tuple[str, ...]
    survivor: str
    kind: Certainty
    reasons: tuple[Match, ...]
    score: float


def cluster_id(members: Iterable[str]) -> str:
    """
    Return the id of a cluster: a letter and the first 12 hex digits of a hash of its members.

    Without the letter a spreadsheet takes some of them for numbers, such as ``12e456789012``.
    """
    return f"c{digest(sorted(members))[:12]}"


@dataclass(frozen=True)
class MergeMap:
    """
    What the load does with duplicates of one object; ids not in it stand for themselves.

    :param merged: source id -> id of the record that it becomes part of
    :param confirmed: those of ``merged`` that a person decided
    :param held: source id -> id of the undecided cluster that it waits for
    :param kept_apart: pairs that a person declared different
    :param arrived: source id -> id of the record that it would become part of, had not both been
        brought into the destination by earlier runs: they are told, never merged there
    """

    merged: Mapping[str, str] = field(default_factory=dict)
    confirmed: frozenset[str] = frozenset()
    held: Mapping[str, str] = field(default_factory=dict)
    kept_apart: frozenset[tuple[str, str]] = frozenset()
    arrived: Mapping[str, str] = field(default_factory=dict)

    def reason(self, source_id: str) -> Reason | None:
        """Return why a record does not arrive as itself; None when it does."""
        if source_id in self.held:
            return Reason.DUPLICATE_UNDECIDED
        if source_id not in self.merged:
            return None
        confirmed = source_id in self.confirmed
        return Reason.DUPLICATE_CONFIRMED if confirmed else Reason.DUPLICATE_CERTAIN

    def members(self) -> dict[str, list[str]]:
        """Return the surviving records with those that become part of them."""
        found: dict[str, list[str]] = {}
        for source_id, survivor in sorted(self.merged.items()):
            found.setdefault(survivor, []).append(source_id)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON for staging."""
        return {
            "format": FORMAT,
            "merged": dict(sorted(self.merged.items())),
            "confirmed": sorted(self.confirmed),
            "held": dict(sorted(self.held.items())),
            "kept_apart": [list(pair) for pair in sorted(self.kept_apart)],
            "arrived": dict(sorted(self.arrived.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MergeMap:
        """
        Read what :meth:`to_json` returned.

        :raises StagingBroken: a format that this version does not know
        """
        if data.get("format") != FORMAT:
            raise StagingBroken(f"merge map of format {data.get('format')!r}, not {FORMAT}")
        return cls(
            merged=dict(data["merged"]),
            confirmed=frozenset(data["confirmed"]),
            held=dict(data["held"]),
            kept_apart=frozenset((one, other) for one, other in data["kept_apart"]),
            arrived=dict(data["arrived"]),
        )
