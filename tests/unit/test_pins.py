"""The pins fit pyproject.toml, and its lower bounds are versions that the tests run with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = [
    Requirement(line)
    for lines in [
        PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"].values(),
    ]
    for line in lines
]
DEVELOPMENT = [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]
FILES = ["constraints.txt", "constraints-3.2.txt", "constraints-lowest.txt"]


def _pins(name: str) -> dict[str, set[Version]]:
    """Return the versions of each package: more than one where they depend on the Python."""
    pins: dict[str, set[Version]] = {}
    for match in re.finditer(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE):
        pins.setdefault(match[1], set()).add(Version(match[2]))
    return pins


@pytest.mark.parametrize("name", FILES)
def test_pins_everything_that_is_asked_for(name: str) -> None:
    pins = _pins(name)
    for requirement in RUNTIME + DEVELOPMENT:
        assert all(requirement.specifier.contains(v) for v in pins[requirement.name]), requirement


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_its_digest_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"\n(?! )", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_lower_bounds_are_what_the_lowest_pins_test() -> None:
    lowest = _pins("constraints-lowest.txt")
    for requirement in RUNTIME:
        bounds = [Version(s.version) for s in requirement.specifier if s.operator == ">="]
        if bounds:
            assert lowest[requirement.name] == {*bounds}, requirement


def test_older_pins_are_airflow_3_2() -> None:
    for name in ("constraints-3.2.txt", "constraints-lowest.txt"):
        (version,) = _pins(name)["apache-airflow-core"]
        assert version.release[:2] == (3, 2)
