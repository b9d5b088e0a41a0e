"""The merge map that follows from clusters and from what people decided."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations, pairwise, product
from typing import TYPE_CHECKING

from airflow_crm_migration.core.dedupe.decisions import Decision, Decisions
from airflow_crm_migration.core.dedupe.model import Certainty, MergeMap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from airflow_crm_migration.core.dedupe.model import Cluster


def resolve(
    clusters: Sequence[Cluster], decisions: Decisions, standing: Collection[str] = ()
) -> MergeMap:
    """
    Return what the load does with the members of all clusters.

    Certain clusters merge unless a person keeps them apart; doubtful ones merge when a person says
    so. Of an undecided one the survivor, with whatever merges into it anyway, arrives; where people
    have decided a part of it, that part arrives as they said instead. The others are held: they
    stay in staging, complete, and arrive or merge in the run after the decision. So nothing is
    lost, and no duplicate is made that would have to be taken back.

    A record that an earlier run brought into the destination survives its cluster, and is never
    held for it; of two that are there already neither is merged.

    :param clusters: as found
    :param decisions: of the review, also of earlier ones
    :param standing: source ids of records that stand in the destination
    """
    resolution = _Resolution(clusters, decisions, standing)
    within = {member for c in clusters if c.kind is Certainty.DOUBTFUL for member in c.members}
    for cluster in clusters:
        if cluster.kind is Certainty.DOUBTFUL or not within.issuperset(cluster.members):
            resolution.settle(cluster)
    return MergeMap(
        merged=resolution.merged,
        confirmed=frozenset(resolution.confirmed),
        held=resolution.held,
        kept_apart=frozenset(resolution.kept_apart),
        arrived=resolution.arrived,
    )


class _Resolution:
    """Settles clusters one by one; a doubtful one together with the certain ones inside it."""

    def __init__(
        self, clusters: Iterable[Cluster], decisions: Decisions, standing: Collection[str]
    ) -> None:
        self._standing = frozenset(standing)
        self.arrived: dict[str, str] = {}
        self.merged: dict[str, str] = {}
        self.confirmed: set[str] = set()
        self.held: dict[str, str] = {}
        self.kept_apart: set[tuple[str, str]] = set()
        self._certain = {
            member: cluster
            for cluster in clusters
            if cluster.kind is Certainty.CERTAIN
            for member in cluster.members
        }
        self._decided: dict[str, list[tuple[frozenset[str], Decision]]] = defaultdict(list)
        for ids, decision in decisions.items():
            for member in ids:
                self._decided[member].append((ids, decision))

    def settle(self, cluster: Cluster) -> None:
        """Sort the members of a cluster into those that arrive, merge, wait and stand apart."""
        apart = self._apart(cluster)
        self.kept_apart |= apart
        decided = self._decided_members(cluster) | self._standing
        loaded: list[list[str]] = []
        # a newcomer must not hold back what people have let through, or what arrived before
        groups = sorted(self._groups(cluster, apart), key=decided.isdisjoint)
        for group in groups:
            known = not decided.isdisjoint(group)
            if known or all(_separate(group, other, apart) for other in loaded):
                loaded.append(group)
                self._merge(cluster, group)
            else:
                self.held.update(dict.fromkeys(group, cluster.id))

    def _apart(self, cluster: Cluster) -> set[tuple[str, str]]:
        """
        Return the pairs of members that a person declared different.

        Where the decision is about more than one certain cluster, it leaves each of them whole.
        """
        return {
            (one, other)
            for ids in self._sets(cluster, Decision.KEEP_APART)
            for one, other in combinations(sorted(ids.intersection(cluster.members)), 2)
            if not self._sure(one, other) or ids.issubset(self._certain[one].members)
        }

    def _decided_members(self, cluster: Cluster) -> set[str]:
        """Return the members that a person set against, or with, another member."""
        return {
            member
            for member in cluster.members
            for ids, _ in self._decided.get(member, ())
            if len(ids.intersection(cluster.members)) > 1
        }

    def _sets(self, cluster: Cluster, wanted: Decision) -> list[frozenset[str]]:
        found = {
            ids
            for member in cluster.members
            for ids, decision in self._decided.get(member, ())
            if decision is wanted
        }
        return sorted(found, key=sorted)

    def _sure(self, one: str, other: str) -> bool:
        certain = self._certain.get(one)
        return certain is not None and other in certain.members

    def _groups(self, cluster: Cluster, apart: set[tuple[str, str]]) -> list[list[str]]:
        """Return the records that are one, the group of the survivor first."""
        groups = [[member] for member in cluster.members]
        certain = {c.id: c.members for m in cluster.members if (c := self._certain.get(m))}
        for ids in (*self._sets(cluster, Decision.MERGE), *certain.values()):
            for one, other in pairwise(member for member in cluster.members if member in ids):
                left, right = (next(g for g in groups if i in g) for i in (one, other))
                if left is not right and not _separate(left, right, apart):
                    groups.remove(right)
                    left += right
        return sorted(groups, key=lambda group: (cluster.survivor not in group, sorted(group)))

    def _merge(self, cluster: Cluster, group: list[str]) -> None:
        inner = [c.survivor for i in group if (c := self._certain.get(i)) and c.survivor in group]
        survivor = cluster.survivor if cluster.survivor in group else min(inner or group)
        there = self._standing.intersection(group)
        if there and survivor not in there:
            survivor = min(there)
        for member in group:
            if member in there - {survivor}:
                self.arrived[member] = survivor
            elif member != survivor:
                self.merged[member] = survivor
                if not self._sure(member, survivor):
                    self.confirmed.add(member)


def _separate(one: list[str], other: list[str], apart: set[tuple[str, str]]) -> bool:
    """Tell whether a person declared two groups different, through any of their records."""
    return any((min(pair), max(pair)) in apart for pair in product(one, other))
