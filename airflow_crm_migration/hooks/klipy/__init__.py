"""Klipy, a source: its table of objects is light, its hook is imported when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_crm_migration.hooks.klipy.hook import KlipyHook as KlipyHook

__all__ = ["KlipyHook"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from airflow_crm_migration.hooks.klipy import hook

        return getattr(hook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
