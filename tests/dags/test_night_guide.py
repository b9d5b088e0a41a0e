"""Every command of the operator's night guide runs, and every message it quotes is one of ours."""

from __future__ import annotations

import ast
import io
import json
import re
import shlex
import shutil
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
import yaml
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import delete, select

from airflow_crm_migration.core.gates import Gate, propose, read_proposal
from airflow_crm_migration.core.lease import Lease, LeaseTimes
from airflow_crm_migration.core.ledger.writer import LedgerPlace
from airflow_crm_migration.core.signoff import last_record
from airflow_crm_migration.dag_factory import build_dags
from airflow_crm_migration.emulators import twenty
from airflow_crm_migration.emulators.base import start
from airflow_crm_migration.emulators.klipy import write_export
from airflow_crm_migration.hooks.signing import signing_keyring
from demo.emulators import TWENTY_KEY, address
from demo.engagement import GATES, PAIR, csv_formats
from tests.dags.conftest import RATE_LIMITS, SCALE, connect, engaged
from tests.support import gates
from tests.support.customer import customer
from tests.support.dags import PATIENCE, Engaged, register

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.migration,
    # Airflow's command line would like to draw DAGs, and to be another command line
    pytest.mark.filterwarnings("ignore:Could not import graphviz"),
    pytest.mark.filterwarnings("ignore::airflow.exceptions.RemovedInAirflow4Warning"),
]

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "night-guide.md").read_text(encoding="utf-8")
PRODUCTION = "production"
DAG_ID = "crm_migration_night"
TENANT = "tenant/production.json"
NOOR = "Noor Haddad"
SIGNED = ("scope", "duplicates", "mapping")
DAYS = count()
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SHORT = LeaseTimes(beat=0.02, lease=0.2)
DEAD = LeaseTimes(beat=3600, lease=0.2)
DAY = 86400


# -- what the guide shows ------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """
    A command of the guide.

    :param line: as it stands there
    :param words: what it is said to show
    """

    line: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        """Name the case."""
        return self.line.removeprefix("airflow ")


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", GUIDE, re.MULTILINE | re.DOTALL)
    return ["\n".join(li.removeprefix(pad) for li in text.splitlines()) for pad, text in found]


def shown() -> list[Shown]:
    found: list[Shown] = []
    for line in "\n".join(blocks("bash")).splitlines():
        if line.startswith("# shows: "):
            last = found.pop()
            found.append(Shown(last.line, (*last.words, line.removeprefix("# shows: "))))
        else:
            found.append(Shown(line, ()))
    return list(dict.fromkeys(found))


def test_every_command_of_the_guide_is_one_that_is_run_here() -> None:
    anywhere = re.findall(r"^\s*airflow .+", GUIDE, re.MULTILINE)
    assert {line.strip() for line in anywhere} == {command.line for command in shown()}
    assert all(command.words for command in shown())


# -- a night -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Night:
    """
    An engagement that was loaded once.

    :param run: of the load
    """

    case: Engaged
    run: DagRun

    def copy(self, folder: Path) -> Night:
        """Return the engagement as it is now, for a command of its own."""
        shutil.copytree(self.case.file.parent / "staging", folder / "staging")
        content = yaml.safe_load(self.case.file.read_text())
        moved = {**content, "staging": {"url": f"file://{folder}/staging"}}
        return Night(Engaged.of(folder / "night.yaml", moved), self.run)

    def said(self, line: str, date: str) -> str:
        """
        Return a command of the guide with what is true here in place of its examples.

        :param date: that a run is started under
        """
        staging = self.case.staging
        [folder] = {n.partition("/")[0] for n in staging.names("") if n.endswith("/run.json")}
        assert self.run.logical_date
        examples = {
            "dags/engagements/acme.yaml": str(self.case.file),
            "crm_migration_acme": DAG_ID,
            "manual__2026-03-02T21:00:00+00:00": self.run.run_id,
            "-date 2026-03-02T21:00:00+00:00": f"-date {self.run.logical_date.isoformat()}",
            "20260302T210000Z-1a2b3c4d": folder,
            "20202020-1c25-4d02-bf25-6aeccf7ea419": staging.read_json(TENANT)["id"],
            "$(date -Iseconds)": date,
        }
        for example, real in examples.items():
            line = line.replace(example, real)
        return line


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, airflow_db: None) -> Iterator[Night]:
    """Load a small customer, of whom a file cannot arrive, so that the run is red."""
    folder = tmp_path_factory.mktemp("night")
    write_export(customer(), folder / "staging" / "night" / "inbox")
    owners = [("dana@vendor-example.com", "Dana", "Weber"), (address(NOOR), *NOOR.split())]
    workspace = twenty.create(
        api_key=TWENTY_KEY, scale=SCALE, members=[twenty.ADMIN, *owners], demo_records=False
    )
    with start(workspace) as running:
        extra = {"rate_limits": RATE_LIMITS}
        host = {"conn_type": "twenty", "host": running.base_url, "password": TWENTY_KEY}
        connect({"to_night": {**host, "extra": extra}})
        case = engaged(folder, content_of(folder))
        signing = (gates.signs(case, Gate("night", name, PRODUCTION)) for name in SIGNED)
        ended = case.run(*signing, mode="full", environment=PRODUCTION)
    dags = {name: register(dag) for name, dag in build_dags(folder).items()}
    assert ended.failed == ["verdict"], ended.log.errors()
    yield Night(case, ended.run)
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id.in_(dags)))


def content_of(folder: Path) -> dict[str, object]:
    gate = {"poll_seconds": 0.01, "timeout_days": PATIENCE / DAY}
    return {
        "id": "night",
        "customer": "ACME GmbH",
        "pair": PAIR,
        "staging": {"url": f"file://{folder}/staging"},
        "connections": {PRODUCTION: "to_night"},
        "csv": {"formats": csv_formats()},
        "gates": dict.fromkeys(GATES, gate),
        "schedules": {"delta": {"cron": "0 2 * * *", "environment": PRODUCTION}},
        "dag": {"default_args": {"retries": 0}},
    }


# -- what stands as the guide says when a command is due -----------------------------------


@contextmanager
def prepared(night: Night, words: list[str]) -> Iterator[None]:
    """Bring about what a command answers."""
    staging, options = night.case.staging, dict(pairwise(words))
    with ExitStack() as stack:
        if "sign" in words:
            gate = Gate("night", options["--gate"], PRODUCTION)
            if read_proposal(staging, gate) is None:
                propose(staging, gate, {"as": "laid before them"}, {}, datetime.now(UTC))
            else:
                gates.revoke_now(staging, gate)
        if "release" in words:
            times = SHORT if "--force" in words else DEAD
            lease = Lease(staging, LedgerPlace.of(PRODUCTION).lease, "load person", times=times)
            lease.__enter__()
            if "--force" in words:
                stack.callback(lease.__exit__)
        if "pause" in words:
            called(["airflow", "dags", "unpause", words[-1]])
        yield


class Terminal(io.StringIO):
    """Somebody who says yes to everything."""

    def isatty(self) -> bool:
        return True


def called(words: list[str]) -> tuple[int, str]:
    """Call Airflow's command line in this process, and return its exit status and what it shows."""
    from airflow.cli.cli_parser import get_parser

    shows, status = io.StringIO(), 0
    with redirect_stdout(shows), redirect_stderr(shows), patch("sys.stdin", Terminal("yes\n" * 9)):
        args = get_parser().parse_args(words[1:])
        try:
            args.func(args)
        except SystemExit as end:
            status = int(end.code or 0)
    return status, shows.getvalue()


