"""The mistakes that everybody makes once: each is told in a clear line that names the fix."""

from __future__ import annotations

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from airflow.dag_processing.dagbag import DagBag

from airflow_crm_migration.emulators import klipy, twenty
from airflow_crm_migration.emulators.base import start
from tests.dags.conftest import RATE_LIMITS, SCALE, connect, engaged
from tests.support.customer import customer
from tests.support.dags import Ended, Engaged, logged, register

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIN = Path(sys.executable).parent
SETUP = [str(BIN / "airflow"), "crm-migration", "setup", "--engagement"]
EMULATOR = [sys.executable, "-m", "airflow_crm_migration.emulators"]
TRACEBACK = "Traceback (most recent call last)"


def content(folder: Path, **settings: Any) -> dict[str, Any]:
    return {
        "id": "new",
        "customer": "New Ltd",
        "pair": "klipy_to_twenty",
        "staging": {"url": f"file://{folder}/staging"},
        "connections": {"source": "klipy_new", "sandbox": "twenty_new"},
        "dag": {"default_args": {"retries": 0}},
        **settings,
    }


# -- at the command line -------------------------------------------------------------------


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Callable[[str], list[str]]:
    """Run the commands that newcomers get wrong, together, for each takes Airflow's start."""
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / "a_file").touch()
    nowhere = {"url": f"file://{folder}/a_file/staging"}
    three = {"pear": "klipy_to_twenty", "default_region": "England", "staging": {"url": "C:/crm"}}
    files = {
        "unknown_pair": content(folder, pair="klipy_to_sugar"),
        "unwritable": content(folder, staging=nowhere),
        "three_mistakes": content(folder, **three),
    }
    commands = {}
    for name, wrong in files.items():
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(wrong))
        commands[name] = [*SETUP, str(file)]
    with socket.create_server(("127.0.0.1", 0)) as taken, ThreadPoolExecutor() as pool:
        port = taken.getsockname()[1]
        commands["port_taken"] = [*EMULATOR, "twenty", f"--port={port}"]
        ended = dict(zip(commands, pool.map(run, commands.values()), strict=True))

    def lines(name: str) -> list[str]:
        assert ended[name].returncode != 0
        assert TRACEBACK not in ended[name].stdout + ended[name].stderr
        return [line.replace(str(folder), "…") for line in ended[name].stderr.splitlines()]

    return lines


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_an_unknown_pair_names_those_that_there_are(said: Callable[[str], list[str]]) -> None:
    [line] = said("unknown_pair")
    assert "unknown_pair.yaml: pair = 'klipy_to_sugar'" in line
    assert "choose one of: klipy_to_twenty" in line


def test_unwritable_staging_says_why_and_what_to_name(said: Callable[[str], list[str]]) -> None:
    [line] = said("unwritable")
    assert line == (
        "staging file://…/a_file/staging: Not a directory; "
        "name a folder that every worker can write to"
    )


def test_every_mistake_of_an_engagement_file_is_told_at_once(
    said: Callable[[str], list[str]],
) -> None:
    lines = said("three_mistakes")
    assert len(lines) == 3
    for setting, fix in {
        "pear": "remove it or mend its spelling",
        "default_region": "'England'",
        "staging.url": "'C:/crm'",
    }.items():
        [line] = [line for line in lines if f"three_mistakes.yaml: {setting} =" in line]
        assert fix in line


def test_a_taken_port_is_named_with_the_way_out(said: Callable[[str], list[str]]) -> None:
    [line] = said("port_taken")
    assert "is taken: stop what listens there or choose another port" in line


# -- in a run ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Serve both CRMs."""
    with ExitStack() as stack:
        source = stack.enter_context(start(klipy.create(customer(), api_key="right", scale=SCALE)))
        destination = stack.enter_context(start(twenty.create(api_key="right", scale=SCALE)))
        yield {"klipy": source.base_url, "twenty": destination.base_url}


@pytest.fixture(autouse=True)
def keys(servers: dict[str, str]) -> None:
    """Let every connection be right."""
    for platform in servers:
        key(servers, platform, "right")


def key(servers: dict[str, str], platform: str, password: str) -> None:
    """Make a connection with a key."""
    form = {"conn_type": platform, "host": servers[platform], "password": password}
    connect({f"{platform}_new": {**form, "extra": {"rate_limits": RATE_LIMITS}}})


def first_error(ended: Ended, task: str) -> str:
    """Return the line that tells why a task failed; all that Airflow adds comes after it."""
    assert ended.state == "failed"
    assert ended.failed == sorted([task, "verdict"])
    lines = ended.log.lines
    [told, *_] = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    [trace, *_] = [number for number, line in enumerate(lines) if TRACEBACK in line]
    assert told < trace
    assert f"{task} failed" in ended.log.errors()
    return ended.log.errors()[0]


