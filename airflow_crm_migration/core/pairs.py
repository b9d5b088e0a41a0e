"""Finds the mapping files of pairs: those of this package, and those of other distributions."""

from __future__ import annotations

from importlib import resources
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

GROUP = "airflow_crm_migration.mappings"
"""Entry points of other distributions: any name = package that holds mapping files."""

_OURS = "airflow_crm_migration.mappings"
_ENDING = ".yaml"


def pair_file(pair: str) -> Traversable:
    """
    Return the mapping file of a pair; another distribution cannot replace one of ours.

    :param pair: for example ``acme_to_other``
    :raises UserMistake: no installed package brings it
    """
    found = _files(_OURS)
    if pair not in found:
        for point in entry_points(group=GROUP):
            found = _files(point.module) | found
    if pair not in found:
        known = ", ".join(sorted(found))
        raise UserMistake(f"pair = {pair!r}: there is no such pair; choose one of: {known}")
    return found[pair]


def _files(package: str) -> dict[str, Traversable]:
    return {
        file.name.removesuffix(_ENDING): file
        for file in resources.files(package).iterdir()
        if file.name.endswith(_ENDING)
    }
