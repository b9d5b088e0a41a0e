"""Twenty, a destination: its rules are light, its hook is imported when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.hooks.twenty.rules import TwentyRules

if TYPE_CHECKING:
    from airflow_crm_migration.hooks.twenty.hook import TwentyHook

__all__ = ["TwentyHook", "TwentyRules"]


def __getattr__(name: str) -> Any:
    if name == "TwentyHook":
        from airflow_crm_migration.hooks.twenty.hook import TwentyHook

        return TwentyHook
    raise AttributeError(name)
