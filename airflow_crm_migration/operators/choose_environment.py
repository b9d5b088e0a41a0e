"""Lets a run take the way of its environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseBranchOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChooseEnvironmentOperator(BaseBranchOperator):
    """Follows the tasks of the environment that the run names, and skips the other's."""

    def choose_branch(self, context: Context) -> str:
        """Return the first task of the environment."""
        return f"{context['params']['environment']}.check"