def test_a_wrong_key_of_the_source_names_the_connection(
    servers: dict[str, str], tmp_path: Path, airflow_db: None
) -> None:
    key(servers, "klipy", "wrong")
    line = first_error(engaged(tmp_path, content(tmp_path)).run(), "probe")
    assert line == (
        "connection 'klipy_new': The API key is not valid. "
        "check the key in it, and what the key may do (docs/permissions.md)"
    )


def test_a_wrong_key_of_the_destination_names_the_connection(
    servers: dict[str, str], tmp_path: Path, airflow_db: None
) -> None:
    key(servers, "twenty", "wrong")
    line = first_error(engaged(tmp_path, content(tmp_path)).run(), "sandbox.check")
    assert line.startswith("connection 'twenty_new': Token invalid. check the key in it")


def test_a_missing_connection_is_named(tmp_path: Path, airflow_db: None) -> None:
    case = engaged(tmp_path, content(tmp_path, connections={"sandbox": "nowhere"}))
    line = first_error(case.run(), "sandbox.check")
    assert line == "there is no connection 'nowhere'; create one of type twenty"


def test_a_host_where_nobody_listens_is_named_at_once_with_the_fix(
    tmp_path: Path, airflow_db: None
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        address = {"conn_type": "twenty", "host": f"http://{host}", "password": "key"}
        connect({"twenty_new": address})
        retries = {"default_args": {"retries": 2}}
        settings = {"connections": {"sandbox": "twenty_new"}, "dag": retries}
        line = first_error(engaged(tmp_path, content(tmp_path, **settings)).run(), "sandbox.check")
    assert line == (
        f"connection 'twenty_new': {host}: no connection is accepted there; check the host of the "
        "connection, and that the CRM runs and this machine may reach it"
    )


def test_missing_pools_name_the_command_that_makes_them(tmp_path: Path, airflow_db: None) -> None:
    never_set_up = Engaged.of(tmp_path / "new.yaml", content(tmp_path))
    line = first_error(never_set_up.run(), "preflight")
    assert line.startswith("pools that nobody made: crm_klipy_new, crm_twenty_new; ")
    assert "airflow crm-migration setup --engagement" in line


def test_an_empty_inbox_names_the_folder_and_what_is_missing(
    tmp_path: Path, airflow_db: None
) -> None:
    gates = {"csv": {"timeout_days": 1e-6, "poll_seconds": 0.01}}
    settings = {"connections": {"sandbox": "twenty_new"}, "gates": gates}
    case = engaged(tmp_path, content(tmp_path, **settings))
    line = first_error(case.run(), "wait_for_csv")
    assert f"7 things are missing or wrong in file://{tmp_path}/staging/new/inbox; " in line
    [place] = [word for word in line.split() if word.endswith("review/csv/sandbox.json")]
    findings = yaml.safe_load(Path(place.removeprefix("file://")).read_text())["findings"]
    assert "inbox/contacts.csv: is missing: export Contact as CSV and drop it there" in findings


# -- in the DAG file -----------------------------------------------------------------------

DAG_FILE = """
from pathlib import Path
from airflow_crm_migration.dag_factory import build_dags
globals().update(build_dags(Path(__file__).parent / "engagements"))
"""


@pytest.fixture
def bag(tmp_path: Path) -> Callable[..., DagBag]:
    """Return a function that parses a DAG file beside engagement files."""

    def parse(**files: dict[str, Any]) -> DagBag:
        folder = tmp_path / "dags" / "engagements"
        folder.mkdir(parents=True)
        (tmp_path / "dags" / "crm.py").write_text(DAG_FILE)
        for name, settings in files.items():
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(content(tmp_path, **settings)))
        return DagBag(str(tmp_path / "dags"))

    return parse


def test_a_broken_engagement_file_tells_its_mistakes_and_leaves_the_others_alone(
    bag: Callable[..., DagBag], airflow_db: None
) -> None:
    found = bag(
        acme={"id": "acme"}, broken={"pear": 1, "default_region": "England"}, zeta={"id": "zeta"}
    )
    assert not found.import_errors  # with one Airflow would drop the DAGs of acme and zeta too
    broken = found.dags.pop("crm_engagement_mistakes_broken.yaml")
    assert set(found.dags) == {"crm_migration_acme", "crm_migration_zeta"}
    assert broken.dag_display_name == "broken.yaml has mistakes"
    for told in (broken.description, broken.doc_md):
        assert "broken.yaml: pear = 1: there is no such setting here" in str(told)
        assert "broken.yaml: default_region = 'England'" in str(told)
    with logged() as log:
        ended = register(broken).test()
    assert ended.state == "failed"
    assert ["broken.yaml: " in line for line in log.errors()] == [True, True]


def test_two_engagements_of_one_id_are_a_mistake(bag: Callable[..., DagBag]) -> None:
    found = bag(acme={"id": "acme"}, copied={"id": "acme"})
    assert set(found.dags) == {"crm_migration_acme", "crm_engagement_mistakes_copied.yaml"}
    told = str(found.dags["crm_engagement_mistakes_copied.yaml"].description)
    assert "copied.yaml: id: acme.yaml has a DAG crm_migration_acme too" in told
