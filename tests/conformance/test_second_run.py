"""What a run leaves for the next one: nothing twice, nothing again, and nothing at all when dry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.core.staging import read_manifest
from airflow_crm_migration.emulators.messy import generate
from tests.support.emulated import emulated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.core.run import Run
    from airflow_crm_migration.emulators.messy import World
    from tests.support.emulated import Emulated, Record
    from tests.support.messy import MessyRun

pytestmark = pytest.mark.migration

SAMPLE = 24
MARKED = ("company", "person", "opportunity", "task", "note")
LOADED = (*MARKED, "attachment", "taskTarget", "noteTarget")


def reads_only(calls: dict[str, Any]) -> bool:
    """Tell whether nothing was asked for but reading; at /metadata reads are POSTs too."""
    reading = ("GET ", "POST /metadata currentWorkspace", "POST /metadata relations")
    reading += ("POST /metadata objects", "POST /metadata findWorkspaceInvitations")
    reading += tuple(f"POST /graphql {plural}" for plural in ("people", "companies"))
    return all(call.startswith(reading) for call in calls)


# -- a second full run ------------------------------------------------------------------------


@dataclass
class Second:
    """What a second full run asked and left."""

    requests: dict[str, Any]
    content: dict[str, list[Record]]
    run: Run


@pytest.fixture(scope="module")
def second(messy: MessyRun) -> Second:
    messy.between.control("reset-counters", body={})
    run = messy.between.migration.full()
    requests = messy.between.control("requests")
    return Second(requests, messy.between.content(), run)


def test_a_second_full_run_writes_nothing(messy: MessyRun, second: Second) -> None:
    assert reads_only(second.requests["calls"])
    assert not reads_only(messy.requests["calls"])
    assert second.content == messy.content


def test_a_second_full_run_asks_little(messy: MessyRun, second: Second) -> None:
    objects = len(messy.between.migration.phases(second.run))
    allowed = messy.requests["total"] // 100 + 3 * objects
    assert messy.requests["total"] > 500
    assert second.requests["total"] <= allowed


def test_a_second_full_run_finds_everything_done(messy: MessyRun, second: Second) -> None:
    first_time, again = (loaded(messy.between, run) for run in (messy.run, second.run))
    assert again.keys() == first_time.keys()
    done = {("created", "new"): ("unchanged", "same"), ("join", "created"): ("join", "unchanged")}
    for line, outcomes in first_time.items():
        assert {done.get(what, what): n for what, n in outcomes.items()} == again[line], line


# -- dry runs, a sample, then everything ------------------------------------------------------


def loaded(between: Emulated, run: Run) -> dict[str, dict[tuple[str, str], int]]:
    """Return line -> (outcome, reason) -> number, as a run's load says."""
    found: dict[str, dict[tuple[str, str], int]] = {}
    for phase in between.migration.phases(run):
        manifest = read_manifest(between.migration.staging, run.name(f"load/{phase}")) or {}
        for line, outcomes in manifest["outcomes"].items():
            for outcome, reasons in outcomes.items():
                found.setdefault(line, {}).update(
                    {(outcome, reason): number for reason, number in reasons.items()}
                )
        found[f"{phase} joins"] = {("join", o): n for o, n in manifest["joins"].items()}
    return found


@dataclass
class Step:
    """
    One run of several.

    :param before: what the workspace held
    :param after: what it held then
    """

    run: Run
    before: dict[str, list[Record]]
    after: dict[str, list[Record]]
    requests: dict[str, Any]
    outcomes: dict[str, dict[tuple[str, str], int]]


class Steps:
    """A dry sample, the sample, a dry full run, the full run."""

    def __init__(self, between: Emulated) -> None:
        self.between = between
        self.dry_sample = self._step(sample=SAMPLE, dry_run=True)
        self.sample = self._step(sample=SAMPLE)
        self.dry_full = self._step(dry_run=True)
        self.full = self._step()
        self.entries = between.entries(self.full.run)

    def _step(self, **how: Any) -> Step:
        before = self.between.content()
        self.between.control("reset-counters", body={})
        run = self.between.migration.full(**how)
        requests = self.between.control("requests")
        return Step(run, before, self.between.content(), requests, loaded(self.between, run))

    def chosen(self, object_name: str) -> set[str]:
        return set(self.sample.run.read("selection.json")[object_name])


