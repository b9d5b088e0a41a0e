"""A customer's migration from the first full run to the way back: one run per mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_crm_migration.core.gates import Gate
from airflow_crm_migration.core.signoff import last_record
from airflow_crm_migration.emulators.klipy import write_export
from airflow_crm_migration.hooks.signing import signing_keyring
from demo.customer import Customer
from demo.emulators import TWENTY_KEY
from demo.engagement import engagement
from tests.dags.conftest import crms, engaged
from tests.support.customer import at, customer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_crm_migration.emulators.messy import World
    from demo.emulators import Emulators
    from tests.support.dags import Ended, Engaged

pytestmark = pytest.mark.migration

ENGAGEMENT = "all-modes"
HEADERS = {"Authorization": f"Bearer {TWENTY_KEY}"}
PERSON = f"{ENGAGEMENT}:person:p3"


@dataclass
class Life:
    """
    An engagement that is taken through its modes one after the other.

    :param told: what the customer did at the gates, over all runs
    """

    case: Engaged
    crms: Emulators
    folder: Path
    told: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.crms.world

    def run(self, mode: str, **params: Any) -> Ended:
        """Run a mode with the customer at the gates."""
        with Customer(self.case.file, self.crms, self.told.append, pause=0.05):
            return self.case.run(mode=mode, environment="sandbox", **params)

    def export(self) -> None:
        """Let the customer export everything anew."""
        write_export(self.world, self.folder / "export")
        for file in sorted(p for p in (self.folder / "export").rglob("*") if p.is_file()):
            name = f"inbox/{file.relative_to(self.folder / 'export')}"
            self.case.staging.write_bytes(name, file.read_bytes())

    def people(self) -> list[dict[str, Any]]:
        """Ask Twenty for all people."""
        url = f"{self.crms.twenty}/rest/people"
        found = requests.get(url, headers=HEADERS, timeout=60).json()["data"]["people"]
        return [dict(person) for person in found]

    def person(self) -> dict[str, Any]:
        [found] = [p for p in self.people() if p["migrationSourceId"] == PERSON]
        return found

    def edit(self, **values: Any) -> None:
        """Let somebody change the person in Twenty."""
        url = f"{self.crms.twenty}/rest/people/{self.person()['id']}"
        assert requests.patch(url, json=values, headers=HEADERS, timeout=60).ok


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("modes")
    with crms(customer()) as running:
        url = f"file://{folder}/staging"
        content = engagement(url, running, poll_seconds=0.1, id=ENGAGEMENT)
        life = Life(engaged(folder, content), running, folder)
        life.export()
        yield life


@pytest.fixture(scope="module")
def before(life: Life) -> dict[str, dict[str, Any]]:
    """What Twenty held before any run."""
    return {person["id"]: person for person in life.people()}


@pytest.fixture(scope="module")
def full(life: Life, before: Any) -> Ended:
    return life.run("full")


@pytest.fixture(scope="module")
def delta(life: Life, full: Ended) -> Ended:
    """A night after both sides were at work, of which nobody has to sign anything."""
    life.world.contacts["p3"].title = "Head of Chess"
    life.world.contacts["p3"].tags = ["vip", "brand new"]
    life.edit(linkedinLink={"primaryLinkUrl": "https://linkedin.com/in/sam"})
    life.export()
    life.told.clear()
    return life.case.run(mode="delta", environment="sandbox")


@pytest.fixture(scope="module")
def validated(life: Life, delta: Ended) -> Ended:
    return life.case.run(mode="validate", environment="sandbox")


@pytest.fixture(scope="module")
def cutover(life: Life, validated: Ended) -> Ended:
    life.world.contacts["p3"].title = "Grandmaster"
    life.world.contacts["p3"].updated_at = at(28)
    frozen_at = datetime.now(UTC) - timedelta(seconds=1)  # file systems' clocks are coarser
    life.export()
    return life.run("cutover", frozen_at=frozen_at.isoformat())


def test_what_stands_on_a_full_run_is_refused_before_there_is_one(life: Life, before: Any) -> None:
    for mode, words in [("delta", "run mode full first"), ("rollback", "nothing was ever loaded")]:
        ended = life.case.run(mode=mode, environment="sandbox")
        assert ended.state == "failed"
        assert ended.failed == ["sandbox.choose_work", "verdict"]
        assert any(words in line for line in ended.log.errors())
    assert {person["id"] for person in life.people()} == set(before)


def test_a_full_run_loads_and_does_nothing_else(full: Ended) -> None:
    assert full.state == "success", full.log.errors()
    skipped = {name for name, state in full.tasks.items() if state == "skipped"}
    assert {"sandbox.validate", "sandbox.propose_cutover", "sandbox.sign_cutover"} <= skipped
    assert full.tasks["sandbox.person.reconcile"] == "success"


def test_a_delta_brings_what_changed_and_waits_for_nobody(life: Life, delta: Ended) -> None:
    assert delta.state == "success", delta.log.errors()
    person = life.person()
    assert person["jobTitle"] == "Head of Chess"
    assert person["linkedinLink"]["primaryLinkUrl"] == "https://linkedin.com/in/sam"
    assert any("this run goes by what was signed" in line for line in delta.log.lines)
    assert not any("sign" in line for line in life.told)


def test_a_validation_reads_no_source_and_writes_nothing(validated: Ended) -> None:
    assert validated.state == "success", validated.log.errors()
    done = {name for name, state in validated.tasks.items() if state == "success"}
    assert {"sandbox.validate", "deliver", "verdict"} <= done
    assert not {name for name in done if name.startswith("extract.") or name.endswith(".load")}


def test_a_cutover_ends_signed_after_the_last_delta(life: Life, cutover: Ended) -> None:
    assert cutover.state == "success", cutover.log.errors()
    assert life.person()["jobTitle"] == "Grandmaster"
    record = last_record(
        life.case.staging, signing_keyring(), Gate(ENGAGEMENT, "cutover", "sandbox")
    )
    assert record is not None
    assert "frozen_at" in record.decisions
    order = [cutover.log.wait_for(w) for w in ("load person", "cutover .sandbox.: signed by")]
    assert order == sorted(order)


@pytest.fixture(scope="module")
def undone(life: Life, cutover: Ended) -> Ended:
    """Take all of it back; somebody has worked on one record since."""
    life.edit(jobTitle="Edited by hand")
    return life.run("rollback")


def test_a_rollback_is_signed_first_and_leaves_what_was_there(
    life: Life, before: dict[str, dict[str, Any]], undone: Ended
) -> None:
    assert undone.state == "success", undone.log.errors()
    forecast = undone.log.wait_for("rollback .sandbox.: waiting")
    undone.log.wait_for("rollback .sandbox.: signed by", after=forecast)
    left = {person["id"]: person for person in life.people()}
    assert set(before) <= set(left)
    assert {p["migrationSourceId"] for i, p in left.items() if i not in before} == {PERSON}
    assert life.person()["jobTitle"] == "Edited by hand"
