"""Which hook belongs to which platform; a platform's name is its connection type."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from airflow_crm_migration.core.protocols import Destination, DestinationRules, Source

GROUP = "airflow_crm_migration.platforms"
"""Entry points of hooks in other distributions: platform = "module:HookClass"."""


def source_hook(platform: str, conn_id: str) -> Source:
    """
    Return the hook that reads from a CRM.

    :param platform: the platform's name, for example ``klipy``
    :param conn_id: Airflow connection of that type
    :raises UserMistake: no such platform or connection, or the platform cannot be a source
    """
    hook: Source = _hook(platform, conn_id, asked="probe", role="source")
    return hook


def destination_hook(platform: str, conn_id: str) -> Destination:
    """
    Return the hook that writes to a CRM.

    :param platform: the platform's name, for example ``twenty``
    :param conn_id: Airflow connection of that type
    :raises UserMistake: no such platform or connection, or the platform cannot be a destination
    """
    hook: Destination = _hook(platform, conn_id, asked="ensure_schema", role="destination")
    return hook


def rules_of(platform: str) -> DestinationRules:
    """
    Return what a platform makes of values, for steps that ask it nothing.

    :raises UserMistake: no such platform, or it cannot be a destination
    """
    rules: DestinationRules = _able(platform, asked="rules_class", role="destination").rules_class()
    return rules


def hook_class(platform: str) -> Any:
    """
    Return the hook class of a platform; nothing is imported before it is asked for.

    :raises UserMistake: no installed package knows the platform
    """
    ours = {
        entry["connection-type"]: entry["hook-class-name"]
        for entry in get_provider_info()["connection-types"]
    }
    if platform in ours:
        module, _, name = ours[platform].rpartition(".")
        return getattr(import_module(module), name)
    theirs = entry_points(group=GROUP)
    if platform in theirs.names:
        return theirs[platform].load()
    known = ", ".join(sorted({*ours, *theirs.names}))
    raise UserMistake(f"platform {platform!r} is unknown; installed are {known}")


def _able(platform: str, *, asked: str, role: str) -> Any:
    found = hook_class(platform)
    if not hasattr(found, asked):
        raise UserMistake(f"platform {platform!r} cannot be a {role}")
    return found


def _hook(platform: str, conn_id: str, *, asked: str, role: str) -> Any:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    able = _able(platform, asked=asked, role=role)
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise UserMistake(
            f"there is no connection {conn_id!r}; create one of type {platform}"
        ) from None
    if connection.conn_type != platform:
        raise UserMistake(
            f"connection {conn_id!r} is of type {connection.conn_type!r}; "
            f"the {role} needs one of type {platform}"
        )
    return able(conn_id)
