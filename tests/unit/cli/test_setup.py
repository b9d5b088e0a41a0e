"""Setup makes what a first run needs, and running it again does no harm."""

from __future__ import annotations

import csv
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models import Pool

from airflow_crm_migration.cli import csv_templates, setup
from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POOLS = ["crm_klipy_acme", "crm_twenty_test"]


@pytest.fixture
def pools(airflow_db: None) -> Iterator[None]:
    yield
    for name in POOLS:
        if Pool.get_pool(name):
            Pool.delete_pool(name)


def run(case: Any) -> int:
    return setup.run(Namespace(engagement=str(case.file)))


@pytest.mark.usefixtures("pools")
def test_each_connection_gets_a_pool_of_one_slot(
    case: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(case) == 0
    assert run(case) == 0
    found = [Pool.get_pool(name) for name in POOLS]
    assert [(pool.slots, pool.include_deferred) for pool in found if pool] == [(1, False)] * 2
    record = case.staging.read_json(setup.RECORD)
    assert record["pools"] == POOLS
    shown = capsys.readouterr().out
    assert "crm_klipy_acme: made" in shown
    assert "crm_klipy_acme: is there" in shown
    assert "'test' signs" in shown
    assert "warning" not in shown
    assert case.staging.names("") == [setup.RECORD]


@pytest.mark.usefixtures("pools")
def test_an_engagement_that_cannot_rehearse_is_warned(
    case: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    case.change(connections={"source": "klipy_acme", "production": "twenty_test"})
    assert run(case) == 0
    assert "warning  connections has no sandbox: nothing is rehearsed" in capsys.readouterr().out


@pytest.mark.usefixtures("pools")
def test_a_pool_with_more_slots_is_told_and_left_alone(case: Any) -> None:
    Pool.create_or_update_pool(POOLS[1], slots=4, description="mine", include_deferred=False)
    with pytest.raises(UserMistake, match=r"has 4 slots.*airflow pools set crm_twenty_test 1"):
        run(case)
    pool = Pool.get_pool(POOLS[1])
    assert pool is not None
    assert pool.slots == 4
    assert not case.staging.exists(setup.RECORD)


@pytest.mark.usefixtures("pools")
def test_a_missing_key_is_told_with_how_to_make_one(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CRM_MIGRATION__SIGNING_KEYS", "")
    with pytest.raises(UserMistake, match="make a key with: python -c"):
        run(case)


def test_staging_that_cannot_be_is_told(case: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    case.change(staging={"url": f"file://{tmp_path}/file"})
    with pytest.raises(UserMistake, match="Not a directory"):
        run(case)


def test_templates_have_the_headers_of_the_source(case: Any, tmp_path: Path) -> None:
    folder = tmp_path / "to fill"
    args = Namespace(engagement=str(case.file), folder=str(folder))
    assert csv_templates.run(args) == 0
    assert csv_templates.run(args) == 0
    names = {spec.csv_name for spec in OBJECTS.values() if spec.csv_name}
    assert {file.name for file in folder.iterdir()} <= names
    spec = OBJECTS["contact"]
    with (folder / spec.csv_name).open(encoding="utf-8", newline="") as file:
        [header] = csv.reader(file)
    assert header == [field.header for field in spec.fields.values() if field.header]


def test_a_folder_in_the_way_of_templates_is_told(case: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    args = Namespace(engagement=str(case.file), folder=str(tmp_path / "file"))
    with pytest.raises(UserMistake, match=r"--folder .*File exists"):
        csv_templates.run(args)
