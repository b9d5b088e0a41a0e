"""Lists, filters, order, cursors, groups, duplicates and merging in the Twenty emulator."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

PEOPLE = (
    ("Ana", "Díaz", "CTO", "ana@a.example", ["VIP"]),
    ("Bo", "Lee", "", "bo@b.example", []),
    ("Cy", "O'Hara, Jr", "CEO", "", ["VIP", "COLD"]),
    ("Di", "Lee", "cfo", "di@a.example", ["COLD"]),
)


def filled(twenty: Any) -> Any:
    options = [{"value": v, "label": v} for v in ("VIP", "COLD")]
    twenty.add_field("person", "MULTI_SELECT", "tags", options=options)
    twenty.add_field("person", "NUMBER", "score")
    company = twenty.create("companies", {"name": "Notion"})
    rows = [
        {
            "name": {"firstName": first, "lastName": last},
            "jobTitle": title,
            "emails": {"primaryEmail": email},
            "tags": tags,
            "score": n,
            "createdAt": f"2020-01-0{n + 1}T00:00:00Z",
            "companyId": company["id"] if n < 2 else None,
        }
        for n, (first, last, title, email, tags) in enumerate(PEOPLE)
    ]
    twenty.batch("people", rows)
    return twenty


@pytest.fixture
def people(twenty: Any) -> Any:
    return filled(twenty)


@pytest.fixture(scope="module")
def shared_people(shared_twenty: Any) -> Any:
    return filled(shared_twenty)


def found(twenty: Any, text: str) -> str:
    rows = twenty.rows("people", filter=text, order_by="createdAt")
    return "".join(r["name"]["firstName"][0] for r in rows)


@pytest.mark.parametrize(
    ("text", "initials"),
    [
        ('jobTitle[eq]:"CTO"', "A"),
        ('jobTitle[eq]:""', "B"),
        ("jobTitle[is]:NULL", "B"),
        ("jobTitle[is]:NOT_NULL", "ACD"),
        ('jobTitle[neq]:"CTO"', "BCD"),
        ('jobTitle[in]:["CTO","CEO"]', "AC"),
        ('jobTitle[ilike]:"c%o"', "ACD"),
        ('jobTitle[like]:"C_O"', "AC"),
        ('jobTitle[startsWith]:"C"', "AC"),
        ('jobTitle[endsWith]:"O"', "AC"),
        ('name.lastName[eq]:"Lee"', "BD"),
        ('name.lastName[eq]:"O\'Hara, Jr"', "C"),
        ('emails.primaryEmail[eq]:"ana@a.example"', "A"),
        ('emails.primaryEmail[eq]:"ANA@a.example"', ""),
        ('emails.primaryEmail[ilike]:"ANA@a.example"', "A"),
        ('emails.primaryEmail[in]:["ana@a.example","di@a.example"]', "AD"),
        ('tags[containsAny]:["VIP"]', "AC"),
        ("score[gt]:1", "CD"),
        ("score[gte]:1", "BCD"),
        ("score[lt]:1", "A"),
        ("score[lte]:1", "AB"),
        ('createdAt[gte]:"2020-01-03"', "CD"),
        ('createdAt[lt]:"2020-01-02T00:00:00Z"', "A"),
        ('company.name[eq]:"Notion"', "AB"),
        ("companyId[is]:NULL", "CD"),
        ('and(name.lastName[eq]:"Lee",score[gt]:2)', "D"),
        ('or(jobTitle[eq]:"CTO",score[gt]:2)', "AD"),
        ('not(name.lastName[eq]:"Lee")', "AC"),
        ("and(not(score[eq]:0),or(score[eq]:0,score[eq]:1))", "B"),
        ('name.lastName[eq]:"Lee",score[gt]:2', "D"),
        ('createdBy.source[eq]:"API"', "ABCD"),
    ],
)
def test_filters(shared_people: Any, text: str, initials: str) -> None:
    assert found(shared_people, text) == initials


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'name.lastName[eq]:"Lee (Jr"',
            "'filter' invalid. 1 close bracket is missing in the query",
        ),
        ('name.lastName[eq]:"Lee)"', "'filter' invalid. 1 open bracket is missing in the query"),
        ('name.lastName[eq]:"Lee (Jr)"', "'filter' invalid for"),
        ("jobTitle:x", "'filter' invalid for 'jobTitle:x'. eg: price[gte]:10"),
        ('jobTitle[has]:"x"', "'filter' invalid for 'jobTitle[has]:\"x\"', comparator has not in"),
        ('jobTitle[in]:"x"', "'filter' invalid for 'in' operator"),
        ('id[eq]:"x"', "Invalid UUID value 'x'"),
        ('score[gt]:"many"', "Invalid number value 'many'"),
    ],
)
def test_filters_that_are_refused(shared_people: Any, text: str, told: str) -> None:
    assert shared_people.refused("GET", "people", filter=text).startswith(told)


def test_graphql_variables_carry_what_a_filter_cannot(people: Any) -> None:
    made = people.create("people", {"name": {"lastName": "Lee (Jr)"}})
    query = (
        "query($f:PersonFilterInput){people(filter:$f){totalCount edges{node{id name{lastName}}}}}"
    )
    wanted = {"and": [{"name": {"lastName": {"eq": "Lee (Jr)"}}}, {"companyId": {"is": "NULL"}}]}
    data = people.gql(query, f=wanted)["data"]["people"]
    assert data == {
        "totalCount": 1,
        "edges": [{"node": {"id": made["id"], "name": {"lastName": "Lee (Jr)"}}}],
    }


def test_the_trash_is_seen_only_when_asked_for(people: Any) -> None:
    people.call("DELETE", "/rest/people", filter="score[eq]:0", soft_delete="true")
    assert found(people, "score[gte]:0") == "BCD"
    assert found(people, "deletedAt[is]:NOT_NULL") == "A"
    assert found(people, "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)") == "ABCD"
    assert people.get("people")["totalCount"] == 3


@pytest.mark.parametrize(
    ("order", "initials"),
    [
        ("createdAt[DescNullsLast]", "DCBA"),
        ("name.lastName,createdAt[DescNullsLast]", "ADBC"),
        ("jobTitle", "BCAD"),
        ("jobTitle[AscNullsLast]", "CADB"),
        ("jobTitle[DescNullsFirst]", "BDAC"),
        ("company[AscNullsFirst]", ""),
    ],
)
def test_order_and_walking_by_cursor(shared_people: Any, order: str, initials: str) -> None:
    if not initials:
        shared_people.refused("GET", "people", order_by=order)
        return
    walked, query = "", {"order_by": order, "limit": 1}
    for _ in range(4):
        page = shared_people.get("people", **query)
        walked += page["data"]["people"][0]["name"]["firstName"][0]
        assert page["totalCount"] == 4
        assert page["pageInfo"]["hasPreviousPage"] is False
        query["starting_after"] = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert walked == initials


def test_a_walk_by_id_survives_deletions(people: Any) -> None:
    ids = [r["id"] for r in people.rows("people")]
    assert ids == sorted(ids)
    page = people.get("people", limit=2)
    cursor = page["pageInfo"]["endCursor"]
    assert json.loads(base64.b64decode(cursor)) == {"id": ids[1]}
    people.call("DELETE", f"/rest/people/{ids[1]}")
    assert [r["id"] for r in people.rows("people", starting_after=cursor)] == ids[2:]
    assert [r["id"] for r in people.rows("people", ending_before=cursor)] == ids[:1]
    assert people.refused("GET", "people", starting_after="x").startswith("Invalid cursor")


def test_an_ordered_walk_goes_on_after_its_record_has_changed(people: Any) -> None:
    query = {"order_by": "createdAt", "limit": 2}
    page = people.get("people", **query)
    changed = page["data"]["people"][1]["id"]
    people.patch("people", changed, {"createdAt": "2030-01-01T00:00:00Z"})
    rows = people.rows("people", **query, starting_after=page["pageInfo"]["endCursor"])
    assert [r["name"]["firstName"] for r in rows] == ["Cy", "Di"]


def test_limits_of_a_page(twenty: Any) -> None:
    for _ in range(2):
        twenty.batch("notes", [{}] * 150)
    assert [len(twenty.rows("notes", limit=n)) for n in (0, 60, 200, 1000)] == [0, 60, 200, 200]
    page = twenty.get("notes")
    assert (len(page["data"]["notes"]), page["totalCount"]) == (60, 300)


def test_groups(shared_people: Any) -> None:
    query = {
        "group_by": '[{"name":{"lastName":true}}]',
        "aggregate": '["countNotEmptyId","sumScore"]',
    }
    assert shared_people.get("people/groupBy", **query) == [
        {"countNotEmptyId": "1", "sumScore": 0, "groupByDimensionValues": ["Díaz"]},
        {"countNotEmptyId": "2", "sumScore": 4, "groupByDimensionValues": ["Lee"]},
        {"countNotEmptyId": "1", "sumScore": 2, "groupByDimensionValues": ["O'Hara, Jr"]},
    ]


def test_duplicates_by_the_objects_own_criteria(people: Any) -> None:
    same = people.create("people", {"name": {"firstName": "Ana", "lastName": "Díaz"}})
    wanted = [
        {"emails": {"primaryEmail": "DI@a.example"}},
        {"name": {"firstName": "Ana", "lastName": "Díaz"}},
        {"name": {"firstName": "Ana"}},
    ]
    reply = people.call("POST", "/rest/people/duplicates", {"data": wanted}).json()["data"]
    assert [entry["totalCount"] for entry in reply] == [1, 2, 0]
    by_id = people.call("POST", "/rest/people/duplicates", {"ids": [same["id"]]}).json()["data"]
    assert [r["jobTitle"] for r in by_id[0]["personDuplicates"]] == ["CTO"]


def test_merging_keeps_one_and_gathers_the_rest(people: Any) -> None:
    one, other = people.rows("people", filter='name.lastName[eq]:"Lee"', order_by="createdAt")
    note = people.create("notes", {})
    target = people.create("noteTargets", {"noteId": note["id"], "targetPersonId": other["id"]})
    body = {"ids": [one["id"], other["id"]], "conflictPriorityIndex": 0}
    merged = people.call("PATCH", "/rest/people/merge", body).json()["data"]["mergePerson"]
    assert merged["id"] == one["id"]
    assert merged["emails"] == {
        "primaryEmail": "bo@b.example",
        "additionalEmails": ["di@a.example"],
    }
    assert (merged["name"]["firstName"], merged["jobTitle"]) == ("Bo", "cfo")
    assert people.call("GET", f"/rest/people/{other['id']}").status_code == 404
    assert people.one("noteTargets", target["id"])["targetPersonId"] == one["id"]


def test_graphql_reads_and_writes_as_rest_does(people: Any) -> None:
    query = """query Page($n: Int, $after: String) {
      people(first: $n, after: $after, orderBy: [{createdAt: AscNullsFirst}]) {
        totalCount pageInfo { endCursor hasNextPage } edges { node { ...Who company { name } } }
      }
    }
    fragment Who on Person { id name { firstName } }"""
    first = people.gql(query, n=3)["data"]["people"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (4, True)
    assert first["edges"][0]["node"]["company"] == {"name": "Notion"}
    last = people.gql(query, n=3, after=first["pageInfo"]["endCursor"])["data"]["people"]
    node = last["edges"][0]["node"]
    assert (node["name"], node["company"]) == ({"firstName": "Di"}, None)
    wanted = {"i": node["id"], "d": {"jobTitle": "x"}}
    update = "mutation($i:UUID!,$d:PersonUpdateInput!){updatePerson(id:$i,data:$d){jobTitle}}"
    assert people.gql(update, **wanted)["data"] == {"updatePerson": {"jobTitle": "x"}}
    for verb, status in (("delete", 404), ("restore", 200), ("destroy", 404)):
        mutation = f"mutation($i:UUID!){{{verb}Person(id:$i){{id deletedAt}}}}"
        assert people.gql(mutation, i=node["id"])["data"][f"{verb}Person"]["id"] == node["id"]
        assert people.call("GET", f"/rest/people/{node['id']}").status_code == status
    gone = people.gql("mutation($i:UUID!){restorePerson(id:$i){id}}", i=node["id"])
    assert gone["data"] == {"restorePerson": None}
    assert gone["errors"][0]["extensions"]["code"] == "NOT_FOUND"