@pytest.mark.parametrize("command", shown(), ids=str)
def test_a_command_does_what_the_guide_says(
    command: Shown, loaded: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "")
    monkeypatch.chdir(tmp_path)
    night = loaded.copy(tmp_path)
    date = (LONG_AGO + timedelta(days=next(DAYS))).isoformat()
    words = shlex.split(night.said(command.line, date))
    with prepared(night, words):
        status, shows = called(words)
    assert status == 0, shows
    for expected in command.words:
        assert expected.replace("crm_migration_acme", DAG_ID) in shows
    check = CHECKS.get(words[2])
    if check:
        check(night, words)


# -- what a command has brought about ------------------------------------------------------


def check_triggered(night: Night, words: list[str]) -> None:
    options = dict(pairwise(words))
    with create_session() as session:
        newest = select(DagRun).where(DagRun.dag_id == DAG_ID).order_by(DagRun.id.desc())
        run = session.scalars(newest).first()
    assert run
    assert run.conf == json.loads(options["--conf"])
    assert run.logical_date == datetime.fromisoformat(options["--logical-date"])


def check_cleared(night: Night, words: list[str]) -> None:
    with create_session() as session:
        run = session.merge(night.run)
        session.refresh(run)
        states = {task.task_id: task.state for task in run.get_task_instances(session=session)}
    cleared = {name for name, state in states.items() if state is None}
    assert {f"{PRODUCTION}.person.load", "deliver", "verdict"} <= cleared
    assert not cleared & {"preflight", f"{PRODUCTION}.person.transform"}


def check_signed(night: Night, words: list[str]) -> None:
    gate = Gate("night", words[words.index("--gate") + 1], PRODUCTION)
    record = last_record(night.case.staging, signing_keyring(), gate)
    assert record
    assert record.action == words[2]
    assert record.signer == "Jane Doe <jane@acme.example>"


def check_reset(night: Night, words: list[str]) -> None:
    staging = night.case.staging
    assert not staging.exists(TENANT)
    assert not staging.names("ledger/production") + staging.names("watermarks/production")
    assert staging.names("archive/production")


CHECKS = {
    "trigger": check_triggered,
    "clear": check_cleared,
    "sign": check_signed,
    "revoke": check_signed,
    "reset": check_reset,
}


# -- messages ------------------------------------------------------------------------------


def test_every_message_that_is_quoted_is_one_of_ours() -> None:
    ours = "\0".join(
        node.value
        for file in (ROOT / "airflow_crm_migration").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    text = re.sub(r"^ *```.*?^ *```", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
    spans = [s for s in re.findall(r"`([^`]+)`", text) if " " in s and not re.match(r'[-"]', s)]
    quotes = [span for span in spans if "{" not in span]
    assert len(quotes) > 40
    pieces = {piece.strip() for quote in quotes for piece in quote.split("…")}
    assert sorted(piece for piece in pieces if piece not in ours) == []


def test_every_section_that_is_linked_is_there() -> None:
    headings = re.findall(r"^## (.+)$", GUIDE, re.MULTILINE)
    there = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= there
