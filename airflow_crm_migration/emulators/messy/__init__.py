"""Invents realistically messy CRM data of which the truth is known."""

from __future__ import annotations

from airflow_crm_migration.emulators.messy.generate import generate
from airflow_crm_migration.emulators.messy.truth import Cell, Group, Link, Truth
from airflow_crm_migration.emulators.messy.world import (
    NOW,
    Activity,
    Company,
    Contact,
    CustomColumn,
    Deal,
    File,
    Note,
    Parent,
    User,
    World,
)

__all__ = [
    "NOW",
    "Activity",
    "Cell",
    "Company",
    "Contact",
    "CustomColumn",
    "Deal",
    "File",
    "Group",
    "Link",
    "Note",
    "Parent",
    "Truth",
    "User",
    "World",
    "generate",
]
