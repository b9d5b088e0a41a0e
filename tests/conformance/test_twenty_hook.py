"""The Twenty hook against the stand-in: what the steps may rely on."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_crm_migration.core.canonical import canonical
from airflow_crm_migration.core.errors import (
    Duplicate,
    Refused,
    Unauthorised,
    Unsettled,
    UserMistake,
)
from airflow_crm_migration.core.fields import FieldSpec, FieldType, ObjectSpec, Option
from airflow_crm_migration.core.protocols import Destination, Severity, Write
from airflow_crm_migration.hooks.twenty import TwentyHook

if TYPE_CHECKING:
    from collections.abc import Callable

_BESIDE = Path(__file__).parent.parent / "unit" / "hooks" / "twenty" / "strategies.py"
_SPEC = importlib.util.spec_from_file_location("strategies", _BESIDE)
strategies = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(strategies)

T = FieldType


@pytest.fixture(scope="module")
def wide(shared_twenty: Callable[..., Any]) -> TwentyHook:
    """Connect to a workspace whose companies have a field of every type."""
    hook = shared_twenty().hook
    fields = [strategies.field(kind, name_of(kind)) for kind in strategies.VALUES]
    wanted = {f.name: f for f in fields if f.type not in (T.REFERENCE, T.USER)}
    hook.ensure_schema([ObjectSpec("company", "", wanted)], dry_run=False)
    return hook


def name_of(kind: FieldType) -> str:
    return "x" + kind.value.title().replace("_", "")


def new_id() -> str:
    return str(uuid.uuid4())


def person(email: str, **values: Any) -> Write:
    return Write(new_id(), {"emails": [email], **values})


KINDS = sorted(set(strategies.VALUES) - {T.REFERENCE, T.USER})


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_what_is_stored_is_what_normalise_said(wide, kind, data):
    spec = wide.schema.objects["company"].spec.fields[name_of(kind)]
    sent = data.draw(st.lists(strategies.VALUES[kind], min_size=1, max_size=20))
    foreseen = [wide.normalise(spec, value).value for value in sent]
    rows = [Write(new_id(), {spec.name: value}) for value in foreseen]
    made = wide.create("company", rows)
    read = wide.read("company", [row.id for row in rows])
    for row, stored, value in zip(rows, made, foreseen, strict=True):
        assert stored == read[row.id]
        assert canonical(kind, stored.values[spec.name]) == canonical(kind, value)
        assert wide.normalise(spec, stored.values[spec.name]).value == value


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_an_update_replaces_a_value_whole_and_a_blank_clears_it(wide, kind, data):
    spec = wide.schema.objects["company"].spec.fields[name_of(kind)]
    good = strategies.VALUES[kind].map(lambda v: wide.normalise(spec, v).value)
    first, second = data.draw(good), data.draw(good)
    row = new_id()
    wide.create("company", [Write(row, {spec.name: first})])
    # A record always has somebody who made it.
    for value in (second, None) if kind is not T.ACTOR else filter(None, [second]):
        (stored,) = wide.update("company", [Write(row, {spec.name: value})])
        assert canonical(kind, stored.values[spec.name]) == canonical(kind, value)


def test_every_method_of_a_destination_is_there_with_its_arguments():
    for name, wanted in inspect.getmembers(Destination, inspect.isfunction):
        if not name.startswith("_"):
            found = inspect.signature(getattr(TwentyHook, name))
            assert list(found.parameters) == list(inspect.signature(wanted).parameters), name


def test_objects_are_described_as_they_are(bench):
    found = bench.hook.describe()
    person, task = found["person"].fields, found["task"].fields
    assert person["companyId"].references == ("company",)
    assert person["emails"].type is T.EMAILS
    assert person["emails"].unique
    assert person["createdBy"].type is T.ACTOR
    assert task["assigneeId"].type is T.USER
    assert task["targets"].join.object == "taskTarget"
    assert task["targets"].join.own == "taskId"
    assert task["targets"].join.other["person"] == "targetPersonId"
    assert found["attachment"].fields["targetPersonId"].references == ("person",)
    assert found["opportunity"].fields["stage"].options[0] == Option("NEW", "New")
    assert not {"id", "deletedAt", "searchVector", "updatedBy"} & person.keys()


def test_a_record_keeps_its_history(bench):
    values = {
        "createdAt": "2011-01-01T00:00:00.000Z",
        "updatedAt": "2012-01-01T00:00:00.000Z",
        "createdBy": "Rita Old",
        "position": "-7.5",
    }
    (stored,) = bench.hook.create("company", [Write(new_id(), values)])
    assert {k: stored.values[k] for k in values} == values


def test_records_come_back_in_the_order_that_they_were_sent(bench):
    rows = [person(f"p{n}@x.example") for n in (9, 5, 1, 2, 7)]
    assert [s.id for s in bench.hook.create("person", rows)] == [r.id for r in rows]
    mixed = [Write(rows[n].id, {"jobTitle": str(n)}) for n in (3, 0, 4)]
    updated = bench.hook.update("person", mixed)
    assert [(s.id, s.values["jobTitle"]) for s in updated] == [
        (w.id, w.values["jobTitle"]) for w in mixed
    ]


@pytest.mark.parametrize("trashed", [False, True])
def test_a_duplicate_is_refused_as_one_and_nothing_of_its_batch_is_written(bench, trashed):
    (first,) = bench.hook.create("person", [person("ana@x.example")])
    if trashed:
        bench.control("edit", {"object": "person", "id": first.id, "action": "delete"})
    for twin in (person("ana@x.example"), Write(first.id, {})):
        with pytest.raises(Duplicate):
            bench.hook.create("person", [person("new@x.example"), twin])
    assert len(bench.content("person")) == 1


def test_a_refusal_tells_twentys_own_words(bench):
    with pytest.raises(Refused, match="Invalid string value") as caught:
        bench.hook.create("person", [person("fine@x.example"), person("not an email")])
    assert caught.value.status == 400
    assert not isinstance(caught.value, Duplicate)
    assert bench.content("person") == []


def test_a_lost_reply_leaves_open_what_a_look_settles(bench):
    rows = [person("a@x.example"), person("b@x.example")]
    fault = {"kind": "reply_lost", "method": "POST", "path": "/rest/batch"}
    bench.control("faults", [fault])
    with pytest.raises(Unsettled):
        bench.hook.create("person", rows)
    assert bench.hook.read("person", [r.id for r in rows]).keys() == {r.id for r in rows}


def test_a_server_error_before_the_write_leaves_open_what_a_look_settles(bench):
    rows = [person("a@x.example")]
    bench.control("faults", [{"kind": "5xx", "method": "POST", "path": "/rest/batch"}])
    with pytest.raises(Unsettled):
        bench.hook.create("person", rows)
    assert bench.hook.read("person", [rows[0].id]) == {}
    assert len(bench.hook.create("person", rows)) == 1


def test_a_reply_about_other_records_is_not_believed(bench):
    bench.control(
        "person-made", {"object": "person", "record": {"emails": {"primaryEmail": "a@x.example"}}}
    )
    # An upsert takes over the row that has the address and drops the id that was sent.
    with pytest.raises(Unsettled, match="other people"):
        bench.hook.update("person", [person("a@x.example")])


def test_records_are_found_whether_live_or_in_the_trash(bench):
    rows = [person("live@x.example"), person("gone@x.example")]
    bench.hook.create("person", rows)
    bench.control("edit", {"object": "person", "id": rows[1].id, "action": "delete"})
    wanted = ["live@x.example", "gone@x.example", "none@x.example"]
    found = bench.hook.find("person", "emails", wanted)
    assert {v: [(s.id, s.trashed) for s in held] for v, held in found.items()} == {
        "live@x.example": [(rows[0].id, False)],
        "gone@x.example": [(rows[1].id, True)],
    }
    assert bench.hook.read("person", [rows[1].id, new_id()])[rows[1].id].trashed


@pytest.mark.parametrize("title", ["(brackets)", 'say "no"', "O'Neil, [x]", "back\\slash", "ü%_"])
def test_odd_values_are_found_too(bench, title):
    (made,) = bench.hook.create("person", [Write(new_id(), {"jobTitle": title})])
    assert bench.hook.find("person", "jobTitle", [title, "other"]) == {title: [made]}


@pytest.mark.parametrize(
    "spelt", ["https://acme.example", "http://www.acme.example", "acme.example"]
)
def test_a_company_is_found_however_its_domain_is_spelt(bench, spelt):
    link = {"primaryLinkUrl": spelt}
    record = {"object": "company", "record": {"name": "Acme", "domainName": link}}
    made = bench.control("person-made", record)
    found = bench.hook.find("company", "domainName", ["https://acme.example"])
    assert [s.id for s in found["https://acme.example"]] == [made["id"]]


def test_people_are_found_by_any_of_their_addresses(bench):
    mails = [["bob@x.example", "ann@x.example"], ["ann@x.example"], ["joann@x.example"]]
    rows = [Write(new_id(), {"emails": addresses}) for addresses in mails]
    bench.hook.create("person", rows)
    found = bench.hook.find("person", "emails", ["ann@x.example", "a_n@x.example"])
    assert {v: {s.id for s in held} for v, held in found.items()} == {
        "ann@x.example": {rows[0].id, rows[1].id}
    }


def test_looking_many_up_costs_few_calls(bench):
    bench.hook.describe()
    bench.hook.requests_made.clear()
    assert bench.hook.find("person", "emails", [f"p{n}@x.example" for n in range(1500)]) == {}
    assert bench.hook.requests_made.total() == 3


def test_reads_are_cut_into_pages_and_nothing_costs_nothing(bench):
    rows = [person(f"p{n}@x.example") for n in range(150)]
    bench.hook.create("person", rows)
    bench.hook.requests_made.clear()
    assert len(bench.hook.read("person", [r.id for r in rows])) == 150
    assert bench.hook.requests_made == {"GET /rest/people": 3}
    for nothing in (bench.hook.read, bench.hook.create, bench.hook.update, bench.hook.restore):
        nothing("person", [])
    assert bench.hook.find("person", "emails", []) == {}
    assert bench.hook.requests_made.total() == 3


def test_counting_and_walking_by_prefix(bench):
    rows = [Write(new_id(), {"jobTitle": f"{'ab'[n % 2]}:{n}"}) for n in range(130)]
    bench.hook.create("person", rows)
    bench.control("edit", {"object": "person", "id": rows[0].id, "action": "delete"})
    assert bench.hook.count("person") == 129
    assert bench.hook.count("person", "jobTitle", "a:") == 64
    assert len(list(bench.hook.listing("person", "jobTitle", "a:"))) == 64
    walked = list(bench.hook.listing("person", "jobTitle", "a:", trashed=True))
    assert {s.id for s in walked if s.trashed} == {rows[0].id}
    assert {s.id for s in walked} == {r.id for r in rows[::2]}


def test_trashed_records_are_restored(bench):
    rows = [person(f"p{n}@x.example") for n in range(3)]
    bench.hook.create("person", rows)
    for row in rows:
        bench.control("edit", {"object": "person", "id": row.id, "action": "delete"})
    bench.hook.restore("person", [rows[0].id, rows[2].id])
    assert {s.id for s in bench.hook.listing("person")} == {rows[0].id, rows[2].id}


def test_an_update_without_an_id_never_leaves_the_house(bench):
    bench.hook.describe()
    bench.hook.requests_made.clear()
    with pytest.raises(ValueError, match="with an id"):
        bench.hook.update("person", [Write(None, {"jobTitle": "x"})])
    assert not bench.hook.requests_made


def test_what_is_too_large_for_one_call_is_refused_unsent(bench):
    rows = [Write(new_id(), {"jobTitle": "x" * 6_000_000}) for _ in range(2)]
    bench.hook.describe()
    bench.hook.requests_made.clear()
    with pytest.raises(Refused, match="10 MB"):
        bench.hook.create("person", rows)
    assert not bench.hook.requests_made


def stage(*options: tuple[str, str]) -> list[ObjectSpec]:
    field = FieldSpec("stage", T.SELECT, options=tuple(Option(*o) for o in options))
    return [ObjectSpec("opportunity", "", {"stage": field})]


def test_new_options_leave_the_old_ones_and_the_records_alone(bench):
    rows = [Write(new_id(), {"name": "A", "stage": s}) for s in ("NEW", "CUSTOMER")]
    bench.hook.create("opportunity", rows)
    before = bench.hook.schema.objects["opportunity"].raw["stage"]["options"]
    wanted = stage(("NEW", "New"), ("LOST", "Lost"), ("WON", "Won"))
    (change,) = bench.hook.ensure_schema(wanted, dry_run=False)
    assert (change.action, change.detail) == ("add_options", "LOST, WON")
    after = bench.hook.schema.objects["opportunity"].raw["stage"]["options"]
    named = [[(o["id"], o["value"], o["label"]) for o in found] for found in (before, after)]
    assert [option for option in named[1] if option in named[0]] == named[0]
    # New ones stand where the mapping's order wants them, old ones keep theirs.
    assert [o["value"] for o in after[:3]] == ["NEW", "LOST", "WON"]
    stored = bench.hook.read("opportunity", [r.id for r in rows])
    assert [stored[r.id].values["stage"] for r in rows] == ["NEW", "CUSTOMER"]
    assert bench.hook.ensure_schema(wanted, dry_run=False) == []


OWN = ["NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"]


def stages(bench) -> list[str]:
    bench.hook.describe()
    raw = bench.hook.schema.objects["opportunity"].raw["stage"]
    return [o["value"] for o in sorted(raw["options"], key=lambda o: o["position"])]


@pytest.mark.parametrize("read_size", [60, 2])
def test_options_go_that_no_record_has_not_even_a_trashed_one(bench, monkeypatch, read_size):
    bench.hook.ensure_schema(stage(("WON", "Won")), dry_run=False)
    known = [Write(new_id(), {"name": s, "stage": s}) for s in ("MEETING", "CUSTOMER", "CUSTOMER")]
    bench.hook.create("opportunity", known)
    bench.hook.trash("opportunity", [known[0].id])
    few = dataclasses.replace(bench.hook.capabilities, read_size=read_size)
    monkeypatch.setitem(vars(bench.hook), "capabilities", few)
    demand = {"default": "WON"}
    foretold = bench.hook.retire_options("opportunity", "stage", OWN, **demand, dry_run=True)
    assert stages(bench) == [*OWN, "WON"]
    assert bench.hook.retire_options("opportunity", "stage", OWN, **demand, dry_run=False) == (
        foretold
    )
    assert [(c.action, c.detail) for c in foretold] == [
        ("retire_options", "NEW, SCREENING, PROPOSAL"),
        ("keep_options", "MEETING, CUSTOMER"),
    ]
    assert stages(bench) == ["MEETING", "CUSTOMER", "WON"]
    stored = bench.hook.read("opportunity", [r.id for r in known])
    assert [stored[r.id].values["stage"] for r in known] == ["MEETING", "CUSTOMER", "CUSTOMER"]
    [new] = bench.hook.create("opportunity", [Write(new_id(), {"name": "By default"})])
    assert new.values["stage"] == "WON"
    [again] = bench.hook.retire_options("opportunity", "stage", OWN, **demand, dry_run=False)
    assert again.action == "keep_options"


def test_fields_and_relations_are_made_once_and_can_be_written(bench):
    fields = [
        FieldSpec("ownerId", T.USER, "Owner"),
        FieldSpec("sourceId", T.TEXT, "Source id", unique=True),
        FieldSpec("tags", T.MULTI_SELECT, "Tags", options=(Option("VIP", "V.I.P."),)),
        FieldSpec("parentId", T.REFERENCE, "Parent", references=("person",)),
    ]
    wanted = [ObjectSpec("person", "", {f.name: f for f in fields})]
    planned = bench.hook.ensure_schema(wanted, dry_run=True)
    assert "ownerId" not in bench.hook.describe()["person"].fields
    assert bench.hook.ensure_schema(wanted, dry_run=False) == planned
    assert [c.action for c in planned].count("create_relation") == 2
    assert bench.hook.ensure_schema(wanted, dry_run=False) == []
    described = bench.hook.describe()["person"].fields
    assert described["ownerId"].type is T.USER
    assert described["ownerId"].custom
    assert described["parentId"].references == ("person",)
    member = bench.hook.members()[0].id
    values = {"ownerId": member, "sourceId": "c-1", "tags": ["VIP"]}
    (stored,) = bench.hook.create("person", [Write(new_id(), values)])
    assert {k: stored.values[k] for k in values} == values
    with pytest.raises(Duplicate):
        bench.hook.create("person", [Write(new_id(), {"sourceId": "c-1"})])


def test_what_is_in_the_way_of_the_schema_is_told_at_once(bench):
    fields = {
        "jobTitle": FieldSpec("jobTitle", T.NUMBER),
        "boss": FieldSpec("boss", T.USER),
    }
    wanted = [ObjectSpec("person", "", fields), ObjectSpec("pipeline", "")]
    with pytest.raises(UserMistake) as caught:
        bench.hook.ensure_schema(wanted, dry_run=False)
    told = "\n".join(caught.value.findings)
    assert "person.jobTitle exists in Twenty as text, the mapping wants number" in told
    assert "call it bossId" in told
    assert "Twenty has no object pipeline" in told


def test_members_are_told_from_those_who_have_not_joined(bench):
    bench.control("invite", {"email": "New@Acme.example"})
    bench.control("join", {"email": "Bo@acme.example", "first": "Bo", "last": "Lee"})
    found = {m.email: m for m in bench.hook.members()}
    assert found["new@acme.example"].id is None
    assert found["bo@acme.example"].name == "Bo Lee"
    assert found["bo@acme.example"].id
    assert found["bo@acme.example"].active


def test_preflight_names_what_would_get_in_the_way(twenty):
    bench = twenty(demo_records=True)
    bench.control("automation", {"kind": "workflow", "event": "person.created"})
    bench.control("automation", {"kind": "webhook", "event": "person.created"})
    found = {f.check: f for f in bench.hook.preflight()}
    assert "Airbnb" in found["demo_records"].message
    assert "Brian Chesky" in found["demo_records"].message
    assert "person.created" in found["workflows"].message
    assert found["webhooks"].message.endswith(": 127.0.0.1")
    warned = {c for c, f in found.items() if f.severity is Severity.WARNING}
    assert warned == {"demo_records", "workflows", "webhooks"}


def test_preflight_of_a_quiet_workspace_finds_nothing_to_do(bench):
    assert {f.severity for f in bench.hook.preflight()} == {Severity.INFO}


def test_a_wrong_key_stops_before_anything_else(twenty):
    hook = twenty(key="wrong-key").hook
    with pytest.raises(Unauthorised):
        hook.describe()
    assert [f.severity for f in hook.preflight()] == [Severity.BLOCKER]
    assert hook.test_connection() == (False, "Token invalid.")


def test_the_tenant_is_the_workspace(bench):
    assert bench.hook.tenant().id == bench.hook.schema.workspace_id
    assert bench.hook.test_connection()[0]
