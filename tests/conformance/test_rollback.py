"""A full run and two later ones, taken back from a workspace in which people work all the time."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.mapping import parse_mapping
from airflow_crm_migration.core.pairs import pair_file
from airflow_crm_migration.core.steps import mapping as mapping_step
from airflow_crm_migration.emulators.messy import generate
from tests.support.emulated import PLURALS, Emulated, emulated
from tests.support.rolling_back import Died, Mortal, Rollback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.mapping import Mapping as PairMapping
    from airflow_crm_migration.emulators.messy import World
    from airflow_crm_migration.emulators.messy.world import Contact
    from tests.support.emulated import Record

pytestmark = pytest.mark.migration

BATCH = 60
OLD = "2019-05-06T07:08:09.000Z"
OF_THE_SERVER = {"searchVector", "updatedBy"}
SILENT = {"timelineActivity", "workspaceMember", "files"}
OBJECTS = [name for name in PLURALS if name not in SILENT]
MARK = "migrationSourceId"
PLAIN = re.compile(r"(?!www\.)[a-z0-9-]+\.[a-z]+")


def updating_pair() -> PairMapping:
    """Return the pair as it ships, but for people who were there before: they are updated."""
    text = pair_file("klipy_to_twenty").read_text(encoding="utf-8")
    old, new = "{by: emails, policy: link}", "{by: emails, policy: update}"
    assert text.count(old) == 1
    return parse_mapping(text.replace(old, new), "klipy_to_twenty.yaml")


def plain_contacts(world: World) -> list[Contact]:
    """Return contacts that are what they seem: nobody's duplicate, with an address of their own."""
    doubles = {i for g in (*world.truth.people, *world.truth.lookalike_people) for i in g.ids}
    shared = set(world.truth.shared_mailboxes)
    addresses = Counter(c.email.strip().lower() for c in world.contacts.values())
    return [
        c
        for c in world.contacts.values()
        if c.id not in doubles
        and c.email == c.email.strip().lower()
        and "@" in c.email
        and c.email not in shared
        and addresses[c.email] == 1
    ]


