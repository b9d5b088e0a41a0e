"""The engagement of the made-up customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.klipy import DATE_FORMATS
from airflow_crm_migration.hooks.klipy.objects import OBJECTS

if TYPE_CHECKING:
    from demo.emulators import Emulators

PAIR = "klipy_to_twenty"
GATES = (
    "csv", "freeze", "scope", "duplicates", "mapping", "owners", "rehearsal", "cutover", "rollback"
)  # fmt: skip


def engagement(
    staging_url: str, emulators: Emulators, *, poll_seconds: float = 1, **settings: Any
) -> dict[str, Any]:
    """
    Return what the engagement file holds.

    :param poll_seconds: how often every gate looks
    :param settings: further settings, or other ones than the demo's
    """
    return {
        "id": "demo",
        "customer": "Demo Ltd",
        "pair": PAIR,
        "staging": {"url": staging_url},
        "connections": {"source": "klipy_demo", "sandbox": "twenty_demo"},
        "default_region": "US",
        "owners": emulators.owners(),
        "csv": {"formats": csv_formats()},
        "gates": {name: {"poll_seconds": poll_seconds} for name in GATES},
        # The demo's data is messy on purpose: what cannot arrive is listed, not a failure.
        "policies": {"fail_on": ["stored_differently"]},
        "dag": {"default_args": {"retries": 0}},
        **settings,
    }


def csv_formats() -> dict[str, str]:
    """Return the date formats of the export by object and field."""
    return {
        f"{name}.{field.name}": DATE_FORMATS[spec.csv_name][field.header]
        for name, spec in OBJECTS.items()
        for field in spec.fields.values()
        if field.header in DATE_FORMATS.get(spec.csv_name, {})
    }
