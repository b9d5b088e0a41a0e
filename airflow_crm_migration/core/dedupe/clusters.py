"""One graph of all matches, cut into clusters in which nobody is two people at once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match, cluster_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Label = TypeVar("Label")


@dataclass(frozen=True, slots=True)
class Edge:
    """
    Two records that match.

    :param one: index of the record, so ``other``
    :param score: 0 to 1
    :param certain: whether it merges without being asked
    """

    one: int
    other: int
    reason: Match
    score: float
    certain: bool = False


class _Sets:
    """Union-find that keeps the members of every set."""

    def __init__(self) -> None:
        self._root: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}

    def find(self, item: int) -> int:
        root = self._root.get(item, item)
        while root != self._root.get(root, root):
            root = self._root[root]
        self._root[item] = root
        return root

    def members(self, item: int) -> list[int]:
        return self._members.get(self.find(item), [item])

    def join(self, one: int, other: int) -> None:
        small, large = sorted(
            (self.find(one), self.find(other)), key=lambda r: len(self.members(r))
        )
        if small != large:
            self._members[large] = self.members(large) + self.members(small)
            self._members.pop(small, None)
            self._root[small] = large

    def groups(self) -> list[list[int]]:
        return list(self._members.values())


class ClusterBuilder(Generic[Label]):
    """
    Cuts the graph of all matches into clusters.

    Certain matches join first. A set in which two members contradict each other, because each
    matches a third, is not certain any more. Doubtful matches join whole sets, the best ones first
    and only where nobody in one set contradicts anybody in the other: chains end there.

    :param labels: of each record, what is compared to find contradictions
    :param conflict: whether two labels cannot be one; cheap to call again
    """

    def __init__(
        self,
        ids: Sequence[str],
        labels: Sequence[Label],
        conflict: Callable[[Label, Label], bool],
        survivor: Callable[[Sequence[str]], str],
    ) -> None:
        self._ids = ids
        self._labels = labels
        self._conflict = conflict
        self._survivor = survivor

    def build(self, edges: Iterable[Edge]) -> list[Cluster]:
        """
        Return the clusters, certain ones first, in an order that depends on the ids only.

        :param edges: the matches, in any order
        """
        certain: list[Edge] = []
        doubtful: list[Edge] = []
        for edge in edges:
            (certain if edge.certain else doubtful).append(edge)
        sets = _Sets()
        for edge in certain:
            sets.join(edge.one, edge.other)
        broken = {sets.find(group[0]) for group in sets.groups() if self._contradictory(group)}
        kept = [edge for edge in certain if sets.find(edge.one) not in broken]
        doubtful += [_demoted(edge) for edge in certain if sets.find(edge.one) in broken]
        return [*self._certain(kept), *self._doubtful(kept, doubtful)]

    def _certain(self, edges: list[Edge]) -> list[Cluster]:
        return self._clusters(edges, edges, Certainty.CERTAIN)

    def _doubtful(self, certain: list[Edge], doubtful: list[Edge]) -> list[Cluster]:
        sets = _Sets()
        for edge in certain:
            sets.join(edge.one, edge.other)
        used = []
        for edge in sorted(doubtful, key=self._rank):
            if sets.find(edge.one) == sets.find(edge.other):
                continue
            if edge.reason is Match.CONFLICTING_NAMES or self._joinable(
                sets.members(edge.one), sets.members(edge.other)
            ):
                sets.join(edge.one, edge.other)
                used.append(edge)
        return self._clusters([*certain, *used], used, Certainty.DOUBTFUL)

    def _clusters(self, edges: list[Edge], telling: list[Edge], kind: Certainty) -> list[Cluster]:
        """Return the sets that ``edges`` make and in which there is one of the ``telling`` ones."""
        sets = _Sets()
        for edge in edges:
            sets.join(edge.one, edge.other)
        by_set: dict[int, list[Edge]] = defaultdict(list)
        for edge in telling:
            by_set[sets.find(edge.one)].append(edge)
        found = [self._cluster(sets.members(root), own, kind) for root, own in by_set.items()]
        return sorted(found, key=lambda cluster: cluster.members)

    def _cluster(self, indexes: list[int], edges: list[Edge], kind: Certainty) -> Cluster:
        members = tuple(sorted(self._ids[index] for index in indexes))
        return Cluster(
            id=cluster_id(members),
            members=members,
            survivor=self._survivor(members),
            kind=kind,
            reasons=tuple(sorted({edge.reason for edge in edges})),
            score=min(edge.score for edge in edges),
        )

    def _rank(self, edge: Edge) -> tuple[bool, float, list[str]]:
        names = sorted((self._ids[edge.one], self._ids[edge.other]))
        return edge.reason is Match.CONFLICTING_NAMES, -edge.score, names

    def _contradictory(self, indexes: list[int]) -> bool:
        labels = dict.fromkeys(self._labels[index] for index in indexes)
        return any(self._conflict(one, other) for one, other in combinations(labels, 2))

    def _joinable(self, one: list[int], other: list[int]) -> bool:
        left = dict.fromkeys(self._labels[index] for index in one)
        right = dict.fromkeys(self._labels[index] for index in other)
        return not any(self._conflict(a, b) for a, b in product(left, right))


def _demoted(edge: Edge) -> Edge:
    return replace(edge, certain=False, reason=Match.CONFLICTING_NAMES, score=edge.score / 2)
