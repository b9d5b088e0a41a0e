from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_crm_migration.core.dedupe.decisions import Decision
from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match, MergeMap, cluster_id
from airflow_crm_migration.core.dedupe.resolve import resolve
from airflow_crm_migration.core.errors import StagingBroken
from airflow_crm_migration.core.outcomes import Reason


def cluster(kind: str, members: str, survivor: str = "") -> Cluster:
    ids = tuple(members)
    return Cluster(
        id=cluster_id(ids),
        members=ids,
        survivor=survivor or ids[0],
        kind=Certainty(kind),
        reasons=(Match.SAME_EMAIL,),
        score=1,
    )


def merge(ids: str) -> dict[frozenset[str], Decision]:
    return {frozenset(ids): Decision.MERGE}


def apart(ids: str) -> dict[frozenset[str], Decision]:
    return {frozenset(ids): Decision.KEEP_APART}


CERTAIN = cluster("certain", "ab", "b")
NESTED = [CERTAIN, cluster("doubtful", "abcd", "b")]


def test_certain_clusters_merge_unasked() -> None:
    found = resolve([CERTAIN], {})
    assert found.merged == {"a": "b"}
    assert found.reason("a") is Reason.DUPLICATE_CERTAIN
    assert found.reason("b") is None
    assert found.members() == {"b": ["a"]}


def test_undecided_ones_wait_and_the_survivor_arrives() -> None:
    found = resolve([cluster("doubtful", "abc", "c")], {})
    assert not found.merged
    assert set(found.held) == {"a", "b"}
    assert found.reason("a") is Reason.DUPLICATE_UNDECIDED


def test_confirmed_ones_merge() -> None:
    found = resolve([cluster("doubtful", "abc", "c")], merge("abc"))
    assert found.merged == {"a": "c", "b": "c"}
    assert found.reason("a") is Reason.DUPLICATE_CONFIRMED


def test_those_kept_apart_arrive() -> None:
    found = resolve([cluster("doubtful", "abc")], apart("abc"))
    assert not found.merged
    assert not found.held
    assert found.kept_apart == {("a", "b"), ("a", "c"), ("b", "c")}


def test_a_certain_cluster_inside_an_undecided_one_merges_all_the_same() -> None:
    found = resolve(NESTED, {})
    assert found.merged == {"a": "b"}
    assert set(found.held) == {"c", "d"}


def test_what_waits_waits_as_a_whole() -> None:
    found = resolve([CERTAIN, cluster("doubtful", "abc", "c")], {})
    assert not found.merged
    assert set(found.held) == {"a", "b"}


def test_keeping_a_doubtful_cluster_apart_leaves_the_certain_one_inside_whole() -> None:
    found = resolve(NESTED, apart("abcd"))
    assert found.merged == {"a": "b"}
    assert not found.held
    assert ("a", "b") not in found.kept_apart


def test_a_certain_cluster_can_be_kept_apart() -> None:
    found = resolve([CERTAIN], apart("ab"))
    assert not found.merged
    assert not found.held


def test_merging_everything_tells_who_decided_what() -> None:
    found = resolve(NESTED, merge("abcd"))
    assert found.merged == {"a": "b", "c": "b", "d": "b"}
    assert found.confirmed == {"c", "d"}


def test_a_decision_about_some_leaves_the_others_undecided() -> None:
    found = resolve([cluster("doubtful", "abcd")], merge("ab") | apart("ac"))
    assert found.merged == {"b": "a"}
    assert set(found.held) == {"d"}


def test_decisions_hold_when_a_cluster_grows_or_shrinks() -> None:
    decisions = apart("ac")
    grown = [cluster("certain", "ab"), cluster("doubtful", "abc")]
    assert resolve(grown, decisions).merged == {"b": "a"}
    assert not resolve(grown, decisions).held
    shrunk = [cluster("certain", "ab")]
    assert resolve(shrunk, apart("abc")).merged == {"b": "a"}


@pytest.mark.parametrize("survivor", "abn")
def test_a_newcomer_holds_back_nothing_that_was_decided(survivor: str) -> None:
    grown = [cluster("doubtful", "abn", survivor)]
    merged = resolve(grown, merge("ab"))
    assert set(merged.merged) | set(merged.merged.values()) == {"a", "b"}
    assert set(merged.held) == {"n"}
    kept = resolve(grown, apart("ab"))
    assert not kept.merged
    assert set(kept.held) == {"n"}


def test_a_newcomer_between_two_decided_clusters_holds_back_neither() -> None:
    found = resolve([cluster("doubtful", "abcdn")], merge("ab") | merge("cd"))
    assert found.merged == {"b": "a", "d": "c"}
    assert set(found.held) == {"n"}


def test_decisions_about_records_that_are_gone_are_passed_over() -> None:
    assert resolve([cluster("doubtful", "ab")], merge("abz")).merged == {"b": "a"}
    assert resolve([], merge("yz")) == MergeMap()


ids = st.sets(st.sampled_from("abcdefgh"), min_size=2)


@given(
    st.lists(ids, max_size=2),
    st.dictionaries(ids.map(frozenset), st.sampled_from(Decision), max_size=4),
)
def test_every_record_has_one_fate(
    certain: list[set[str]], decisions: dict[frozenset[str], Decision]
) -> None:
    pairs = [sorted(certain[0])] if certain else []
    clusters = [cluster("certain", "".join(pair)) for pair in pairs]
    clusters.append(cluster("doubtful", "abcdefgh", "d"))
    found = resolve(clusters, decisions)
    arriving = set("abcdefgh") - set(found.merged) - set(found.held)
    assert arriving
    assert not set(found.merged) & set(found.held)
    assert set(found.merged.values()) <= arriving
    assert found.confirmed <= set(found.merged)
    assert MergeMap.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_another_format_is_refused() -> None:
    with pytest.raises(StagingBroken, match="format 9"):
        MergeMap.from_json({"format": 9})


# -- records that arrived before ---------------------------------------------------------------


def test_what_stands_in_the_destination_survives_its_cluster() -> None:
    found = resolve([CERTAIN], {}, {"a"})
    assert found.merged == {"b": "a"}
    assert found.arrived == {}


def test_of_two_that_stand_neither_is_merged_and_both_are_told() -> None:
    found = resolve([cluster("certain", "abc")], {}, {"a", "b"})
    assert found.merged == {"c": "a"}
    assert found.arrived == {"b": "a"}


def test_what_stands_is_not_held_for_a_newcomer() -> None:
    found = resolve([cluster("doubtful", "abc", "c")], {}, {"a"})
    assert found.held.keys() == {"b", "c"}


def test_a_person_may_merge_a_newcomer_into_what_stands() -> None:
    found = resolve([cluster("doubtful", "abc", "c")], merge("abc"), {"b"})
    assert found.merged == {"a": "b", "c": "b"}


def test_two_that_stand_are_told_whoever_decides_that_they_are_one() -> None:
    found = resolve([cluster("doubtful", "ab")], merge("ab"), {"a", "b"})
    assert (found.merged, found.arrived) == ({}, {"b": "a"})
    assert MergeMap.from_json(found.to_json()) == found
