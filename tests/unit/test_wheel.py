"""What people install: the package, its data and its licence, nothing else of the repository."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "airflow_crm_migration"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_holds_the_package_alone(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {PACKAGE}


def test_holds_every_file_of_the_package(names: set[str]) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / PACKAGE).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if name.startswith(f"{PACKAGE}/")} == files
    assert f"{PACKAGE}/py.typed" in files
    assert f"{PACKAGE}/mappings/klipy_to_twenty.yaml" in files
    assert any(name.startswith(f"{PACKAGE}/reports/") and ".html" in name for name in files)


def test_holds_the_licence(names: set[str]) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_installs_and_tells_airflow_what_it_is(wheel: Path, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--target", tmp_path, wheel],
        check=True,
    )
    code = (
        "from importlib.metadata import distribution\n"
        "points = distribution('airflow-crm-migration').entry_points\n"
        "(point,) = points.select(group='apache_airflow_provider')\n"
        "print(point.load().__code__.co_filename, point.load()()['package-name'])"
    )
    # isolated, so that neither this checkout nor the environment's own copy answers
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.append({str(tmp_path)!r})\n{code}",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    path, name = done.stdout.split()
    assert Path(path).is_relative_to(tmp_path)
    assert name == "airflow-crm-migration"
