"""Fields, options, relations and custom objects of the Twenty emulator."""

from __future__ import annotations

from typing import Any

import pytest


def refused_field(twenty: Any, **sent: Any) -> str:
    """Create a field that must be refused and give the code and the words of the refusal."""
    body = {"objectMetadataId": twenty.object("person")["id"], "type": "TEXT", "label": "x"}
    reply = twenty.call("POST", "/rest/metadata/fields", {**body, **sent})
    assert reply.status_code == 400, reply.text
    told = reply.json()
    if "errors" not in told:
        return str(told["message"][0])
    finding = told["errors"]["fieldMetadata"][0]["errors"][0]
    return f"{finding['code']}: {finding['message']}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("jobTitle", 'NOT_AVAILABLE: Name "jobTitle" is not available'),
        ("companyId", 'NOT_AVAILABLE: Name "companyId" is not available'),
        ("under_score", "INVALID_FIELD_INPUT: Name is not valid"),
        ("Upper", "INVALID_FIELD_INPUT: Name is not valid"),
        ("añejo", "INVALID_FIELD_INPUT: Name is not valid"),
        ("a" * 64, "INVALID_FIELD_INPUT: Name is too long"),
        ("currency", "INVALID_FIELD_INPUT: This name is reserved"),
        ("", "name should not be empty"),
    ],
)
def test_names_that_are_refused(shared_twenty: Any, name: str, told: str) -> None:
    assert refused_field(shared_twenty, name=name).startswith(told)


@pytest.mark.parametrize(
    "name", ["status", "source", "amount", "phone", "email", "select", "a" * 63]
)
def test_names_that_are_accepted(shared_twenty: Any, name: str) -> None:
    assert shared_twenty.add_field("person", "TEXT", name)["name"] == name


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ({"value": "low", "label": "x"}, 'Value must be in UPPER_CASE and follow snake_case "low"'),
        ({"value": "1A", "label": "x"}, "Value must be in UPPER_CASE"),
        ({"value": "A" * 64, "label": "x"}, "Value exceeds 63 characters"),
        ({"value": "A", "label": ""}, "Label is required"),
        ({"value": "A", "label": "a, b"}, "Label must not contain a comma"),
        ({"value": "A", "label": "x" * 64}, "Label exceeds 63 characters"),
    ],
)
def test_options_that_are_refused(shared_twenty: Any, option: dict[str, str], told: str) -> None:
    sent = {"type": "SELECT", "name": "level", "options": [option]}
    assert refused_field(shared_twenty, **sent).startswith(f"INVALID_FIELD_INPUT: {told}")


def test_option_values_and_positions_are_unique_and_labels_are_not(twenty: Any) -> None:
    sent = {"type": "SELECT", "name": "level"}
    twice = [{"value": "A", "label": "x"}, {"value": "A", "label": "y"}]
    assert "Duplicated option value A" in refused_field(twenty, **sent, options=twice)
    same = [{"value": v, "label": "x", "position": 3} for v in "AB"]
    assert "Duplicated option position 3" in refused_field(twenty, **sent, options=same)
    assert "Options are required" in refused_field(twenty, **sent)
    many = [{"value": f"V_{n}", "label": "x"} for n in range(304)]
    assert len(twenty.add_field("person", "SELECT", "level", options=many)["options"]) == 304


def test_types_that_cannot_be_made(twenty: Any) -> None:
    assert "Use NUMBER instead" in refused_field(twenty, type="NUMERIC", name="x")
    for kind in ("TS_VECTOR", "POSITION"):
        assert "cannot be created" in refused_field(twenty, type=kind, name="x")
    assert "type must be one of" in refused_field(twenty, type="MAGIC", name="x")


def test_a_default_is_quoted_and_an_option(twenty: Any) -> None:
    options = [{"value": "NEW", "label": "New"}]
    sent = {"objectMetadataId": twenty.object("person")["id"], "type": "SELECT", "label": "x"}
    bare = {**sent, "name": "level", "options": options, "defaultValue": "NEW"}
    assert twenty.call("POST", "/rest/metadata/fields", bare).status_code == 500
    assert "level" not in {f["name"] for f in twenty.object("person")["fields"]}
    other = {**bare, "defaultValue": "'OLD'"}
    assert twenty.call("POST", "/rest/metadata/fields", other).status_code == 400
    before = twenty.create("people", {})
    twenty.add_field("person", "SELECT", "level", options=options, defaultValue="'NEW'")
    assert twenty.create("people", {})["level"] == "NEW"
    assert twenty.one("people", before["id"])["level"] is None


