"""Both CRMs in this process, and engagements between them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from airflow_crm_migration.emulators import klipy, twenty
from airflow_crm_migration.emulators.base import start
from demo.emulators import KLIPY_KEY, TWENTY_KEY, Emulators, members_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_crm_migration.emulators.messy import World

SCALE = 600.0
"""Seconds on the emulators' clocks per second of ours: the limits are the published ones."""


@contextmanager
def crms(world: World) -> Iterator[Emulators]:
    """Start both CRMs in this process."""
    with (
        start(klipy.create(world, api_key=KLIPY_KEY, scale=SCALE)) as source,
        start(
            twenty.create(
                api_key=TWENTY_KEY, scale=SCALE, members=[twenty.ADMIN, *members_of(world)]
            )
        ) as destination,
    ):
        yield Emulators(source.base_url, destination.base_url, SCALE, world)
