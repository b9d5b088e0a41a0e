"""The Twenty emulator stores and refuses values by field type as the real server does."""

from __future__ import annotations

import json
from typing import Any

import pytest

ADDRESS = "address"
NULL = None


def stored(twenty: Any, plural: str, field: str, value: Any) -> Any:
    return twenty.create(plural, {field: value})[field]


def phones(number: str, country: str = "", calling: str = "", **more: Any) -> dict[str, Any]:
    parts = {"primaryPhoneCountryCode": country, "primaryPhoneCallingCode": calling}
    return {"primaryPhoneNumber": number, **{k: v for k, v in parts.items() if v}, **more}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (phones("+34 612 34 56 78"), ("612345678", "ES", "+34")),
        (phones("612 34 56 78", "ES"), ("612345678", "ES", "+34")),
        (phones("612345678", calling="+34"), ("612345678", "ES", "+34")),
        (phones("+1 415 555 2671 ext 12"), ("4155552671", "US", "+1")),
        (phones("+14155552671;ext=5"), ("4155552671", "US", "+1")),
        (phones("123", "ES", "+34"), ("123", "ES", "+34")),
        (phones(""), ("", "", "")),
    ],
)
def test_phones_are_parsed(shared_twenty: Any, sent: Any, kept: tuple[str, ...]) -> None:
    value = stored(shared_twenty, "people", "phones", sent)
    number, country, calling = kept
    assert value == {
        "primaryPhoneNumber": number,
        "primaryPhoneCountryCode": country,
        "primaryPhoneCallingCode": calling,
        "additionalPhones": [],
    }


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (phones("612345678"), "INVALID_PHONE_NUMBER"),
        (phones("call me"), "INVALID_PHONE_NUMBER"),
        (phones("+34612345678", "US"), "CONFLICTING_PHONE_COUNTRY_CODE"),
        (phones("612345678", "XX"), "INVALID_PHONE_COUNTRY_CODE"),
        (phones("612345678", "ES", "+1"), "CONFLICTING_PHONE_CALLING_CODE_AND_COUNTRY_CODE"),
        (phones("", additionalPhones=["+34612345678"]), ""),
        ("+34612345678", ""),
    ],
)
def test_phones_that_cannot_be_parsed_are_refused(shared_twenty: Any, sent: Any, code: str) -> None:
    reply = shared_twenty.call("POST", "/rest/people", {"phones": sent})
    assert (reply.status_code, reply.json().get("code", "")) == (400, code)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("https://WWW.Acme.example/", "https://www.acme.example"),
        ("HTTP://Acme.example/Path/", "http://acme.example/Path"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("Acme.example", "Acme.example"),
        ("www.acme.example/", "www.acme.example/"),
        ("localhost", "localhost"),
        ("https://x.example/" + "a" * 3000, "https://x.example/" + "a" * 3000),
    ],
)
def test_links_are_normalised_only_with_http(shared_twenty: Any, sent: str, kept: str) -> None:
    value = stored(shared_twenty, "people", "linkedinLink", {"primaryLinkUrl": sent})
    assert value["primaryLinkUrl"] == kept


@pytest.mark.parametrize("sent", ["ftp://x.example", "javascript:alert(1)", "a b.example"])
def test_links_that_are_none_are_refused(shared_twenty: Any, sent: str) -> None:
    reply = shared_twenty.call("POST", "/rest/companies", {"domainName": {"primaryLinkUrl": sent}})
    assert (reply.status_code, reply.json()["code"]) == (400, "INVALID_URL")


def test_secondary_links(twenty: Any) -> None:
    y, z = {"url": "Y.example/", "label": "y"}, {"url": "z", "label": "z"}
    promoted = stored(twenty, "people", "linkedinLink", {"secondaryLinks": [y, z]})
    assert promoted == {
        "primaryLinkUrl": "Y.example/",
        "primaryLinkLabel": "y",
        "secondaryLinks": [z],
    }
    dropped = {"primaryLinkUrl": "x.example", "secondaryLinks": ["y.example"]}
    assert stored(twenty, "people", "linkedinLink", dropped)["secondaryLinks"] == []


def test_four_spellings_of_a_domain_are_four_companies(twenty: Any) -> None:
    spellings = ("https://a.example", "http://a.example", "a.example", "https://www.a.example")
    rows = [{"domainName": {"primaryLinkUrl": s}} for s in spellings]
    assert len(twenty.batch("companies", rows)) == 4


