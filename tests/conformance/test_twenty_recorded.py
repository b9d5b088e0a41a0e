"""What the rules foresee against what a real Twenty 2.21 stored."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_crm_migration.core.canonical import canonical
from airflow_crm_migration.core.fields import FieldSpec, FieldType, Option
from airflow_crm_migration.core.protocols import Write
from airflow_crm_migration.hooks.twenty import TwentyRules, codec
from airflow_crm_migration.hooks.twenty.schema import Schema, read_schema

FOLDER = os.environ.get("CRM_RECORDINGS_DIR")
pytestmark = pytest.mark.skipif(not FOLDER, reason="CRM_RECORDINGS_DIR names no folder")
_CREATION = re.compile(r"/rest/(?:batch/)?(\w+)(?:\?upsert=true)?")


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    path = Path(FOLDER or "") / "twenty-2.21.0.json"
    return list(json.loads(path.read_text(encoding="utf-8"))["steps"])


@pytest.fixture(scope="module")
def schema(steps: list[dict[str, Any]]) -> Schema:
    reply = next(s["response"] for s in steps if s["name"] == "metadata objects")
    objects = reply["data"]
    made = [s["response"] for s in steps if s["path"] == "/rest/metadata/fields"]
    changed = [s["response"] for s in steps if s["name"] == "add a stage, keeping ids"]
    for field in [f for f in made + changed if "name" in f]:
        owner = next(o for o in objects if o["id"] == field["objectMetadataId"])
        owner["fields"] = [f for f in owner["fields"] if f["name"] != field["name"]] + [field]
    return read_schema(objects, {})


def test_the_real_schema_is_understood(schema):
    person, task = schema.objects["person"].spec, schema.objects["task"].spec
    assert person.fields["companyId"].references == ("company",)
    assert schema.objects["company"].spec.fields["accountOwnerId"].type is FieldType.USER
    assert task.fields["targets"].join.other == {
        "company": "targetCompanyId",
        "opportunity": "targetOpportunityId",
        "person": "targetPersonId",
    }
    assert task.fields["status"].options[0] == Option("TODO", "To do")
    assert person.fields["trainSourceId"].custom
    assert not person.fields["jobTitle"].custom
    assert person.fields["emails"].unique


def pairs(steps: list[dict[str, Any]], schema: Schema) -> list[tuple[FieldSpec, Any, Any]]:
    """Give field, value as sent and as stored of every creation that the server took."""
    found = []
    by_plural = {o.plural: o for o in schema.objects.values()}
    for step in steps:
        path = _CREATION.fullmatch(step["path"])
        target = by_plural.get(path[1]) if path and step["status"] == 201 else None
        if target is None:
            continue
        reply = next(iter(step["response"]["data"].values()))
        stored = {r["id"]: r for r in (reply if isinstance(reply, list) else [reply])}
        for sent in step["body"] if isinstance(step["body"], list) else [step["body"]]:
            record = stored.get(sent.get("id"), {})
            found += [
                (target.spec.fields[name], value, record[name])
                for name, value in sent.items()
                if name in record and name in target.spec.fields
            ]
    return found


def test_what_the_real_server_stored_is_what_normalise_said(steps, schema):
    checked = set()
    for field, sent, stored in pairs(steps, schema):
        if "{{" in str(sent):
            continue  # an id that only the server knew
        foreseen = TwentyRules().normalise(field, codec.decode(field, sent))
        assert foreseen.unusable == (), field
        seen = codec.decode(field, stored)
        assert canonical(field.type, foreseen.value) == canonical(field.type, seen), field
        checked.add(field.type)
    assert {FieldType.EMAILS, FieldType.PHONES, FieldType.MONEY, FieldType.LONG_TEXT} <= checked


def test_what_the_real_server_refused_is_foreseen(steps, schema):
    refusals = {
        "bad phone without country": "phones",
        "unknown option": "trainTags",
        "bad url": "domainName",
        "bad stage": "stage",
    }
    for step in steps:
        name = refusals.get(step["name"])
        if name is None:
            continue
        plural = step["path"].rpartition("/")[2]
        spec = next(o.spec for o in schema.objects.values() if o.plural == plural)
        field = spec.fields[name]
        assert TwentyRules().normalise(field, codec.decode(field, step["body"][name])).unusable


def test_records_are_encoded_as_the_real_server_took_them(steps, schema):
    for field, sent, _ in pairs(steps, schema):
        target = next(o for o in schema.objects.values() if o.spec.fields.get(field.name) is field)
        value = codec.decode(field, sent)
        if value is None or field.type in (FieldType.PHONES, FieldType.FILE):
            continue
        body = codec.payload(target, Write(None, {field.name: value}), blanks=False)[field.name]
        if isinstance(sent, dict):
            body = {k: v for k, v in body.items() if k in sent}
        assert body == sent, field
