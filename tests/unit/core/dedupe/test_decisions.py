from __future__ import annotations

import pytest

from airflow_crm_migration.core.dedupe.decisions import Decision, read_decisions, write_review
from airflow_crm_migration.core.dedupe.model import Certainty, Cluster, Match, cluster_id
from airflow_crm_migration.core.errors import UserMistake

RECORDS = {
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


def row(cluster: str, record: str, decision: str = "") -> dict[str, str]:
    return {"cluster": cluster, "record": record, "decision": decision}


def test_the_review_shows_each_record_in_a_row() -> None:
    rows = write_review([CLUSTER], RECORDS)
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


def test_an_untouched_review_decides_nothing() -> None:
    assert read_decisions(write_review([CLUSTER], RECORDS)) == {}


@pytest.mark.parametrize("written", ["keep_apart", " Keep apart ", "KEEP-APART"])
def test_one_row_of_a_cluster_decides(written: str) -> None:
    rows = write_review([CLUSTER], RECORDS)
    rows[2]["decision"] = written
    assert read_decisions(rows) == {frozenset(RECORDS): Decision.KEEP_APART}


def test_a_deleted_row_takes_its_record_out() -> None:
    rows = write_review([CLUSTER], RECORDS)[:2]
    rows[0]["decision"] = "merge"
    assert read_decisions(rows) == {frozenset({"p1", "p2"}): Decision.MERGE}


def test_decisions_come_back_in_the_next_review() -> None:
    decisions = {frozenset(RECORDS): Decision.MERGE}
    rows = write_review([CLUSTER], RECORDS, decisions)
    assert {r["decision"] for r in rows} == {"merge"}
    assert read_decisions(rows) == decisions


def test_every_mistake_is_told_at_once_with_its_row() -> None:
    rows = [
        row("k1", "p1", "yes"),
        row("k1", "p1"),
        row("", "p2"),
        row("k2", "p2", "merge"),
        row("k2", "p3", "keep_apart"),
        row("k3", "p4", "merge"),
    ]
    with pytest.raises(UserMistake) as caught:
        read_decisions(rows)
    assert [line.partition(":")[0] for line in caught.value.findings] == [
        "row 2",
        "row 3",
        "row 4",
        "row 6",
        "row 7",
    ]
    assert "'yes' is unknown; write merge or keep_apart" in caught.value.findings[0]


def test_merged_here_and_kept_apart_there_is_a_mistake() -> None:
    rows = [
        *(row("k1", "p1", "merge"), row("k1", "p2"), row("k1", "p3")),
        *(row("k2", "p3", "keep_apart"), row("k2", "p2")),
    ]
    with pytest.raises(UserMistake, match=r"row 5: records .* merged in row 2"):
        read_decisions(rows)
