"""The Twenty emulator loses data where the real server does."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

MINUTES_AGO = "2020-03-04T05:06:07.000Z"


def person(twenty: Any, **more: Any) -> dict[str, Any]:
    return dict(twenty.create("people", {"name": {"firstName": "Ana", "lastName": "Diaz"}, **more}))


def test_options_sent_without_their_ids_reset_every_value(twenty: Any) -> None:
    twenty.add_field(
        "opportunity", "MULTI_SELECT", "tags", options=[{"value": "VIP", "label": "V"}]
    )
    deal = twenty.create("opportunities", {"name": "x", "stage": "MEETING", "tags": ["VIP"]})
    for name in ("stage", "tags"):
        field = twenty.field("opportunity", name)
        options = [{k: v for k, v in o.items() if k != "id"} for o in field["options"]]
        reply = twenty.call("PATCH", f"/rest/metadata/fields/{field['id']}", {"options": options})
        assert reply.status_code == 200
    after = twenty.one("opportunities", deal["id"])
    assert (after["stage"], after["tags"]) == ("NEW", [])


def test_options_sent_with_their_ids_keep_every_value(twenty: Any) -> None:
    deal = twenty.create("opportunities", {"name": "x", "stage": "MEETING"})
    field = twenty.field("opportunity", "stage")
    renamed = [{**o, "value": "TALKS"} if o["value"] == "MEETING" else o for o in field["options"]]
    options = [*renamed, {"value": "WON", "label": "Won", "color": "green", "position": 9}]
    twenty.call("PATCH", f"/rest/metadata/fields/{field['id']}", {"options": options})
    assert twenty.one("opportunities", deal["id"])["stage"] == "TALKS"
    assert twenty.create("opportunities", {"name": "y", "stage": "WON"})["stage"] == "WON"


def test_a_removed_option_that_is_in_use_resets_its_rows(twenty: Any) -> None:
    deals = [
        twenty.create("opportunities", {"name": s, "stage": s}) for s in ("MEETING", "CUSTOMER")
    ]
    field = twenty.field("opportunity", "stage")
    options = [o for o in field["options"] if o["value"] != "MEETING"]
    twenty.call("PATCH", f"/rest/metadata/fields/{field['id']}", {"options": options})
    stages = [twenty.one("opportunities", d["id"])["stage"] for d in deals]
    assert stages == ["NEW", "CUSTOMER"]


def test_delete_destroys_unless_told_otherwise(twenty: Any) -> None:
    kept, gone = person(twenty), person(twenty)
    soft = twenty.call("DELETE", f"/rest/people/{kept['id']}", soft_delete="true").json()
    assert soft["data"]["deletePerson"]["deletedAt"]
    hard = twenty.call("DELETE", f"/rest/people/{gone['id']}").json()
    assert hard == {"data": {"deletePerson": {"id": gone["id"]}}}
    trashed = twenty.rows("people", filter="deletedAt[is]:NOT_NULL")
    assert [r["id"] for r in trashed] == [kept["id"]]


def test_bulk_delete_needs_a_filter_and_has_no_cap(twenty: Any) -> None:
    for _ in range(3):
        twenty.batch("tasks", [{"title": "x"} for _ in range(200)])
    twenty.refused("DELETE", "tasks")
    reply = twenty.call("DELETE", "/rest/tasks", filter='title[eq]:"x"').json()
    assert len(reply["data"]["deleteTasks"]) == 600
    assert twenty.get("tasks")["totalCount"] == 0


def test_partial_emails_and_links_replace_and_the_others_merge(twenty: Any) -> None:
    company = twenty.create(
        "companies",
        {
            "domainName": {"primaryLinkUrl": "https://a.example", "primaryLinkLabel": "A"},
            "address": {"addressCity": "Bonn", "addressCountry": "Germany"},
            "annualRevenue": {"amountMicros": 5, "currencyCode": "EUR"},
        },
    )
    after = twenty.patch(
        "companies",
        company["id"],
        {
            "domainName": {"primaryLinkLabel": "B"},
            "address": {"addressCity": "Ulm"},
            "annualRevenue": {"amountMicros": 7},
        },
    )
    assert after["domainName"]["primaryLinkUrl"] == ""
    assert (after["address"]["addressCity"], after["address"]["addressCountry"]) == (
        "Ulm",
        "Germany",
    )
    assert after["annualRevenue"] == {"amountMicros": 7, "currencyCode": "EUR"}
    made = person(twenty, emails={"primaryEmail": "a@x.example"}, phones=_spanish("612345678"))
    changed = twenty.patch(
        "people",
        made["id"],
        {
            "emails": {"additionalEmails": ["b@x.example"]},
            "name": {"firstName": "Eva"},
            "phones": {"additionalPhones": [{"number": "+34612345679"}]},
        },
    )
    assert changed["emails"] == {"primaryEmail": "", "additionalEmails": ["b@x.example"]}
    assert changed["name"] == {"firstName": "Eva", "lastName": "Diaz"}
    assert changed["phones"]["primaryPhoneNumber"] == "612345678"
    assert changed["phones"]["additionalPhones"] == [
        {"number": "612345679", "countryCode": "ES", "callingCode": "+34"}
    ]


def _spanish(number: str) -> dict[str, Any]:
    return {"primaryPhoneNumber": number, "primaryPhoneCountryCode": "ES"}


def test_an_update_without_a_filter_hits_everything_up_to_200_rows(twenty: Any) -> None:
    twenty.batch("tasks", [{"title": "x"} for _ in range(200)])
    reply = twenty.call("PATCH", "/rest/tasks", {"title": "y"}).json()
    assert len(reply["data"]["updateTasks"]) == 200
    twenty.create("tasks", {"title": "x"})
    told = twenty.refused("PATCH", "tasks", {"title": "z"})
    assert told == "Cannot update more than 200 records at once"
    assert twenty.get("tasks", filter='title[eq]:"z"')["totalCount"] == 0


def test_a_batch_upsert_keeps_its_updates_when_the_inserts_fail(twenty: Any) -> None:
    known = person(twenty, jobTitle="old")
    rows = [
        {"id": known["id"], "jobTitle": "new"},
        {"name": {"firstName": "B"}, "companyId": str(uuid.uuid4())},
    ]
    told = twenty.refused("POST", "batch/people", rows, upsert="true")
    assert 'table "person" violates foreign key constraint "FK_' in told
    assert twenty.one("people", known["id"])["jobTitle"] == "new"
    assert twenty.get("people")["totalCount"] == 1


def test_a_batch_create_is_all_or_nothing_and_keeps_its_order(twenty: Any) -> None:
    taken = person(twenty, emails={"primaryEmail": "taken@x.example"})
    good = [{"jobTitle": str(n)} for n in range(9)]
    for bad in (
        {"emails": {"primaryEmail": "taken@x.example"}},
        {"emails": {"primaryEmail": "no mail"}},
        {"companyId": str(uuid.uuid4())},
        {"id": taken["id"]},
    ):
        twenty.refused("POST", "batch/people", [*good, bad])
    assert twenty.get("people")["totalCount"] == 1
    assert [r["jobTitle"] for r in twenty.batch("people", good)] == [str(n) for n in range(9)]


def test_the_reply_of_a_batch_upsert_has_the_updated_rows_first(twenty: Any) -> None:
    ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, str(n))) for n in (9, 5, 1, 2, 7)]
    twenty.batch("notes", [{"id": ids[1]}, {"id": ids[3]}])
    reply = twenty.batch("notes", [{"id": i, "title": "x"} for i in ids], upsert="true")
    assert [r["id"] for r in reply] == [ids[1], ids[3], ids[0], ids[2], ids[4]]


def test_depth_1_hides_a_trashed_parent_and_depth_0_does_not(twenty: Any) -> None:
    company = twenty.create("companies", {"name": "x"})
    made = person(twenty, companyId=company["id"])
    assert twenty.one("people", made["id"], depth=1)["company"]["name"] == "x"
    twenty.call("DELETE", f"/rest/companies/{company['id']}", soft_delete="true")
    deep = twenty.one("people", made["id"], depth=1)
    assert (deep["companyId"], deep["company"]) == (None, None)
    assert twenty.one("people", made["id"])["companyId"] == company["id"]


def test_nested_lists_and_their_counts_stop_at_60(twenty: Any) -> None:
    company = twenty.create("companies", {"name": "x"})
    twenty.batch("people", [{"companyId": company["id"]} for _ in range(70)])
    assert len(twenty.one("companies", company["id"], depth=1)["people"]) == 60
    query = "{companies{edges{node{people{totalCount edges{node{id}}}}}}}"
    nested = twenty.gql(query)["data"]["companies"]["edges"][0]["node"]["people"]
    assert (nested["totalCount"], len(nested["edges"])) == (60, 60)
    assert twenty.get("people", filter=f'companyId[eq]:"{company["id"]}"')["totalCount"] == 70


def test_a_patch_without_updatedat_sets_it_to_now(twenty: Any) -> None:
    made = person(twenty, updatedAt=MINUTES_AGO, createdAt="1969-01-01T00:00:00.000Z")
    assert (made["updatedAt"], made["createdAt"]) == (MINUTES_AGO, "1969-01-01T00:00:00.000Z")
    assert twenty.patch("people", made["id"], {"jobTitle": "x"})["updatedAt"] > MINUTES_AGO
    sent = {"jobTitle": "y", "updatedAt": MINUTES_AGO}
    assert twenty.patch("people", made["id"], sent)["updatedAt"] == MINUTES_AGO
    note = twenty.create("notes", {"title": "n"})
    twenty.create("noteTargets", {"noteId": note["id"], "targetPersonId": made["id"]})
    assert twenty.one("people", made["id"])["updatedAt"] == MINUTES_AGO


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ({}, ("API", "migrator", {})),
        ({"source": "IMPORT"}, ("IMPORT", "migrator", {})),
        ({"source": "IMPORT", "name": ""}, ("IMPORT", "migrator", {})),
        ({"source": "IMPORT", "name": "Rita"}, ("IMPORT", "Rita", None)),
        ({"name": "Rita"}, ("API", "Rita", None)),
    ],
)
def test_createdby_falls_back_without_a_name(twenty: Any, sent: Any, stored: Any) -> None:
    made = person(twenty, createdBy=sent, updatedBy={"source": "IMPORT", "name": "Rita"})
    by = made["createdBy"]
    assert (by["source"], by["name"], by["context"]) == stored
    assert made["updatedBy"]["name"] == "migrator"


def test_positions_of_a_batch_end_up_reversed_unless_sent(twenty: Any) -> None:
    rows = twenty.batch("notes", [{"title": str(n)} for n in range(3)])
    positions = [r["position"] for r in rows]
    assert positions == sorted(positions, reverse=True)
    assert twenty.create("notes", {"position": "last"})["position"] > max(positions)
    assert twenty.create("notes", {"position": "first"})["position"] < min(positions)
    assert twenty.create("notes", {"position": 7})["position"] == 7
    for bad in (None, "5", "x"):
        twenty.refused("POST", "notes", {"position": bad})


def test_cascades_of_destroying_and_trashing(twenty: Any) -> None:
    company = twenty.create("companies", {"name": "c"})
    made = person(twenty, companyId=company["id"])
    deal = twenty.create("opportunities", {"name": "d", "pointOfContactId": made["id"]})
    note = twenty.create("notes", {"title": "n"})
    link = {"noteId": note["id"], "targetPersonId": made["id"]}
    target = twenty.create("noteTargets", link)
    file = twenty.create("attachments", {"name": "a", "targetPersonId": made["id"]})
    twenty.call("DELETE", f"/rest/people/{made['id']}", soft_delete="true")
    assert twenty.one("noteTargets", target["id"])["targetPersonId"] == made["id"]
    twenty.call("PATCH", "/rest/restore/people", filter=f'id[eq]:"{made["id"]}"')
    twenty.call("DELETE", f"/rest/notes/{note['id']}", soft_delete="true")
    assert twenty.get("noteTargets")["totalCount"] == 0
    twenty.call("PATCH", "/rest/restore/notes", filter=f'id[eq]:"{note["id"]}"')
    assert twenty.get("noteTargets")["totalCount"] == 1
    twenty.call("DELETE", f"/rest/companies/{company['id']}")
    assert twenty.one("people", made["id"])["companyId"] is None
    twenty.call("DELETE", f"/rest/people/{made['id']}")
    assert twenty.get("noteTargets")["totalCount"] == 0
    assert twenty.call("GET", f"/rest/attachments/{file['id']}").status_code == 404
    assert twenty.get("timelineActivities", filter='name[eq]:"person.created"')["totalCount"] == 0
    assert twenty.one("opportunities", deal["id"])["pointOfContactId"] is None
    assert twenty.one("notes", note["id"])["title"] == "n"


def test_restoring_has_one_way_that_works(twenty: Any) -> None:
    made = person(twenty)
    twenty.call("DELETE", f"/rest/people/{made['id']}", soft_delete="true")
    assert "invalid" in twenty.refused("PATCH", f"restore/people/{made['id']}")
    assert "not a valid UUID" in twenty.refused("PATCH", f"people/{made['id']}/restore")
    same = f'id[eq]:"{made["id"]}"'
    both = f"and({same},deletedAt[is]:NOT_NULL)"
    nothing = twenty.call("PATCH", "/rest/restore/people", filter=both).json()
    assert nothing == {"data": {"restorePeople": []}}
    restored = twenty.call("PATCH", "/rest/restore/people", filter=same).json()["data"]
    assert restored["restorePeople"][0]["deletedAt"] is None
    assert twenty.one("people", made["id"])
