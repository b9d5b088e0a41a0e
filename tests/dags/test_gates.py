"""What stops a run, what lets it go on, and how it ends when it cannot."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from airflow_crm_migration.core.gates import Gate, read_proposal
from airflow_crm_migration.emulators import twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.klipy import write_export
from demo.emulators import TWENTY_KEY, address, count, join
from demo.engagement import GATES, PAIR, csv_formats
from tests.dags.conftest import RATE_LIMITS, SCALE, connect, engaged
from tests.support import gates
from tests.support.customer import customer
from tests.support.dags import PATIENCE, Ended, Engaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from airflow_crm_migration.emulators.base import RunningEmulator
    from tests.support.dags import Log, Script

pytestmark = pytest.mark.migration

SCOPE = Gate("acme", "scope")
DUPLICATES = Gate("acme", "duplicates")
REHEARSAL = Gate("acme", "rehearsal", "production")
MAPPINGS = {e: Gate("acme", "mapping", e) for e in ("sandbox", "production")}
STRANGER = "Noor Haddad"
DAY = 86400


@dataclass(frozen=True)
class Rehearsed:
    """
    An engagement that was loaded whole into the sandbox.

    :param ended: how that went
    """

    case: Engaged
    ended: Ended
    sandbox: RunningEmulator
    folder: Path

    def copy(self, folder: Path) -> Engaged:
        """Return the engagement as it is now, for a test of its own."""
        shutil.copytree(self.folder / "staging", folder / "staging")
        content = yaml.safe_load(self.case.file.read_text())
        return engaged(folder, {**content, "staging": {"url": f"file://{folder}/staging"}})


def serve(stack: ExitStack) -> RunningEmulator:
    """Start a workspace in which one owner of records is no member."""
    members = [twenty.ADMIN, ("dana@vendor-example.com", "Dana", "Weber")]
    emulator = twenty.create(api_key=TWENTY_KEY, scale=SCALE, members=members, demo_records=False)
    return stack.enter_context(start(emulator))


def lead_to(**where: RunningEmulator) -> None:
    """Let connections lead to workspaces."""
    extra = {"rate_limits": RATE_LIMITS}
    connect(
        {
            name: {
                "conn_type": "twenty", "host": to.base_url, "password": TWENTY_KEY, "extra": extra
            }
            for name, to in where.items()
        }
    )  # fmt: skip


def content_of(folder: Path) -> dict[str, Any]:
    gate = {"poll_seconds": 0.01, "timeout_days": PATIENCE / DAY}
    return {
        "id": "acme",
        "customer": "ACME GmbH",
        "pair": PAIR,
        "staging": {"url": f"file://{folder}/staging"},
        "connections": {"sandbox": "to_sandbox", "production": "to_production"},
        "csv": {"formats": csv_formats()},
        "gates": dict.fromkeys(GATES, gate),
        "policies": {"fail_on": ["held"]},
        "dag": {"default_args": {"retries": 0}},
    }


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Iterator[Rehearsed]:
    """Take an engagement through its gates, at two of which things are not as they should be."""
    folder = tmp_path_factory.mktemp("rehearsal")
    write_export(customer(), folder / "staging" / "acme" / "inbox")
    with ExitStack() as stack:
        sandbox = serve(stack)
        lead_to(to_sandbox=sandbox, to_production=sandbox)
        case = engaged(folder, content_of(folder))
        ended = case.run(
            bad_signatures(case),
            gates.signs(case, DUPLICATES),
            gates.signs(case, MAPPINGS["sandbox"]),
            provisions(case, sandbox),
            mode="full",
            environment="sandbox",
        )
        yield Rehearsed(case, ended, sandbox, folder)


def bad_signatures(case: Engaged) -> Script:
    def script(log: Log) -> None:
        staging = case.staging
        seen = log.wait_for("scope: waiting since .*nobody has signed yet; to sign: airflow ")
        gates.forge(staging, SCOPE)
        seen = log.wait_for("scope: waiting .*the last sign-off does not count: ", after=seen)
        before = gates.change(staging, SCOPE)
        gates.sign_now(staging, SCOPE, before)
        log.wait_for("scope: waiting .*1 decisions changed since Tess Ter ", after=seen)
        gates.propose_again(staging, before)

    return script


def provisions(case: Engaged, destination: RunningEmulator) -> Script:
    def script(log: Log) -> None:
        log.wait_for(r"owners \(sandbox\): waiting .*1 owners are no active user")
        [owner] = case.staging.read_json("review/owners/sandbox.json")["waiting_for"]
        assert (owner["name"], owner["status"]) == (STRANGER, "missing")
        join(destination.base_url, address(STRANGER), STRANGER)

    return script


@pytest.fixture
def production(rehearsed: Rehearsed) -> Iterator[RunningEmulator]:
    """Serve another workspace for production."""
    with ExitStack() as stack:
        workspace = serve(stack)
        join(workspace.base_url, address(STRANGER), STRANGER)
        lead_to(to_sandbox=rehearsed.sandbox, to_production=workspace)
        yield workspace


def control(running: RunningEmulator, verb: str, path: str, body: Any = None) -> Any:
    url = f"{running.base_url}/_emulator/{path}"
    reply = requests.request(verb, url, json=body, timeout=PATIENCE)
    assert reply.status_code == 200, reply.text
    return reply.json()


def meanwhile(running: RunningEmulator, after: str, act: Callable[[], None], **held: str) -> Script:
    """Return a script that acts while a request is held; it comes soon after a line of the log."""
    control(running, "POST", "gate", held)

    def script(log: Log) -> None:
        log.wait_for(after)
        while not control(running, "GET", "gate")["held"]:
            assert not log.over, log.errors()
        act()
        control(running, "POST", "release")

    return script


# -- gates ---------------------------------------------------------------------------------


def test_bad_sign_offs_and_a_missing_owner_stop_a_run_until_they_are_mended(
    rehearsed: Rehearsed,
) -> None:
    log = "\n".join(rehearsed.ended.log.lines)
    assert rehearsed.ended.state == "success", rehearsed.ended.log.errors()
    opened = log.index("scope: signed by Tess Ter")
    for line in ("nobody has signed", "does not count", "decisions changed"):
        assert log.index(line) < opened
    waited = log.index("owners (sandbox): waiting")
    assert waited < log.index("owners (sandbox): 3 of 3 owners are settled")
    assert count(rehearsed.sandbox.base_url, "people") > 0


def test_the_tasks_of_the_other_environment_are_skipped(rehearsed: Rehearsed) -> None:
    states = rehearsed.ended.tasks
    assert {s for name, s in states.items() if name.startswith("production.")} == {"skipped"}
    done = {n for n, s in states.items() if not n.startswith("production.") and s == "success"}
    others = states.keys() - done - {n for n in states if n.startswith("production.")}
    assert {n.split(".")[1] for n in others} == {
        "validate",
        "propose_cutover",
        "sign_cutover",
        "rollback",
    }  # of other modes


def test_full_into_production_waits_for_an_accepted_rehearsal(
    rehearsed: Rehearsed, production: RunningEmulator, tmp_path: Path
) -> None:
    case = rehearsed.copy(tmp_path)
    mapping = read_proposal(case.staging, MAPPINGS["sandbox"])
    rehearsal = read_proposal(case.staging, REHEARSAL)
    assert mapping
    assert rehearsal
    assert rehearsal.decisions == {"rehearsed_mapping": mapping.digest}
    case.staging.delete("review/rehearsal/production.json")

    def rehearse_and_accept(log: Log) -> None:
        waiting = r"rehearsal \(production\): waiting .*"
        log.wait_for(f"{waiting}nothing is proposed .* a run of mode full into the sandbox")
        gates.propose_again(case.staging, rehearsal)
        log.wait_for(f"{waiting}nobody has signed yet")
        assert count(production.base_url, "people") == 0
        gates.sign_now(case.staging, REHEARSAL)

    sign_mapping = gates.signs(case, MAPPINGS["production"])
    ended = case.run(sign_mapping, rehearse_and_accept, mode="full", environment="production")
    assert ended.state == "success", ended.log.errors()
    assert ended.tasks["sandbox.person.load"] == "skipped"
    people = count(production.base_url, "people")
    assert people == count(rehearsed.sandbox.base_url, "people")


def test_a_mapping_revoked_while_it_loads_stops_the_load(
    rehearsed: Rehearsed, production: RunningEmulator, tmp_path: Path
) -> None:
    case, mapping = rehearsed.copy(tmp_path), MAPPINGS["production"]
    regret = meanwhile(
        production,
        "transform company",
        lambda: gates.revoke_now(case.staging, mapping),
        method="POST",
        path="^/rest/batch/companies",
    )
    ended = case.run(
        gates.signs(case, mapping), regret, mode="sample", sample_size=50, environment="production"
    )
    log = "\n".join(ended.log.lines)
    assert "rehearsal (production): a run of mode sample does not need it" in log
    assert ended.failed == ["production.company.reconcile", "verdict"]
    assert "mapping (production): revoked by Tess Ter" in ended.log.errors()[0]
    assert count(production.base_url, "people") == 0


def test_a_mapping_signed_anew_while_another_loads_stops_the_load(
    rehearsed: Rehearsed, production: RunningEmulator, tmp_path: Path
) -> None:
    case, mapping = rehearsed.copy(tmp_path), MAPPINGS["production"]

    def sign_another() -> None:
        gates.change(case.staging, mapping)
        gates.sign_now(case.staging, mapping)

    other = meanwhile(
        production, "transform company", sign_another, method="POST", path="^/rest/batch/companies"
    )
    ended = case.run(
        gates.signs(case, mapping), other, mode="sample", sample_size=50, environment="production"
    )
    assert ended.failed == ["production.company.reconcile", "verdict"]
    [line, *_] = ended.log.errors()
    assert "mapping (production): this run began by what is signed as" in line
    assert "start a new run" in line
    assert count(production.base_url, "people") == 0


# -- a phase that does not add up ----------------------------------------------------------


def test_a_failed_phase_ends_the_run_failed_with_its_report(
    rehearsed: Rehearsed, production: RunningEmulator, tmp_path: Path
) -> None:
    case = rehearsed.copy(tmp_path)
    gates.sign_now(case.staging, REHEARSAL)
    lost = meanwhile(
        production,
        "transform person",
        lambda: lose_somebody(production),
        method="POST",
        path="^/rest/batch/people",
        when="after",
    )
    ended = case.run(
        gates.signs(case, MAPPINGS["production"]), lost, mode="full", environment="production"
    )
    assert ended.state == "failed"
    assert ended.failed == ["production.person.reconcile", "verdict"]
    assert ended.tasks["production.task.load"] == "upstream_failed"
    assert count(production.base_url, "tasks") == 0
    assert ended.tasks["deliver"] == "success"
    told = ended.log.errors()
    assert "person does not reconcile: 1 records that this run wrote are not there" in told
    assert "production.person.reconcile failed" in told
    reports = [name for name in case.staging.names("reports") if name.endswith("/report.html")]
    assert len(reports) == 2  # the rehearsal's, which was copied, and this run's


def lose_somebody(running: RunningEmulator) -> None:
    """Remove a person, as somebody who works there might."""
    headers = {"Authorization": f"Bearer {TWENTY_KEY}"}
    people = f"{running.base_url}/rest/people"
    found = requests.get(people, headers=headers, timeout=PATIENCE).json()["data"]["people"]
    gone = requests.delete(f"{people}/{found[0]['id']}", headers=headers, timeout=PATIENCE)
    assert gone.status_code == 200, gone.text


# -- tenants -------------------------------------------------------------------------------


def test_two_environments_on_one_tenant_stop_with_both_named(
    rehearsed: Rehearsed, tmp_path: Path
) -> None:
    case = rehearsed.copy(tmp_path)
    lead_to(to_sandbox=rehearsed.sandbox, to_production=rehearsed.sandbox)
    ended = case.run(mode="sample", environment="production")
    assert ended.failed == ["production.check", "verdict"]
    [line, *_] = ended.log.errors()
    assert "environments production and sandbox lead to one tenant" in line
    assert tenant_of(case, "sandbox") in line
    assert "policies.one_tenant_for_both" in line


def test_a_connection_that_leads_to_another_tenant_stops_with_both_named(
    rehearsed: Rehearsed, production: RunningEmulator, tmp_path: Path
) -> None:
    case = rehearsed.copy(tmp_path)
    lead_to(to_sandbox=production)
    ended = case.run(mode="full", environment="sandbox")
    assert ended.failed == ["sandbox.check", "verdict"]
    [line, *_] = ended.log.errors()
    assert tenant_of(case, "sandbox") in line
    assert "its connection now leads to tenant " in line
    assert "point the connection back" in line
    assert count(production.base_url, "people") == 0


def tenant_of(case: Engaged, environment: str) -> str:
    return str(case.staging.read_json(f"tenant/{environment}.json")["id"])
