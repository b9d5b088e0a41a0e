"""What the documents say is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from airflow_crm_migration.cli import get_commands
from airflow_crm_migration.core.mapping import load_mapping
from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.core.outcomes import Outcome
from airflow_crm_migration.core.transform.steps import REGISTRY
from airflow_crm_migration.dag_parts.form import run_params
from airflow_crm_migration.engagement import Engagement, load_engagement

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(document: str, language: str) -> list[str]:
    indented = re.findall(rf"^( *)```{language}\n(.*?)^ *```", document, re.MULTILINE | re.DOTALL)
    return [
        "\n".join(line.removeprefix(pad) for line in body.splitlines()) for pad, body in indented
    ]


def rows(document: str) -> set[str]:
    return set(re.findall(r"^\| `?([\w.]+)`? \|", document, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [
        link for link in links if "://" not in link and not (document.parent / link).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("name", ["README.md", "docs/engagement.md"])
def test_the_engagement_files_shown_are_valid(name: str) -> None:
    for block in blocks(text(name), "yaml"):
        engagement = Engagement.model_validate(yaml.safe_load(block))
        engagement.mapping()


def test_every_setting_of_an_engagement_is_explained() -> None:
    assert set(Engagement.model_fields) <= rows(text("docs/engagement.md"))


def test_every_mode_and_parameter_of_a_run_is_explained() -> None:
    explained = rows(text("docs/engagement.md"))
    assert {str(mode) for mode in Mode} <= explained
    example = load_engagement(ROOT / "dags/engagements/klipy_to_twenty.yaml")
    assert set(run_params(example)) <= explained


def test_every_choice_of_the_pair_is_explained_with_its_default() -> None:
    for name, choice in load_mapping("klipy_to_twenty").choices.items():
        line = next(li for li in text("docs/engagement.md").splitlines() if f"`{name}` |" in li)
        default = str(choice.default).lower()
        assert line.endswith(f"`{default}` |")


def test_every_outcome_is_explained() -> None:
    assert {str(outcome) for outcome in Outcome} <= rows(text("docs/how-it-works.md"))


def test_exactly_the_transforms_that_exist_are_explained() -> None:
    table = text("docs/mapping.md").partition("## Transforms")[2]
    assert rows(table) - {"name"} == set(REGISTRY)


def test_the_commands_shown_are_understood() -> None:
    import argparse

    parser = argparse.ArgumentParser(exit_on_error=False)
    commands = parser.add_subparsers()
    [group] = get_commands()
    for command in group.subcommands:
        sub = commands.add_parser(command.name)
        for argument in command.args:
            argument.add_to_parser(sub)
    shown = [
        line
        for document in DOCUMENTS
        for line in re.findall(
            r"^airflow crm-migration (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]
    assert shown
    for line in shown:
        parser.parse_args(shlex.split(line))


def test_every_make_target_named_exists() -> None:
    makefile = text("Makefile")
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8"))
    }
    assert [t for t in sorted(named) if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