CHOICES = {"company_from_domain": True, "manual_notes": "note"}


def world_with_strangers() -> World:
    """Return a messy world in which some contacts work where no company is known."""
    world = generate(11, 160)
    special = {i for g in (*world.truth.people, *world.truth.lookalike_people) for i in g.ids}
    plain = [c for c in world.contacts.values() if "@" in c.email and c.id not in special]
    for number, contact in enumerate(plain[:24]):
        contact.email = f"{contact.id}@stranger{number % 8}-example.com"
        contact.company_id, contact.company_name, contact.company_domain = None, "", ""
    return world


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    folder = tmp_path_factory.mktemp("steps")
    with emulated(world_with_strangers(), folder, choices=CHOICES) as between:
        yield Steps(between)


@pytest.mark.parametrize("name", ["dry_sample", "dry_full"])
def test_a_dry_run_leaves_the_destination_as_it_is(steps: Steps, name: str) -> None:
    step: Step = getattr(steps, name)
    assert step.after == step.before
    assert reads_only(step.requests["calls"])


@pytest.mark.parametrize(("dry", "real"), [("dry_sample", "sample"), ("dry_full", "full")])
def test_a_dry_run_predicts_the_run_that_follows(steps: Steps, dry: str, real: str) -> None:
    predicted, happened = getattr(steps, dry).outcomes, getattr(steps, real).outcomes
    assert predicted == happened


def test_a_sample_holds_every_stage_and_every_type(steps: Steps) -> None:
    world = steps.between.world
    sampled = {name: steps.chosen(name) for name in ("deal", "activity", "contact", "company")}
    stages = {" ".join(d.stage.split()).lower() for d in world.deals.values()}
    assert {" ".join(world.deals[d].stage.split()).lower() for d in sampled["deal"]} == stages
    kinds = {a.kind for a in world.activities.values()}
    assert {world.activities[a].kind for a in sampled["activity"]} == kinds
    sources = {c.source for c in world.contacts.values()}
    assert {world.contacts[c].source for c in sampled["contact"]} == sources
    industries = {c.industry for c in world.companies.values()}
    assert {world.companies[c].industry for c in sampled["company"]} == industries
    assert all(len(ids) < 120 for ids in sampled.values())


def test_a_sample_is_closed_over_its_links(steps: Steps) -> None:
    """What arrived with the sample is not touched again: nothing that it names came later."""
    for name in LOADED:
        after_all = {row["id"]: row for row in steps.full.after[name]}
        for row in steps.sample.after[name]:
            assert after_all[row["id"]] == row, name
    tasks = {row["id"] for row in steps.sample.after["task"]}
    links = [row for row in steps.full.after["taskTarget"] if row["taskId"] in tasks]
    sampled = {row["id"] for row in steps.sample.after["taskTarget"]}
    assert {row["id"] for row in links} == sampled
    assert len(tasks) > SAMPLE


def test_after_the_full_run_nothing_stands_twice(steps: Steps) -> None:
    for name in MARKED:
        ids = Counter(row["migrationSourceId"] for row in steps.full.after[name])
        assert set(ids.values()) == {1}
    targets = Counter(
        tuple(v for k, v in row.items() if k == "taskId" or k.startswith("target"))
        for row in steps.full.after["taskTarget"]
    )
    assert set(targets.values()) == {1}
    entries = Counter(e.key for e in steps.entries)
    assert set(entries.values()) == {1}
    made = {e.destination_id for e in steps.entries if e.outcome.in_destination}
    assert len(made) == sum(len(steps.full.after[name]) for name in (*MARKED, "attachment"))
    domains = Counter(row["domainName"]["primaryLinkUrl"] for row in steps.full.after["company"])
    assert {number for domain, number in domains.items() if domain} == {1}
    assert sum(domain.startswith("https://stranger") for domain in domains) == 8


def test_a_shared_mailbox_stands_with_one_person_whatever_came_first(steps: Steps) -> None:
    people = steps.full.after["person"]
    addresses = Counter(person["emails"]["primaryEmail"] for person in people)
    assert steps.between.world.truth.shared_mailboxes
    for address in steps.between.world.truth.shared_mailboxes:
        assert addresses[address] == 1