@dataclass
class Scene:
    """
    A workspace before, during and after.

    :param before: what the workspace held before us
    :param loaded: what it held after the last load
    :param edited: what people made of it, right before the rollback
    :param after: what the rollback left
    :param ours: what people did to -> id of that record of ours
    :param theirs: what it is -> id of a record of people's
    """

    between: Emulated
    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, str] = field(default_factory=dict)
    before: dict[str, list[Record]] = field(default_factory=dict)
    loaded: dict[str, list[Record]] = field(default_factory=dict)
    edited: dict[str, list[Record]] = field(default_factory=dict)
    after: dict[str, list[Record]] = field(default_factory=dict)
    done: dict[str, dict[str, int]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    back: Rollback | None = None

    def made(self, what: str, object_name: str, **record: Any) -> str:
        """Make a record as people do."""
        body = {"object": object_name, "record": record}
        self.theirs[what] = self.between.control("person-made", body=body)["id"]
        return self.theirs[what]

    def edit(self, object_name: str, record_id: str, **record: Any) -> None:
        body = {"object": object_name, "id": record_id, "record": record}
        self.between.control("edit", body=body)

    def remove(self, object_name: str, record_id: str, action: str = "delete") -> None:
        body = {"object": object_name, "id": record_id, "action": action}
        self.between.control("edit", body=body)

    def content(self) -> dict[str, list[Record]]:
        found = self.between.content()
        return {name: rows for name, rows in found.items() if name not in SILENT}


# -- what happens -----------------------------------------------------------------------------


def before_us(scene: Scene, contacts: list[Contact]) -> None:
    """Fill the workspace with people whom we will link, update and take out of the trash."""
    domains = Counter(c.domain.lower() for c in scene.between.world.companies.values())
    domain = next(d for d, times in domains.items() if times == 1 and PLAIN.fullmatch(d))
    office = scene.made(
        "company", "company", name="As it was", createdAt=OLD, updatedAt=OLD,
        domainName={"primaryLinkUrl": f"https://{domain}"},
    )  # fmt: skip
    for number, contact in enumerate(contacts[:4]):
        scene.made(
            f"person {number}", "person",
            name={"firstName": "As", "lastName": f"it was {number}"},
            emails={"primaryEmail": contact.email, "additionalEmails": ["old@x.example"]},
            jobTitle=f"Title {number}", companyId=office, createdAt=OLD, updatedAt=OLD,
        )  # fmt: skip
    scene.remove("person", scene.theirs["person 3"])
    person = scene.theirs["person 0"]
    scene.made("deal", "opportunity", name="Theirs", pointOfContactId=person, companyId=office)
    note = scene.made("note", "note", title="Before us")
    scene.made("link", "noteTarget", noteId=note, targetPersonId=person)


def change_the_source(world: World, contacts: list[Contact], number: int) -> None:
    """Let the customer work in the source for a while."""
    later = timedelta(days=30 * number)
    for contact in (*contacts[:4], *contacts[10:16]):
        contact.title = f"Promoted {number}"
        contact.updated_at += later
    for deal in list(world.deals.values())[:5]:
        deal.next_step = f"Step {number}"
        deal.updated_at += later


def work_there(scene: Scene) -> None:
    """Let people work in the destination with what arrived."""
    task, deal, company, people = unrelated(scene)
    edited, noted, listed, trashed, destroyed = people[:5]
    scene.ours = {
        "edited": edited, "noted": noted, "listed": listed, "trashed": trashed,
        "destroyed": destroyed, "company": company, "task": task, "deal": deal,
    }  # fmt: skip
    scene.edit("person", edited, jobTitle="By hand")
    note = scene.made("note on ours", "note", title="Called")
    scene.made("link to ours", "noteTarget", noteId=note, targetPersonId=noted)
    scene.made("list", "messageList", name="Newsletter")
    scene.made(
        "member", "messageListMember", listId=scene.theirs["list"], personId=listed
    )  # fmt: skip
    todo = scene.made("task on ours", "task", title="Visit")
    scene.made("link to company", "taskTarget", taskId=todo, targetCompanyId=company)
    scene.made("file on ours", "attachment", name="x.pdf", targetOpportunityId=deal)
    scene.edit("task", task, title="By hand")
    scene.remove("person", trashed)
    scene.remove("person", destroyed, "destroy")
    scene.edit("person", scene.theirs["person 1"], jobTitle="By hand")


def unrelated(scene: Scene) -> tuple[str, str, str, list[str]]:
    """Return a task, a deal, a company and people of ours of which none refers to another."""
    taken = set(scene.theirs.values())

    def free(object_name: str, line: str = "") -> Iterator[str]:
        for _, record in sorted(scene.between.arrived(object_name, line).items()):
            refers = parents(record) | links.get(record["id"], set())
            if not taken & {record["id"], *refers}:
                taken.update({record["id"], *refers})
                yield record["id"]

    links: dict[str, set[str]] = {}
    for row in scene.loaded["taskTarget"]:
        links.setdefault(row["taskId"], set()).update(parents(row))
    task, deal = next(free("task", "activity")), next(free("opportunity"))
    company = next(free("company"))
    return task, deal, company, list(free("person"))


def parents(record: Record) -> set[str]:
    columns = ("companyId", "pointOfContactId", "targetPersonId", "targetCompanyId")
    return {record[c] for c in (*columns, "targetOpportunityId") if record.get(c)}


def roll_back(scene: Scene) -> None:
    """Forecast, sign, undo, die half-way and go on."""
    migration = scene.between.migration
    run = migration.new_run()
    signed_mapping = mapping_step.load(migration.signed(_mapping_gate(scene)))
    back = Rollback(run, migration.hook(), signed_mapping, migration.pair.phases)
    back.forecast()
    signed = back.sign()
    scene.between.control("reset-counters", body={})
    with pytest.raises(Died):
        back.undo(signed, Mortal(migration.hook(), "delete", 4, "after"))
    scene.done = back.undo(signed, migration.hook())
    calls = scene.between.control("requests")["calls"]
    scene.calls = {name: sum(times.values()) for name, times in calls.items()}
    assert back.result() == scene.done
    scene.back = back


def _mapping_gate(scene: Scene) -> Any:
    from airflow_crm_migration.core.gates import Gate

    return Gate(scene.between.migration.engagement, "mapping", "sandbox")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    world = generate(11, 120)
    contacts = plain_contacts(world)
    folder = tmp_path_factory.mktemp("rollback")
    with emulated(world, folder, pair=updating_pair()) as between:
        scene = Scene(between)
        before_us(scene, contacts)
        scene.before = scene.content()
        between.migration.full()
        for number in (1, 2):
            change_the_source(world, contacts, number)
            between.migration.full()
        scene.loaded = scene.content()
        work_there(scene)
        scene.edited = scene.content()
        roll_back(scene)
        scene.after = scene.content()
        yield scene


# -- what stays -------------------------------------------------------------------------------


def by_id(rows: list[Record]) -> dict[str, Record]:
    return {row["id"]: row for row in rows}


def blank(value: Any) -> bool:
    if isinstance(value, dict):
        return all(blank(v) for v in value.values())
    return value in (None, "", [])


def differences(before: Record, after: Record, without: set[str]) -> dict[str, Any]:
    """Return the fields that differ; one that was made since must be blank."""
    return {
        name: (before.get(name), value)
        for name, value in after.items()
        if name not in OF_THE_SERVER | without
        and (value != before[name] if name in before else not blank(value))
    }


def test_the_loads_changed_what_was_there(scene: Scene) -> None:
    loaded = by_id(scene.loaded["person"])
    for number in range(4):
        person = loaded[scene.theirs[f"person {number}"]]
        assert person["jobTitle"] == "Promoted 2"
        assert person["deletedAt"] is None
        assert person[MARK]
    assert scene.done["company"]["release"] == 1
    assert len(scene.loaded["task"]) > 2 * BATCH
    assert len(scene.loaded["attachment"]) > 5


def test_what_was_there_is_as_it_was(scene: Scene) -> None:
    edited = scene.theirs["person 1"]
    for name, rows in scene.before.items():
        after = by_id(scene.after[name])
        for row in rows:
            trashed = {"updatedAt", "deletedAt"} if row["deletedAt"] else set()
            mine = {"jobTitle", "updatedAt"} if row["id"] == edited else set()
            assert differences(row, after[row["id"]], trashed | mine) == {}, name
            assert (after[row["id"]]["deletedAt"] is None) == (row["deletedAt"] is None)
    assert by_id(scene.after["person"])[edited]["jobTitle"] == "By hand"


def test_what_people_worked_on_stays_and_is_listed(scene: Scene) -> None:
    assert scene.back is not None
    kept: dict[str, dict[str, Any]] = {}
    for phase in scene.back.phases:
        rows = scene.back.rows("undone", phase)
        kept |= {i: r for i, r in rows.items() if r["fate"] == "keep"}
    reasons = {
        what: kept.get(record_id, {}).get("reason") for what, record_id in scene.ours.items()
    }
    assert reasons == {
        "edited": "edited_since", "noted": "has_foreign_children",
        "listed": "has_foreign_children", "company": "has_foreign_children",
        "task": "edited_since", "deal": "has_foreign_children",
        "trashed": None, "destroyed": None,
    }  # fmt: skip
    everywhere = {
        i: (name, row) for name, rows in scene.edited.items() for i, row in by_id(rows).items()
    }
    for record_id, row in kept.items():
        name, before = everywhere[record_id]
        assert by_id(scene.after[name])[record_id] == before
        if row["reason"] == "child_kept":
            assert all(child in kept or child in linked(scene) for _, child in row["children"])


def linked(scene: Scene) -> set[str]:
    return {row["id"] for name in ("taskTarget", "noteTarget") for row in scene.after[name]}


def test_everything_else_is_gone(scene: Scene) -> None:
    """Asked by plain requests, the trash too; what links kept records stays with them."""
    assert scene.back is not None
    allowed = set(scene.theirs.values())
    for phase in scene.back.phases:
        rows = scene.back.rows("undone", phase).values()
        allowed |= {row["id"] for row in rows if row["fate"] == "keep"}
    for name in OBJECTS:
        everything = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"
        found = {r["id"]: r for r in pages(scene.between, PLURALS[name], everything)}
        others = {i: row for i, row in found.items() if i not in allowed}
        if name.endswith("Target"):
            owner = f"{name.removesuffix('Target')}Id"
            others = {i: row for i, row in others.items() if row[owner] not in allowed}
        assert others == {}, name


def pages(between: Emulated, plural: str, wanted: str) -> Iterator[Record]:
    params: dict[str, Any] = {"limit": 200, "filter": wanted}
    while True:
        page = between.ask(plural, **params)
        yield from page["data"][plural]
        if not page["pageInfo"]["hasNextPage"]:
            return
        params["starting_after"] = page["pageInfo"]["endCursor"]


def test_a_kept_record_keeps_everything_that_it_refers_to(scene: Scene) -> None:
    live = {r["id"] for rows in scene.after.values() for r in rows if r["deletedAt"] is None}
    before = {i: r for rows in scene.edited.values() for i, r in by_id(rows).items()}
    columns = ("companyId", "pointOfContactId", "taskId", "noteId", "targetPersonId")
    for rows in scene.after.values():
        for row in rows:
            for column in columns:
                assert row.get(column) is None or row[column] in live, column
                if row["id"] not in scene.theirs.values():
                    assert row.get(column) == before[row["id"]].get(column)


def test_the_mark_is_on_nothing_but_what_was_kept(scene: Scene) -> None:
    assert scene.back is not None
    for phase in scene.back.phases:
        kept = {i for i, row in scene.back.rows("undone", phase).items() if row["fate"] == "keep"}
        marked = {row["id"] for row in scene.after[phase] if row.get(MARK)}
        assert marked <= kept, phase


def test_deletes_cost_no_more_than_full_batches(scene: Scene) -> None:
    """Killed after a deletion whose result was not told, and gone on."""
    deleting = {n: times for n, times in scene.calls.items() if "destroy" in n or "DELETE" in n}
    assert deleting
    for name, times in deleting.items():
        plural = name.rpartition(" ")[2].removeprefix("destroy")
        phase = next(p for p, many in PLURALS.items() if many.lower() == plural.lower())
        assert times <= ceil(scene.done[phase]["delete"] / BATCH), name
    records = sum(counts.get("delete", 0) for counts in scene.done.values())
    assert records > 4 * BATCH
    assert sum(deleting.values()) <= ceil(records / BATCH) + len(deleting)


def test_no_other_request_was_made_than_was_forecast(scene: Scene) -> None:
    assert scene.back is not None
    forecast = scene.back.staging.read_json(f"{scene.back.run.folder}/rollback/forecast.json")
    promised = forecast["evidence"]["requests"]
    asked = sum(scene.calls.values())
    twice = promised["open"] + 2  # it died once, and went through the phases again
    assert asked <= sum(promised.values()) - promised["check"] + twice


def test_the_forecast_asks_once_for_every_batch(scene: Scene) -> None:
    """What we know to hang on a record is not listed again, page after page."""
    assert scene.back is not None
    forecast = scene.back.staging.read_json(f"{scene.back.run.folder}/rollback/forecast.json")
    batches = sum(ceil(sum(counts.values()) / BATCH) for counts in scene.done.values())
    few = 2 * len(scene.back.phases) + 6
    assert forecast["evidence"]["requests of the forecast"] <= 2 * batches + few


def test_a_run_after_it_works_and_can_be_taken_back_too(scene: Scene) -> None:
    """Last: it changes the workspace that the other tests look at."""
    migration = scene.between.migration
    migration.full()
    people = by_id(scene.content()["person"])
    for number in range(4):
        assert people[scene.theirs[f"person {number}"]][MARK]
    signed_mapping = mapping_step.load(migration.signed(_mapping_gate(scene)))
    back = Rollback(migration.new_run(), migration.hook(), signed_mapping, migration.pair.phases)
    assert back.whole()["person"]["keep"] >= 3
    again = scene.content()
    for name, rows in scene.after.items():
        assert by_id(again[name]).keys() == by_id(rows).keys(), name
