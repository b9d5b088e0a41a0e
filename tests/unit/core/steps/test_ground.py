"""A run that follows a full one is refused until every object was loaded whole."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.modes import Mode
from airflow_crm_migration.core.staging import Staging
from airflow_crm_migration.core.steps.ground import check_ground
from airflow_crm_migration.core.watermarks import Watermark
from tests.support.transforming import CLIENT, FIRM, small_pair

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = (
    "{id: seat, source: seat, destination: house, when: {choice: size, equals: large},"
    " fields: [{to: sign, from: called}]}"
)
WAY = "{object: %s, ways: [{object: %s, from: a, by: id}], value: word, field: tags}"
FOLDS = [
    f"{{id: word, source: word, into: [{WAY % ('client', 'client')}]}}",
    f"{{id: note, source: note, into: [{WAY % ('seat', 'seat')}]}}",
]
PAIR = small_pair(FIRM, CLIENT, CHOSEN, folds=FOLDS)
FOLLOWING = [mode for mode in Mode if mode.follows_full]
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def loaded(staging: Staging, *names: str) -> None:
    for name in names:
        kept = Watermark("", NOW, "run-1", 1).as_json()
        staging.write_json(f"watermarks/sandbox/{name}.json", kept)


@pytest.mark.parametrize("mode", FOLLOWING)
def test_one_object_that_was_loaded_is_not_a_full_run(tmp_path: Path, mode: Mode) -> None:
    staging = Staging(tmp_path)
    loaded(staging, "firm")
    with pytest.raises(UserMistake, match=r"none loaded all of client, word; run mode full first"):
        check_ground(staging, mode, "sandbox", PAIR, {})
    loaded(staging, "client", "word")
    check_ground(staging, mode, "sandbox", PAIR, {})
    with pytest.raises(UserMistake, match="no full run into production"):
        check_ground(staging, mode, "production", PAIR, {})


def test_what_was_chosen_says_which_objects_arrive(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    loaded(staging, "firm", "client", "word")
    with pytest.raises(UserMistake, match="none loaded all of note, seat;"):
        check_ground(staging, Mode.DELTA, "sandbox", PAIR, {"size": "large"})


@pytest.mark.parametrize("mode", [Mode.SAMPLE, Mode.FULL])
def test_other_modes_stand_on_nothing(tmp_path: Path, mode: Mode) -> None:
    check_ground(Staging(tmp_path), mode, "sandbox", PAIR, {})


@pytest.mark.parametrize("mode", [Mode.VALIDATE, Mode.ROLLBACK])
def test_what_was_never_written_is_neither_validated_nor_undone(tmp_path: Path, mode: Mode) -> None:
    staging = Staging(tmp_path)
    with pytest.raises(UserMistake, match="nothing was ever loaded into sandbox"):
        check_ground(staging, mode, "sandbox", PAIR, {})
    staging.write_json("tenant/sandbox.json", {"format": 1, "id": "w", "name": "W"})
    check_ground(staging, mode, "sandbox", PAIR, {})
