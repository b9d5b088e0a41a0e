"""What a mode of a run stands on: that an earlier run loaded the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.steps.tenant import read_kept
from airflow_crm_migration.core.transform.conditions import settled_by_choices
from airflow_crm_migration.core.watermarks import fed_phases, read_watermarks

if TYPE_CHECKING:
    from airflow_crm_migration.core.mapping import Mapping
    from airflow_crm_migration.core.modes import Mode
    from airflow_crm_migration.core.staging import Staging


def check_ground(
    staging: Staging, mode: Mode, environment: str, mapping: Mapping, choices: dict[str, Any]
) -> None:
    """
    Check that what a mode stands on is there.

    :param mapping: the pair's, with what the engagement chose
    :raises UserMistake: no earlier run loaded the environment whole
    """
    if mode.follows_full:
        read = _read_objects(mapping, choices)
        lacking = sorted(read - read_watermarks(staging, environment, read).keys())
        if lacking:
            raise UserMistake(
                f"mode {mode}: no full run into {environment} has ended well yet, for none loaded "
                f"all of {', '.join(lacking)}; run mode full first"
            )
    if not mode.reads_source and read_kept(staging, environment) is None:
        raise UserMistake(f"mode {mode}: nothing was ever loaded into {environment}")


def _read_objects(mapping: Mapping, choices: dict[str, Any]) -> set[str]:
    """Return the source objects whose records arrive somewhere under what was chosen."""
    chosen = mapping.chosen(choices)
    lines = [line for line in mapping.lines if settled_by_choices(line.when, chosen) is not False]
    return set(fed_phases(mapping.model_copy(update={"lines": tuple(lines)})))
