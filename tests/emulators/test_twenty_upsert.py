"""Upserts in the Twenty emulator match, take over, restore and refuse as the real server does."""

from __future__ import annotations

import uuid
from typing import Any


def mail(address: str) -> dict[str, Any]:
    return {"emails": {"primaryEmail": address, "additionalEmails": []}}


def upsert(twenty: Any, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return list(twenty.batch("people", list(rows), upsert="true"))


def test_a_unique_value_takes_the_record_over_and_drops_the_sent_id(twenty: Any) -> None:
    known = twenty.create("people", {**mail("a@x.example"), "jobTitle": "kept"})
    mine = str(uuid.uuid4())
    row = upsert(twenty, {"id": mine, **mail("A@X.example"), "name": {"firstName": "New"}})[0]
    assert row["id"] == known["id"]
    assert (row["jobTitle"], row["name"]["firstName"]) == ("kept", "New")
    assert twenty.call("GET", f"/rest/people/{mine}").status_code == 404


def test_domains_and_custom_unique_fields_match_too(twenty: Any) -> None:
    twenty.add_field("person", "TEXT", "legacyId", isUnique=True)
    known = twenty.create("people", {"legacyId": "k-1"})
    assert upsert(twenty, {"legacyId": "k-1", "jobTitle": "x"})[0]["id"] == known["id"]
    link = {"domainName": {"primaryLinkUrl": "https://ACME.example/"}}
    company = twenty.create("companies", link)
    assert company["domainName"]["primaryLinkUrl"] == "https://acme.example"
    again = twenty.create("companies", {**link, "name": "Acme"}, upsert="true")
    assert (again["id"], again["name"]) == (company["id"], "Acme")


def test_keys_of_two_records_are_refused(twenty: Any) -> None:
    one, other = twenty.batch("people", [mail("a@x.example"), mail("b@x.example")])
    told = twenty.refused("POST", "people", {"id": one["id"], **mail("b@x.example")}, upsert="true")
    assert told == (
        "Multiple records found with the same unique field values for "
        f"id (id: {one['id']}); emails (emails.primaryEmail: b@x.example). "
        "Cannot determine which record to update."
    )
    assert twenty.one("people", other["id"])["emails"]["primaryEmail"] == "b@x.example"


def test_the_same_key_twice_in_a_batch_is_refused(twenty: Any) -> None:
    rows = [mail("a@x.example"), mail("A@x.example")]
    told = twenty.refused("POST", "batch/people", rows, upsert="true")
    assert told == "A duplicate entry was detected"
    assert twenty.get("people")["totalCount"] == 0


def test_a_trashed_record_is_restored_by_id_or_by_unique_value(twenty: Any) -> None:
    one, other = twenty.batch("people", [mail("a@x.example"), mail("b@x.example")])
    ids = f'["{one["id"]}","{other["id"]}"]'
    twenty.call("DELETE", "/rest/people", filter=f"id[in]:{ids}", soft_delete="true")
    assert twenty.get("people")["totalCount"] == 0
    told = twenty.refused("POST", "people", mail("a@x.example"))
    assert told == "A duplicate entry was detected"
    assert twenty.refused("POST", "people", {"id": one["id"]}) == told
    rows = upsert(twenty, {"id": one["id"]}, mail("b@x.example"))
    assert [r["deletedAt"] for r in rows] == [None, None]
    assert {r["id"] for r in rows} == {one["id"], other["id"]}


def test_a_destroyed_record_comes_back_as_a_stub(twenty: Any) -> None:
    known = twenty.create("people", {**mail("a@x.example"), "jobTitle": "CTO"})
    twenty.call("DELETE", f"/rest/people/{known['id']}")
    stub = upsert(twenty, {"id": known["id"], "name": {"firstName": "A"}})[0]
    assert (stub["id"], stub["jobTitle"], stub["emails"]["primaryEmail"]) == (known["id"], "", "")


def test_left_out_stays_and_null_clears_text_but_no_composite(twenty: Any) -> None:
    known = twenty.create("people", {"jobTitle": "CTO", "name": {"firstName": "A"}, "position": 3})
    row = upsert(twenty, {"id": known["id"], "name": None})[0]
    assert (row["jobTitle"], row["name"]["firstName"], row["position"]) == ("CTO", "A", 3)
    assert upsert(twenty, {"id": known["id"], "jobTitle": None})[0]["jobTitle"] == ""


def test_without_a_key_it_always_inserts(twenty: Any) -> None:
    for _ in range(2):
        twenty.batch("notes", [{"title": "same"}], upsert="true")
    assert twenty.get("notes")["totalCount"] == 2


def test_additional_addresses_and_blanks_are_not_unique(twenty: Any) -> None:
    twenty.create("people", mail("a@x.example"))
    more = {"emails": {"primaryEmail": "", "additionalEmails": ["a@x.example"]}}
    assert len(twenty.batch("people", [more, more, {}, {}])) == 4


def test_only_graphql_tells_who_has_the_key(twenty: Any) -> None:
    known = twenty.create("people", mail("a@x.example"))
    query = "mutation($d:[PersonCreateInput!]!,$u:Boolean){createPeople(data:$d,upsert:$u){id}}"
    reply = twenty.gql(query, d=[mail("a@x.example")])
    assert reply["data"] == {"createPeople": None}
    extensions = reply["errors"][0]["extensions"]
    assert extensions["conflictingRecordId"] == known["id"]
    assert extensions["code"] == "BAD_USER_INPUT"
    assert twenty.gql(query, d=[mail("a@x.example")], u=True)["data"]["createPeople"] == [
        {"id": known["id"]}
    ]


def test_linking_by_a_unique_value(twenty: Any) -> None:
    link = {"primaryLinkUrl": "https://notion.com"}
    company = twenty.create("companies", {"domainName": link})
    connect = {"company": {"connect": {"where": {"domainName": link}}}}
    assert twenty.create("people", connect)["companyId"] == company["id"]
    other = {"company": {"connect": {"where": {"domainName": {"primaryLinkUrl": "x.example"}}}}}
    told = twenty.refused("POST", "people", other)
    assert told.startswith("Expected 1 record to connect to company, but found 0")
    assert "companyId" in twenty.refused("POST", "people", {"company": company["id"]})
