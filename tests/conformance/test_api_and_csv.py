"""One customer by API and CSV, and by CSV alone: the same content in Twenty.

Ids are made of workspace, engagement and source id, so two workspaces of one id hold the same ids.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.emulators.messy import generate
from airflow_crm_migration.emulators.messy.world import Note, Parent
from tests.support.customer import at, customer
from tests.support.delta import Working
from tests.support.emulated import emulated
from tests.support.faulty.klipy_to_twenty import told

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.emulators.messy import World
    from tests.support.emulated import Emulated, Record

pytestmark = pytest.mark.migration

WORKSPACE = "3f0c9b1e-6c0a-4f5e-9d3a-2b7c8d9e0f10"
LOADED = ("company", "person", "opportunity", "task", "attachment", "taskTarget")
MADE_BY_THE_SERVER = ("updatedBy", "searchVector", "file")
ENDS = ("taskId", "targetPersonId", "targetCompanyId", "targetOpportunityId")
"""All of a taskTarget that is ours; its times and its position are the server's."""


@dataclass(frozen=True)
class Difference:
    """
    What API and CSV together bring and CSV alone cannot.

    :param object: that has the records
    :param told: reads from the world the source ids (of taskTargets: pairs of them)
    """

    object: str
    reason: str
    told: Callable[[World], set[Any]]


def _activities_with(world: World, column: str, wanted: Callable[[str], bool]) -> set[Any]:
    return {
        (activity.id, other)
        for activity in world.activities.values()
        for other in getattr(activity, column)
        if wanted(other)
    }


def _undated(world: World) -> set[Any]:
    cells = world.truth.bad_cells
    return {c.source_id for c in cells if (c.object, c.field) == ("activity", "at")}


def _all_links(world: World) -> set[Any]:
    chosen = [world.activities[a] for a in _undated(world)]
    return {(a.id, o) for a in chosen for o in (*a.contact_ids, *a.company_ids, a.deal_id) if o}


DIFFERENCES = (
    Difference(
        "task",
        "the date is not readable in the file, and the API gives it",
        _undated,
    ),
    Difference("taskTarget", "links of these activities", _all_links),
    Difference(
        "taskTarget",
        "a file names companies by domain, the API by id: this one has no domain, or that of a "
        "mail provider, which names nobody",
        lambda world: _activities_with(
            world,
            "company_ids",
            lambda c: not world.companies[c].domain or c in world.truth.free_mail_companies,
        ),
    ),
    Difference(
        "taskTarget",
        "a file names people by e-mail, the API by id: several people share this mailbox",
        lambda world: _activities_with(
            world,
            "contact_ids",
            lambda p: any(p in users for users in world.truth.shared_mailboxes.values()),
        ),
    ),
)

FIELD_DIFFERENCES = {
    ("person", f"klipyCompany{name}"): "the API gives it with a contact, no file has the column"
    for name in ("Industry", "Size", "Revenue")
}
"""(Object, field) -> why API and CSV together bring it and CSV alone does not."""


class Moved:
    """What a run made of a customer."""

    def __init__(self, between: Emulated) -> None:
        self.run: Run = between.migration.full()
        content = between.content()
        self.records = {
            name: {row["id"]: _own(name, row, content) for row in content[name]} for name in LOADED
        }
        self.source_ids = {
            row["id"]: (row.get("migrationSourceId") or "").rpartition(":")[2]
            for name in LOADED
            for row in content[name]
        }
        self.outcomes = {
            entry.key: (str(entry.outcome), entry.last["reason"])
            for entry in between.entries(self.run)
        }
        gate = Gate(between.migration.engagement, "mapping", between.migration.environment)
        proposal = read_proposal(between.migration.staging, gate)
        assert proposal is not None
        self.evidence = proposal.evidence
        self.route = {row["object"]: row["route"] for row in self.run.read("probe.json")}

    def named(self, object_name: str, record_id: str) -> Any:
        """Return the source id of a record, of a taskTarget those of both ends."""
        if object_name != "taskTarget":
            return self.source_ids[record_id]
        row = self.records[object_name][record_id]
        return tuple(self.source_ids[row[end]] for end in ENDS if row[end])


def _own(name: str, row: Record, content: dict[str, list[Record]]) -> Record:
    """Return what we wrote of a record, with members by e-mail and files by content."""
    if name == "taskTarget":
        return {end: row[end] for end in ENDS}
    members = {m["id"]: m["userEmail"] for m in content["workspaceMember"]}
    files = {f["id"]: f["sha256"] for f in content["files"]}
    own = {key: value for key, value in row.items() if key not in MADE_BY_THE_SERVER}
    own |= {key: members[row[key]] for key in row if key.endswith("Id") and row[key] in members}
    if name == "attachment":
        own["bytes"] = [(f["label"], files[f["fileId"]]) for f in row["file"]]
    return {key: told(value) for key, value in own.items()}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(5, 300)