def test_a_label_that_is_synced_makes_the_name(twenty: Any) -> None:
    sent = {"name": "legacyId", "label": "Legacy number", "isLabelSyncedWithName": True}
    assert "not synced" in refused_field(twenty, **sent)
    made = twenty.add_field(
        "person", "TEXT", "legacyId", label="Legacy Id", isLabelSyncedWithName=True
    )
    assert made["isLabelSyncedWithName"] is True


def test_standard_fields_keep_their_names_and_show_new_labels_late(twenty: Any) -> None:
    path = f"/rest/metadata/fields/{twenty.field('person', 'jobTitle')['id']}"
    assert twenty.call("PATCH", path, {"name": "role2"}).status_code == 403
    assert twenty.call("PATCH", path, {"label": "Role"}).json()["label"] == "Job Title"
    assert twenty.call("GET", path).json()["label"] == "Role"
    assert twenty.call("DELETE", path).status_code == 403


def test_a_custom_field_may_be_renamed_and_deleted(twenty: Any) -> None:
    field = twenty.add_field("person", "TEXT", "legacyId")
    row = twenty.create("people", {"legacyId": "k-1"})
    path = f"/rest/metadata/fields/{field['id']}"
    assert twenty.call("PATCH", path, {"name": "oldId"}).json()["name"] == "oldId"
    assert twenty.one("people", row["id"])["oldId"] == "k-1"
    assert twenty.get("people", filter='oldId[eq]:"k-1"')["totalCount"] == 1
    assert twenty.call("DELETE", path).json()["id"] == field["id"]
    assert "oldId" not in twenty.one("people", row["id"])


def test_lists_are_paged_and_single_replies_are_bare(twenty: Any) -> None:
    first = twenty.call("GET", "/rest/metadata/objects", limit=20).json()
    assert (len(first["data"]), first["totalCount"]) == (20, 28)
    assert first["pageInfo"]["hasNextPage"] is True
    after = first["pageInfo"]["endCursor"]
    rest = twenty.call("GET", "/rest/metadata/objects", limit=20, starting_after=after).json()
    assert len(rest["data"]) == 8
    one = twenty.call("GET", f"/rest/metadata/objects/{first['data'][0]['id']}").json()
    assert one == first["data"][0]
    fields = twenty.call("GET", "/rest/metadata/fields").json()
    assert fields["totalCount"] == sum(len(o["fields"]) for o in first["data"] + rest["data"])


def make_object(twenty: Any, singular: str, plural: str) -> Any:
    names = {"nameSingular": singular, "namePlural": plural}
    labels = {"labelSingular": f"{singular} | x", "labelPlural": plural}
    return twenty.call("POST", "/rest/metadata/objects", {**names, **labels})


def test_a_custom_object_takes_records_notes_tasks_and_files(twenty: Any) -> None:
    made = make_object(twenty, "legacyTag", "legacyTags")
    assert (made.status_code, made.json()["labelSingular"]) == (201, "legacyTag | x")
    tag = twenty.create("legacyTags", {"name": "VIP"})
    assert tag["createdBy"]["name"] == "migrator"
    note = twenty.create("notes", {"title": "n"})
    link = {"noteId": note["id"], "targetLegacyTagId": tag["id"]}
    target = twenty.create("noteTargets", link)
    twenty.create("attachments", {"name": "f", "targetLegacyTagId": tag["id"]})
    assert len(twenty.one("legacyTags", tag["id"], depth=1)["attachments"]) == 1
    twenty.call("DELETE", f"/rest/legacyTags/{tag['id']}")
    assert twenty.call("GET", f"/rest/noteTargets/{target['id']}").status_code == 404
    again = make_object(twenty, "legacyTag", "legacyTags").json()
    assert "targetLegacyTag" in str(again["errors"])
    gone = twenty.call("DELETE", f"/rest/metadata/objects/{made.json()['id']}")
    assert gone.status_code == 200
    assert "object 'legacyTags' not found" in twenty.refused("GET", "legacyTags")
    assert "targetLegacyTagId" not in twenty.create("noteTargets", {"noteId": note["id"]})


