"""What every command has in common: where it finds connections, how it ends."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

import pytest
from airflow.models import Connection
from airflow.sdk import BaseHook
from airflow.utils.session import create_session

from airflow_crm_migration.cli.command import command
from airflow_crm_migration.core.errors import CrmError, UserMistake

if TYPE_CHECKING:
    from collections.abc import Iterator

ARGS = Namespace(conn_id="kept_in_the_database")


@pytest.fixture(autouse=True)
def process_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the process back the context that it had before the command."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "")
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT")


@pytest.fixture
def stored_connection(airflow_db: None) -> Iterator[None]:
    connection = Connection(conn_id=ARGS.conn_id, conn_type="twenty", host="https://crm.example")
    with create_session() as session:
        session.add(connection)
    yield
    with create_session() as session:
        session.delete(session.merge(connection))


def print_host(args: Namespace) -> int:
    print(BaseHook.get_connection(args.conn_id).host)
    return 0


def mistaken(args: Namespace) -> int:
    raise UserMistake(["acme.yaml: no pair", "acme.yaml: no staging"])


def refused(args: Namespace) -> int:
    raise CrmError("key expired", status=401)


def broken(args: Namespace) -> int:
    raise RuntimeError("a bug")


def unfinished(args: Namespace) -> int:
    return 3


@pytest.mark.usefixtures("stored_connection")
def test_finds_a_connection_kept_in_the_database(capsys: pytest.CaptureFixture[str]) -> None:
    command(f"{__name__}.print_host")(ARGS)
    assert capsys.readouterr().out == "https://crm.example\n"


def test_each_finding_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command(f"{__name__}.mistaken")(ARGS)
    assert ended.value.code == 1
    assert capsys.readouterr().err == "acme.yaml: no pair\nacme.yaml: no staging\n"


def test_a_crm_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command(f"{__name__}.refused")(ARGS)
    assert ended.value.code == 1
    assert capsys.readouterr().err == "key expired\n"


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        command(f"{__name__}.broken")(ARGS)


def test_hands_the_status_on() -> None:
    with pytest.raises(SystemExit) as ended:
        command(f"{__name__}.unfinished")(ARGS)
    assert ended.value.code == 3
