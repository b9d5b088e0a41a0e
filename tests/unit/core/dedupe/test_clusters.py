from __future__ import annotations

import random

from airflow_crm_migration.core.dedupe.clusters import ClusterBuilder, Edge
from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match, cluster_id


def build(labels: str, *edges: tuple[int, int, float]) -> list[Cluster]:
    """Cluster records of which capitals contradict other capitals; score 1 is certain."""
    ids = [f"p{number}" for number in range(len(labels))]
    builder = ClusterBuilder(
        ids, labels, lambda a, b: a.isupper() and b.isupper() and a != b, lambda members: members[0]
    )
    return builder.build(
        Edge(one, other, Match.SAME_EMAIL if score == 1 else Match.SIMILAR_NAME, score, score == 1)
        for one, other, score in edges
    )


def shown(clusters: list[Cluster]) -> list[tuple[str, str]]:
    return [(str(c.kind), " ".join(c.members)) for c in clusters]


def test_certain_matches_make_one_cluster() -> None:
    [cluster] = build("aaaa", (0, 1, 1), (1, 2, 1))
    assert cluster.members == ("p0", "p1", "p2")
    assert cluster.kind is Certainty.CERTAIN
    assert cluster.reasons == (Match.SAME_EMAIL,)
    assert cluster.id == cluster_id(["p2", "p1", "p0"])


def test_a_doubtful_match_puts_a_certain_cluster_into_a_larger_one() -> None:
    found = build("aaaa", (0, 1, 1), (1, 2, 0.7))
    assert shown(found) == [("certain", "p0 p1"), ("doubtful", "p0 p1 p2")]
    assert found[1].score == 0.7


def test_a_certain_chain_over_a_contradiction_is_not_certain() -> None:
    [cluster] = build("AxB", (0, 1, 1), (1, 2, 1))
    assert cluster.kind is Certainty.DOUBTFUL
    assert cluster.members == ("p0", "p1", "p2")
    assert cluster.reasons == (Match.CONFLICTING_NAMES,)


def test_a_doubtful_chain_ends_before_a_contradiction() -> None:
    assert shown(build("AxB", (0, 1, 0.6), (1, 2, 0.7))) == [("doubtful", "p1 p2")]


def test_a_longer_chain_ends_too() -> None:
    found = build("AxxB", (0, 1, 0.9), (2, 3, 0.9), (1, 2, 0.8))
    assert shown(found) == [("doubtful", "p0 p1"), ("doubtful", "p2 p3")]


def test_the_weakest_link_is_the_score() -> None:
    [cluster] = build("aaa", (0, 1, 0.9), (1, 2, 0.6), (0, 2, 0.5))
    assert cluster.score == 0.6


def test_the_order_of_matches_does_not_matter() -> None:
    labels = "AxBxCxaxDx"
    edges = [(n, n + 1, 0.5 + (n % 4) / 10) for n in range(9)] + [(0, 6, 1), (3, 7, 1)]
    expected = build(labels, *edges)
    for seed in range(20):
        random.Random(seed).shuffle(edges)
        assert build(labels, *edges) == expected


def test_many_records_of_one_person() -> None:
    [cluster] = build("a" * 3000, *((0, n, 1) for n in range(1, 3000)))
    assert len(cluster.members) == 3000
