"""What a pair of platforms tells the fault suite, which knows no platform's name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from airflow_crm_migration.core.protocols import Member
    from airflow_crm_migration.emulators.base import RunningEmulator
    from tests.support.faulty.kinds import Request
    from tests.support.migration import Migration

NAMES = ("klipy_to_twenty",)
"""Each is a module beside this one that has a ``PAIR``."""


@dataclass(frozen=True)
class Content:
    """
    What a destination holds, without what its server makes by itself.

    :param records: (object, name of the record) -> record
    :param names: id -> name that is the same in every server started for this pair
    :param loose_files: ids of the binaries that are attached to nothing
    """

    records: Mapping[tuple[str, str], dict[str, Any]]
    names: Mapping[str, str]
    loose_files: set[str]


class Pair(Protocol):
    """A pair of platforms, the destination played by an emulator."""

    requests: Mapping[str, Request]
    """Every kind of write that the pair has, and what its requests look like."""

    writes: Request
    """What every request looks like that writes records."""

    def migration(self, folder: Path) -> AbstractContextManager[Migration]:
        """Serve a small customer and an empty destination, and connect an engagement to them."""

    def start(self, members: Sequence[Member]) -> RunningEmulator:
        """Start an empty destination that has these members."""

    def connection(self, url: str, *, limited: bool) -> dict[str, Any]:
        """
        Return the Airflow connection to a started destination.

        :param limited: whether the client keeps to the platform's limits
        """

    def trash(self, server: RunningEmulator, object_name: str, record_id: str) -> None:
        """Move a record into the trash, as a person would."""

    def content(self, dump: dict[str, Any], begun: str) -> Content:
        """
        Return what a destination holds.

        :param dump: of the emulator's records
        :param begun: an instant; later ones are the server's own
        """


def load_pair(name: str) -> Pair:
    """Return a pair by its name."""
    pair: Pair = import_module(f"tests.support.faulty.{name}").PAIR
    return pair