@pytest.mark.parametrize("sent", ["a@b", "a@localhost", "a..b@c.example", "é@ü.example"])
def test_emails_that_are_accepted(shared_twenty: Any, sent: str) -> None:
    value = stored(shared_twenty, "people", "emails", {"primaryEmail": sent.upper()})
    assert value == {"primaryEmail": sent.upper().lower(), "additionalEmails": []}


@pytest.mark.parametrize(
    "sent", [" a@b.example", "a@b.example ", "a b@c.example", "a" * 65 + "@b.c"]
)
def test_emails_that_are_refused(shared_twenty: Any, sent: str) -> None:
    told = shared_twenty.refused("POST", "people", {"emails": {"primaryEmail": sent}})
    assert told == f"Invalid string value '{sent}' for email field \"emails.primaryEmail\""
    shared_twenty.refused("POST", "people", {"emails": {"additionalEmails": [sent]}})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"amountMicros": 1_500_000, "currencyCode": "USD"}, (1_500_000, "USD")),
        ({"amountMicros": "1500000"}, (1_500_000, None)),
        ({"amountMicros": 1.5, "currencyCode": "usd"}, (1, "usd")),
        ({"amountMicros": -7, "currencyCode": "XXX"}, (-7, "XXX")),
        ({"amountMicros": 9_223_372_036_854_775_807}, (9_223_372_036_854_776_000, None)),
        ({"currencyCode": ""}, (None, None)),
    ],
)
def test_money(shared_twenty: Any, sent: Any, kept: tuple[Any, Any]) -> None:
    value = stored(shared_twenty, "opportunities", "amount", sent)
    assert (value["amountMicros"], value["currencyCode"]) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2024-05-06", "2024-05-06T00:00:00.000Z"),
        ("2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09.000Z"),
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09.000Z"),
        ("2024-05-06T07:08:09.123987Z", "2024-05-06T07:08:09.123Z"),
        ("05/06/2024", "2024-05-06T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"),
    ],
)
def test_times(shared_twenty: Any, sent: str, kept: str) -> None:
    assert stored(shared_twenty, "opportunities", "closeDate", sent) == kept


@pytest.mark.parametrize(
    "sent", ["", 1714980000, "1714980000", "20000-01-01", "2024-13-01", "soon"]
)
def test_times_that_are_refused(shared_twenty: Any, sent: Any) -> None:
    shared_twenty.refused("POST", "opportunities", {"closeDate": sent})


def test_rich_text_keeps_the_markdown_and_makes_blocks(twenty: Any) -> None:
    markdown = "one\ntwo\n\n# big\n\n- <b>x</b>\n\n| a |\n|---|\n| b |"
    value = stored(twenty, "notes", "bodyV2", {"markdown": markdown})
    assert value["markdown"] == markdown
    blocks = json.loads(value["blocknote"])
    assert [b["type"] for b in blocks][:3] == ["paragraph", "heading", "bulletListItem"]
    assert "".join(c["text"] for c in blocks[0]["content"]) == "one\n two"
    assert stored(twenty, "notes", "bodyV2", {"markdown": ""})["blocknote"] is None
    back = stored(twenty, "notes", "bodyV2", {"blocknote": value["blocknote"]})
    assert back["blocknote"] == value["blocknote"]
    assert back["markdown"].startswith("one\n two\n\nbig")
    for bad in ("text", None):
        twenty.refused("POST", "notes", {"bodyV2": bad})
    twenty.refused("POST", "notes", {"body": "x"})