@pytest.fixture(scope="module")
def both(world: World, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    with emulated(world, tmp_path_factory.mktemp("both"), workspace_id=WORKSPACE) as between:
        return Moved(between)


@pytest.fixture(scope="module")
def csv_alone(world: World, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    folder = tmp_path_factory.mktemp("csv")
    with emulated(world, folder, api=False, workspace_id=WORKSPACE) as between:
        return Moved(between)


def test_klipy_was_read_by_both_ways(both: Moved, csv_alone: Moved) -> None:
    ways = Counter(both.route.values())
    assert ways == {"api+csv": 3, "csv": 4}
    assert set(csv_alone.route.values()) == {"csv"}
    assert both.run.read("extract/contact/manifest.json")["counts"]["both"] == 300


@pytest.mark.parametrize("name", LOADED)
def test_the_same_records_arrive(name: str, both: Moved, csv_alone: Moved, world: World) -> None:
    listed = set().union(*(d.told(world) for d in DIFFERENCES if d.object == name))
    more = both.records[name].keys() - csv_alone.records[name].keys()
    less = csv_alone.records[name].keys() - both.records[name].keys()
    assert not {csv_alone.named(name, i) for i in less}
    assert {both.named(name, i) for i in more} <= listed


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda d: d.reason[:30])
def test_every_listed_difference_is_one(
    difference: Difference, both: Moved, csv_alone: Moved, world: World
) -> None:
    name = difference.object
    more = both.records[name].keys() - csv_alone.records[name].keys()
    assert difference.told(world) & {both.named(name, i) for i in more}


@pytest.mark.parametrize("name", LOADED)
def test_records_agree_field_by_field(name: str, both: Moved, csv_alone: Moved) -> None:
    one, other = both.records[name], csv_alone.records[name]
    shared = one.keys() & other.keys()
    assert shared
    different = [
        (both.named(name, i), field, one[i].get(field), other[i].get(field))
        for i in shared
        for field in one[i].keys() | other[i].keys()
        if (name, field) not in FIELD_DIFFERENCES
        if one[i].get(field) != other[i].get(field)
    ]
    assert not different


@pytest.mark.parametrize(("name", "field"), FIELD_DIFFERENCES)
def test_every_listed_field_comes_with_the_api_alone(
    name: str, field: str, both: Moved, csv_alone: Moved
) -> None:
    assert any(row[field] for row in both.records[name].values())
    assert not any(row[field] for row in csv_alone.records[name].values())


def test_the_outcomes_agree(both: Moved, csv_alone: Moved, world: World) -> None:
    different = {
        key.source_id
        for key in both.outcomes.keys() | csv_alone.outcomes.keys()
        if both.outcomes.get(key) != csv_alone.outcomes.get(key)
    }
    assert different == _undated(world)


# -- what each way lacks ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_twins() -> World:
    """Return the small customer without the second record of one person."""
    world = customer()
    del world.contacts["p2"]
    return world


def test_rows_without_an_id_enrich_what_the_api_gives_by_e_mail(
    without_twins: World, tmp_path: Path
) -> None:
    ignore = {"aliases": {"contact": {"Contact ID": "ignore"}}}
    found = []
    for number, csv in enumerate(({}, ignore)):
        folder = tmp_path / str(number)
        with emulated(without_twins, folder, csv=csv, workspace_id=WORKSPACE) as between:
            found.append(Moved(between))
    by_id, by_email = found
    assert by_email.run.read("extract/contact/manifest.json")["counts"]["both"] == 4
    assert by_email.records == by_id.records
    [person] = [p for p in by_email.records["person"].values() if "Grace" in p["name"].values()]
    assert person["ownerId"] == "dana@vendor-example.com"
    assert len(person["klipyTags"]) == 3


def test_what_neither_way_gives_is_listed(without_twins: World, tmp_path: Path) -> None:
    with emulated(without_twins, tmp_path) as between:
        for name in ("contacts.csv", "activities.csv"):
            (tmp_path / "inbox" / name).unlink()
        moved = Moved(between)
    absent = moved.evidence["absent"]
    assert {"owner", "tags", "phone", "created_at", "updated_at"} <= set(absent["contact"])
    assert {"deal_id", "created_by", "duration", "disposition"} <= set(absent["activity"])
    assert not set(absent["contact"]) & {"first_name", "last_name", "email", "company", "linkedin"}
    assert absent["deal"] == ["tags"]  # they come with tags.csv
    people = moved.records["person"].values()
    assert len(people) == 4
    assert all(person["ownerId"] is None for person in people)
    # An activity still says who made it, by the only name that the API has.
    assert {task["createdBy"]["name"] for task in moved.records["task"].values()} >= {"u1"}


def test_a_file_alone_takes_away_nothing_that_the_api_brought(
    without_twins: World, tmp_path: Path
) -> None:
    world = deepcopy(without_twins)
    world.companies["c2"].domain = ""
    world.activities["a1"].company_ids = ["c1", "c2"]
    world.notes["n9"] = Note("n9", "u1", at(5), Parent("activity", "a1"), "About the call")
    with emulated(world, tmp_path) as between:
        working = Working(between)
        working.full()
        before = {name: between.records(name) for name in ("person", "taskTarget")}
        named_by_id = working.record("company", "c2")["id"]
        assert sum(row["targetCompanyId"] == named_by_id for row in before["taskTarget"]) == 2
        assert any(person["klipyCompanyIndustry"] for person in before["person"])
        between.migration.source = None
        world.contacts["p3"].title = "Came later"
        working.delta()
        assert working.record("person", "p3")["jobTitle"] == "Came later"
        assert ids(between.records("taskTarget")) == ids(before["taskTarget"])
        for name in ("klipyCompanyIndustry", "klipyCompanySize", "klipyCompanyRevenue"):
            kept = {person["id"]: person[name] for person in between.records("person")}
            assert kept == {person["id"]: person[name] for person in before["person"]}


def ids(records: list[Record]) -> set[str]:
    return {record["id"] for record in records}
