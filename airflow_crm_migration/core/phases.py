"""The order in which objects are loaded: whatever is linked to comes first."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from collections.abc import Mapping, Set


def loading_order(links: Mapping[str, Set[str]]) -> tuple[str, ...]:
    """
    Sort objects.

    :param links: object -> objects that its records link to; links within one object do not count
    :raises UserMistake: when links form a cycle
    """
    graph = {name: others - {name} for name, others in links.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise UserMistake(f"lines: links form a cycle: {cycle}: take one of them out") from None
