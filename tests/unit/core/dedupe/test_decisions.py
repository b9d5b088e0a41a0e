from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from airflow_crm_migration.core.dedupe.decisions import Decision, Decisions, Shown, read_decisions
from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match, cluster_id
from airflow_crm_migration.core.dedupe.review import write_review
from airflow_crm_migration.core.errors import StagingBroken, UserMistake

RECORDS: dict[str, dict[str, Any]] = {
    "p1": {"id": "p1", "first_name": "Ann", "last_name": "Lee", "email": ["a@x.org", "a@y.org"]},
    "p2": {"id": "p2", "first_name": "Annie", "last_name": "Lee", "phone": [{"number": "12"}]},
    "p3": {"id": "p3", "first_name": "A.", "last_name": "Lee"},
}
CLUSTER = Cluster(
    id=cluster_id(RECORDS),
    members=("p1", "p2", "p3"),
    survivor="p2",
    kind=Certainty.DOUBTFUL,
    reasons=(Match.NICKNAME_AND_COMPANY,),
    score=0.85,
)


NAME = "review/duplicates/person.csv"
Rows = list[dict[str, str]]


def row(cluster: str, record: str, decision: str = "") -> dict[str, str]:
    return {"cluster": cluster, "record": record, "decision": decision}


def needed(rows: Rows) -> Rows:
    return [row(r["cluster"], r["record"], r["decision"]) for r in rows]


def found(*members: str, survivor: str = "p1") -> Cluster:
    return replace(CLUSTER, id=cluster_id(members), members=members, survivor=survivor)


def review(clusters: list[Cluster], decisions: Decisions) -> tuple[Rows, Shown]:
    rows, shown = write_review(clusters, RECORDS, decisions)
    return needed(rows), Shown.from_json(json.loads(json.dumps(shown.to_json())))


def read(rows: Rows, shown: Shown) -> Decisions:
    return read_decisions(NAME, rows, shown)


def laid(**clusters: str) -> Shown:
    return Shown({k: frozenset(ids.split()) for k, ids in clusters.items()}, {}, {})


def test_the_review_shows_each_record_in_a_row() -> None:
    rows = write_review([CLUSTER], RECORDS, {})[0]
    assert [r["record"] for r in rows] == ["p1", "p2", "p3"]
    assert rows[0]["email"] == "a@x.org a@y.org"
    assert rows[1] == {
        "cluster": CLUSTER.id,
        "kind": "doubtful",
        "score": "0.85",
        "reasons": "nickname_and_company",
        "record": "p2",
        "survivor": "yes",
        "name": "Annie Lee",
        "email": "",
        "company": "",
        "phone": "12",
        "title": "",
        "linkedin": "",
        "created_at": "",
        "updated_at": "",
        "decision": "",
    }


def test_no_spreadsheet_takes_the_id_of_a_cluster_for_a_number() -> None:
    assert {cluster_id([str(i)])[0] for i in range(100)} == {"c"}


def test_an_untouched_review_decides_nothing() -> None:
    assert read(*review([CLUSTER], {})) == {}


@pytest.mark.parametrize("written", ["keep_apart", "Keep apart", "KEEP-APART"])
def test_one_row_of_a_cluster_decides(written: str) -> None:
    rows, shown = review([CLUSTER], {})
    rows[2]["decision"] = written
    assert read(rows, shown) == {frozenset(RECORDS): Decision.KEEP_APART}


def test_a_deleted_row_takes_its_record_out_for_good() -> None:
    rows, shown = review([CLUSTER], {})
    rows[0]["decision"] = "merge"
    decided = {frozenset({"p1", "p2"}): Decision.MERGE}
    assert read(rows[:2], shown) == decided
    again, shown = review([CLUSTER], decided)
    part = cluster_id({"p1", "p2"})
    assert again[:2] == [row(part, "p1", "merge"), row(part, "p2", "merge")]
    assert again[2:] == [row(CLUSTER.id, i) for i in CLUSTER.members]
    assert read(again, shown) == decided