@pytest.mark.parametrize(
    ("singular", "plural"), [("sheep", "sheep"), ("role", "roles2"), ("A", "b")]
)
def test_object_names_that_are_refused(shared_twenty: Any, singular: str, plural: str) -> None:
    assert make_object(shared_twenty, singular, plural).status_code == 400


def test_relations_have_two_ends_and_a_column(twenty: Any) -> None:
    member = twenty.object("workspaceMember")["id"]
    payload = {"type": "MANY_TO_ONE", "targetObjectMetadataId": member}
    payload |= {"targetFieldLabel": "Owned people", "targetFieldIcon": "IconUser"}
    made = twenty.add_field("person", "RELATION", "owner", relationCreationPayload=payload)
    assert made["settings"]["joinColumnName"] == "ownerId"
    ada = twenty.rows("workspaceMembers")[0]
    row = twenty.create("people", {"ownerId": ada["id"]})
    assert twenty.one("people", row["id"], depth=1)["owner"]["userEmail"] == "admin@example.com"
    owned = twenty.one("workspaceMembers", ada["id"], depth=1)["ownedPeople"]
    assert [p["id"] for p in owned] == [row["id"]]
    assert twenty.get("people", filter='owner.userEmail[eq]:"admin@example.com"')["totalCount"] == 1
    taken = refused_field(twenty, type="RELATION", name="keeper", relationCreationPayload=payload)
    assert taken.startswith('NOT_AVAILABLE: Name "ownedPeople"')
    both = {**payload, "type": "MANY_TO_MANY", "targetFieldLabel": "x"}
    assert "relation type" in refused_field(
        twenty, type="RELATION", name="many", relationCreationPayload=both
    )
    twenty.call("DELETE", f"/rest/metadata/fields/{made['id']}")
    assert "ownerId" not in twenty.one("people", row["id"])


def test_the_same_through_graphql(twenty: Any) -> None:
    person = twenty.object("person")["id"]
    create = "mutation($i:CreateOneFieldMetadataInput!){createOneField(input:$i){id name isUnique}}"
    field = {"objectMetadataId": person, "type": "TEXT", "name": "legacyId", "label": "x"}
    sent = {"field": {**field, "isUnique": True}}
    made = twenty.gql(create, path="/metadata", i=sent)["data"]["createOneField"]
    assert (made["name"], made["isUnique"]) == ("legacyId", True)
    error = twenty.gql(create, path="/metadata", i=sent)["errors"][0]
    assert error["extensions"]["code"] == "METADATA_VALIDATION_FAILED"
    assert error["extensions"]["errors"]["fieldMetadata"][0]["errors"][0]["code"] == "NOT_AVAILABLE"
    relation = "relation{type targetObjectMetadata{nameSingular}}"
    query = f"{{objects{{edges{{node{{nameSingular fieldsList{{name {relation}}}}}}}}}}}"
    nodes = [e["node"] for e in twenty.gql(query, path="/metadata")["data"]["objects"]["edges"]]
    fields = {f["name"]: f for n in nodes if n["nameSingular"] == "person" for f in n["fieldsList"]}
    assert fields["company"]["relation"] == {
        "type": "MANY_TO_ONE",
        "targetObjectMetadata": {"nameSingular": "company"},
    }
    stage = twenty.field("opportunity", "stage")
    update = "mutation($i:UpdateOneFieldMetadataInput!){updateOneField(input:$i){options}}"
    options = [*stage["options"], {"value": "LOST", "label": "Lost", "position": 5}]
    wanted = {"id": stage["id"], "update": {"options": options}}
    after = twenty.gql(update, path="/metadata", i=wanted)["data"]["updateOneField"]["options"]
    assert [o["id"] for o in after[:5]] == [o["id"] for o in stage["options"]]
    assert after[5]["value"] == "LOST"