@pytest.mark.parametrize(
    ("kind", "more", "good", "bad"),
    [
        ("TEXT", {}, {" x ": " x ", "x" * 70_000: "x" * 70_000}, [5, True, ["x"]]),
        ("NUMBER", {}, {1.5: 1.5, -3: -3}, ["7", True]),
        ("BOOLEAN", {}, {True: True, False: False}, ["true", 1]),
        ("DATE", {}, {"2024-01-02": "2024-01-02"}, ["2024-01-02T00:00:00Z", "", 5]),
        ("RATING", {}, {"RATING_3": "RATING_3"}, ["RATING_6", 3]),
        ("ARRAY", {}, {"a": ["a"]}, [5, [5]]),
        ("RAW_JSON", {}, {'{"a":1}': {"a": 1}, "[1]": [1]}, ["text", 5]),
        (
            "UUID",
            {},
            {"6BA7B811-9DAD-11D1-80B4-00C04FD430C8": "6ba7b811-9dad-11d1-80b4-00c04fd430c8"},
            ["x"],
        ),
        ("SELECT", {"options": [{"value": "A", "label": "a"}]}, {"A": "A"}, ["a", "", ["A"]]),
        (
            "MULTI_SELECT",
            {"options": [{"value": "A", "label": "a"}]},
            {"A": ["A"]},
            ["a", ["A", "B"]],
        ),
    ],
)
def test_custom_fields(twenty: Any, kind: str, more: Any, good: Any, bad: Any) -> None:
    twenty.add_field("person", kind, "extra", **more)
    for sent, kept in good.items():
        assert stored(twenty, "people", "extra", sent) == kept
    for sent in bad:
        twenty.refused("POST", "people", {"extra": sent})
    blank = {"TEXT": "", "ARRAY": [], "MULTI_SELECT": []}.get(kind)
    assert stored(twenty, "people", "extra", NULL) == blank
    assert twenty.create("people", {})["extra"] == blank


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("name", "Ana Diaz"),
        ("name", {"middleName": "x"}),
        ("companyId", ""),
        ("companyId", "x"),
        ("noteTargets", []),
        ("createdBy", {"source": "MARS", "name": "x"}),
        ("createdAt", NULL),
        ("updatedAt", NULL),
        ("id", NULL),
    ],
)
def test_values_of_people_that_are_refused(shared_twenty: Any, field: str, sent: Any) -> None:
    shared_twenty.refused("POST", "people", {field: sent})


def test_more_refusals(twenty: Any) -> None:
    twenty.refused("POST", "companies", {ADDRESS: {"street": "x"}})
    twenty.refused("POST", "opportunities", {"stage": NULL})
    twenty.refused("POST", "noteTargets", {"personId": "6ba7b811-9dad-11d1-80b4-00c04fd430c8"})
    for version in "678":
        bad = f"01890a5d-ac96-{version}74b-bcce-b302099a8057"
        assert f'"{bad}" is not a valid UUID' in twenty.refused("POST", "people", {"id": bad})


def test_an_id_is_stored_in_lower_case_and_free_again_after_destroying(twenty: Any) -> None:
    upper = "6BA7B811-9DAD-11D1-80B4-00C04FD430C8"
    row = twenty.create("notes", {"id": upper})
    assert row["id"] == upper.lower()
    assert twenty.refused("POST", "notes", {"id": upper}) == "A duplicate entry was detected"
    twenty.call("DELETE", f"/rest/notes/{row['id']}")
    assert twenty.create("notes", {"id": upper})["id"] == upper.lower()


def test_join_rows_are_not_checked_at_all(twenty: Any) -> None:
    note, one = twenty.create("notes", {}), twenty.create("people", {})
    link = {"noteId": note["id"], "targetPersonId": one["id"]}
    company = twenty.create("companies", {})
    rows = [link, link, {}, {"noteId": note["id"]}, {**link, "targetCompanyId": company["id"]}]
    assert len(twenty.batch("noteTargets", rows)) == 5


def test_a_record_may_be_born_deleted(twenty: Any) -> None:
    row = twenty.create("notes", {"title": "x", "deletedAt": "2020-01-01T00:00:00Z"})
    assert row["deletedAt"] == "2020-01-01T00:00:00.000Z"
    assert twenty.call("GET", f"/rest/notes/{row['id']}").status_code == 404


def test_the_timeline_fills_itself_and_takes_history(twenty: Any) -> None:
    note, one = twenty.create("notes", {"title": "Hi"}), twenty.create("people", {})
    twenty.create("noteTargets", {"noteId": note["id"], "targetPersonId": one["id"]})
    twenty.patch("people", one["id"], {"jobTitle": "x"})
    past = {"happensAt": "2012-01-01T00:00:00Z", "name": "person.created"}
    twenty.create("timelineActivities", {**past, "targetPersonId": one["id"], "properties": {}})
    mine = twenty.rows("timelineActivities", filter=f'targetPersonId[eq]:"{one["id"]}"')
    names = sorted(a["name"] for a in mine)
    assert names == ["linked-note.created", "person.created", "person.created", "person.updated"]
    linked = next(a for a in mine if a["name"] == "linked-note.created")
    assert (linked["linkedRecordCachedName"], linked["linkedRecordId"]) == ("Hi", note["id"])
