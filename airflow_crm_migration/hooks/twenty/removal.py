"""Trashing, restoring and deleting records of Twenty.

By GraphQL: its verbs say what they do, where one parameter of a REST path parts the trash from
destruction and the path of restoring differs between versions; and a list of ids in a body is
never cut off as one in a request line may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.hooks.twenty.filters import TRASH_TOO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.hooks.twenty.api import TwentyApi
    from airflow_crm_migration.hooks.twenty.schema import TwentyObject

MOST = 200
"""Records in a call; 600 at once were taken, 200 is what all else is held to (2.21)."""

_THESE = "{id: {in: $ids}}"


def restore(api: TwentyApi, target: TwentyObject, ids: Sequence[str]) -> None:
    """Take records out of the trash; a filter that mentions the trash would find none."""
    _act(api, "restore", target, ids, _THESE)


def trash(api: TwentyApi, target: TwentyObject, ids: Sequence[str]) -> None:
    """Put records into the trash."""
    _act(api, "delete", target, ids, _THESE)


def delete(api: TwentyApi, target: TwentyObject, ids: Sequence[str]) -> None:
    """
    Delete records for good, trashed ones too.

    What hangs on them goes along: join rows, of people and companies attachments too. All other
    records lose their reference alone (observed on 2.21).
    """
    _act(api, "destroy", target, ids, f"{{and: [{_THESE}, {TRASH_TOO}]}}")


def _act(
    api: TwentyApi, verb: str, target: TwentyObject, ids: Sequence[str], condition: str
) -> None:
    name = f"{verb}{target.plural[0].upper()}{target.plural[1:]}"
    query = f"mutation($ids: [UUID!]) {{ {name}(filter: {condition}) {{ id }} }}"
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), MOST):
        api.graphql("/graphql", query, {"ids": wanted[start : start + MOST]}, name=name)