DECIDED = [
    {frozenset(RECORDS): Decision.MERGE},
    {frozenset({"p1", "p2"}): Decision.KEEP_APART, frozenset({"p2", "p3"}): Decision.MERGE},
    {frozenset({"p1", "p2", "gone"}): Decision.MERGE},
    {frozenset({"p1", "gone"}): Decision.MERGE, frozenset({"x", "y"}): Decision.KEEP_APART},
]


@pytest.mark.parametrize("decisions", DECIDED)
@pytest.mark.parametrize(
    "clusters",
    [
        [],
        [CLUSTER],
        [found("p1", "p2")],
        [found("p0", "p1", "p2", "p3", survivor="p0")],
        [replace(found("p1", "p2"), kind=Certainty.CERTAIN), CLUSTER],
    ],
)
def test_decisions_hold_whatever_is_found_in_the_next_run(
    decisions: Decisions, clusters: list[Cluster]
) -> None:
    assert read(*review(clusters, decisions)) == decisions


def test_a_newcomer_leaves_the_decided_ones_decided_and_is_open_itself() -> None:
    grown = found("p0", "p1", "p2")
    rows, _ = review([grown], {frozenset({"p1", "p2"}): Decision.MERGE})
    assert {r["record"] for r in rows if r["decision"] == "merge"} == {"p1", "p2"}
    assert {r["decision"] for r in rows if r["cluster"] == grown.id} == {""}


@pytest.mark.parametrize("decisions", DECIDED[:3])
def test_a_blanked_decision_goes(decisions: Decisions) -> None:
    rows, shown = review([CLUSTER], decisions)
    assert read([{**r, "decision": ""} for r in rows], shown) == {}


def test_a_changed_decision_replaces_the_earlier_one() -> None:
    rows, shown = review([CLUSTER], {frozenset({*RECORDS, "gone"}): Decision.MERGE})
    changed = [{**r, "decision": "keep_apart"} for r in rows]
    assert read(changed, shown) == {frozenset(RECORDS): Decision.KEEP_APART}


def test_deleting_all_rows_of_a_decided_cluster_leaves_it_decided() -> None:
    decisions = {frozenset(RECORDS): Decision.MERGE}
    _, shown = review([CLUSTER], decisions)
    assert read([], shown) == decisions


def test_what_was_kept_apart_does_not_split_a_certain_cluster_inside() -> None:
    certain = replace(found("p1", "p2"), kind=Certainty.CERTAIN)
    rows, _ = review([certain, CLUSTER], {frozenset(RECORDS): Decision.KEEP_APART})
    assert [r["decision"] for r in rows if r["cluster"] == certain.id] == ["", ""]


def test_every_mistake_is_told_at_once_with_its_row() -> None:
    rows = [
        row("k1", "p1", "yes"),
        row("k1", "p1"),
        row("", "p2"),
        row("k2", "p2", "merge"),
        row("k2", "p3", "keep_apart"),
        row("k3", "p4", "merge"),
        row("", ""),
        row("1.2E+11", "p4"),
        row("k3", "5"),
    ]
    with pytest.raises(UserMistake) as caught:
        read(rows, laid(k1="p1 p2", k2="p2 p3", k3="p4 005"))
    findings = [line.removeprefix(f"{NAME}: ") for line in caught.value.findings]
    assert [line.partition(":")[0] for line in findings] == [
        *("row 2", "row 3", "row 4", "row 6", "row 9", "row 10", "row 7")
    ]
    assert "'yes' is unknown; write merge or keep_apart" in findings[0]
    assert "'1.2E+11' is not in the sheet" in findings[4]
    assert "record '5' is not in cluster 'k3'; write its id as it was" in findings[5]
    assert "'005', 'p4'" in findings[5]


def test_merged_here_and_kept_apart_there_is_a_mistake() -> None:
    rows = [
        *(row("k1", "p1", "merge"), row("k1", "p2"), row("k1", "p3")),
        *(row("k2", "p3", "keep_apart"), row("k2", "p2")),
    ]
    with pytest.raises(UserMistake, match=r"row 5: records .* merged in row 2"):
        read(rows, laid(k1="p1 p2 p3", k2="p2 p3"))


def test_another_format_is_refused() -> None:
    with pytest.raises(StagingBroken, match="format 9"):
        Shown.from_json({"format": 9})
