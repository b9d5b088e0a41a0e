"""The commands are found by Airflow, stay cheap to list and read what they promise to read."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from airflow.cli.cli_parser import get_parser

if TYPE_CHECKING:
    from argparse import Namespace

NAMES = ["setup", "status", "sign", "revoke", "release", "reset", "csv-templates", "emulator"]


def _parse(*arguments: str) -> Namespace:
    return get_parser().parse_args(["crm-migration", *arguments])


@pytest.mark.parametrize("name", NAMES)
def test_airflow_knows_the_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _parse(name, "--help")
    assert ended.value.code == 0
    assert f"crm-migration {name}" in capsys.readouterr().out


def test_sign_reads_who_what_and_where() -> None:
    args = _parse(
        "sign", "--engagement", "acme.yaml", "--gate", "rehearsal", "--environment", "production",
        "--signer", "Ann Lee <ann@acme.example>", "--evidence", "letter.pdf", "--yes",
    )  # fmt: skip
    assert (args.engagement, args.gate, args.environment) == (
        "acme.yaml",
        "rehearsal",
        "production",
    )
    assert (args.signer, args.evidence, args.yes) == (
        "Ann Lee <ann@acme.example>",
        "letter.pdf",
        True,
    )


def test_revoke_needs_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parse("revoke", "--engagement", "acme.yaml", "--gate", "scope", "--signer", "Ann")
    assert "--reason" in capsys.readouterr().err


def test_reset_needs_the_tenant_that_was_written_to(capsys: pytest.CaptureFixture[str]) -> None:
    where = ("reset", "--engagement", "acme.yaml", "--environment", "sandbox")
    with pytest.raises(SystemExit):
        _parse(*where)
    assert "--tenant" in capsys.readouterr().err
    assert _parse(*where, "--tenant", "w-1").tenant == "w-1"


def test_unknown_gate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parse("sign", "--engagement", "acme.yaml", "--gate", "budget", "--signer", "Ann")
    assert "budget" in capsys.readouterr().err


def test_emulator_hands_its_options_on() -> None:
    args = _parse("emulator", "twenty", "--port", "8501", "--help")
    assert args.arguments == ["twenty", "--port", "8501", "--help"]


def test_listing_the_commands_imports_none_of_them() -> None:
    code = (
        "import sys, airflow.cli.cli_config\n"
        "before = set(sys.modules)\n"
        "from airflow_crm_migration.cli import get_commands\n"
        "get_commands()\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "airflow_crm_migration.cli",
        "airflow_crm_migration.cli.command",
        "airflow_crm_migration.core",
        "airflow_crm_migration.core.errors",
    ]


def test_missing_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from airflow_crm_migration.cli import get_commands\n"
        "emulator = get_commands()[0].subcommands[-1]\n"
        "from argparse import Namespace\n"
        "emulator.func(Namespace(arguments=['twenty']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "emulators need the module 'uvicorn': pip install 'airflow-crm-migration[emulators]'"
    ]
