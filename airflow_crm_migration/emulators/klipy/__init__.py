"""A stand-in for Klipy CRM: its API and the CSV files that its customers hand over."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.base import Clock, Emulator
from airflow_crm_migration.emulators.klipy.access import Access, ApiError, Key
from airflow_crm_migration.emulators.klipy.app import KlipyApi
from airflow_crm_migration.emulators.klipy.export import Export, write_export
from airflow_crm_migration.emulators.klipy.tables import DATE_FORMATS
from airflow_crm_migration.emulators.messy import generate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from starlette.responses import Response

    from airflow_crm_migration.emulators.base import Faults
    from airflow_crm_migration.emulators.messy import World

__all__ = [
    "DATE_FORMATS",
    "WRITE",
    "Export",
    "Key",
    "add_arguments",
    "build",
    "create",
    "write_export",
]

API_KEY = "klipy_api_emulator"
WRITE = "write"
"""Name under which the emulator counts writes among its notifications."""


def create(
    world: World,
    *,
    api_key: str = API_KEY,
    scopes: Iterable[str] = ("ALL",),
    more_keys: Iterable[Key] = (),
    scale: float = 1.0,
    older_envelope: bool = False,
    clock: Clock | None = None,
    faults: Faults | None = None,
) -> Emulator:
    """
    Make the emulator.

    Writes succeed without changing the world and are counted as notifications of kind
    :data:`WRITE`, because in reality somebody might be notified of them.

    :param world: what the organisation has; changes to it are seen by the next request
    :param api_key: a key that never expires
    :param scopes: of that key
    :param more_keys: further keys
    :param scale: emulated seconds per second, where no clock is given
    :param older_envelope: whether replies have the shape of the older documentation
    :param clock: what time it is
    :param faults: what goes wrong
    :return: the emulator, not yet served
    """
    clock = clock or Clock(scale)
    access = Access(clock, [Key(api_key, tuple(scopes)), *more_keys])
    api = KlipyApi(world, access, clock, older_envelope=older_envelope)

    def fault_reply(status: int, path: str) -> Response:
        headers = {"Retry-After": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        return api.error_reply(
            ApiError(status, "INJECTED", f"Injected {status} at {path}.", None, headers)
        )

    emulator = Emulator(
        "klipy",
        api.app,
        clock=clock,
        faults=faults,
        content=api.content,
        fault_reply=fault_reply,
    )
    api.on_write = lambda: emulator.journal.notify(WRITE)
    return emulator


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the options of the command line.

    :param parser: of the emulator
    """
    parser.add_argument("--contacts", type=int, default=2000, help="size of the invented customer")
    parser.add_argument("--api-key", default=API_KEY, help="key that the API accepts")
    parser.add_argument("--older-envelope", action="store_true", help="reply in the older shape")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="also write the CSV export")


def build(args: argparse.Namespace) -> Emulator:
    """
    Make the emulator of an invented customer and, on request, the customer's CSV export.

    :param args: the options; attachments are exported by URL only when the port is given
    :return: the emulator, not yet served
    """
    world = generate(args.seed, args.contacts)
    if args.export is not None:
        files_url = f"http://{args.host}:{args.port}/files" if args.port else None
        write_export(world, args.export, files_url=files_url)
    return create(world, api_key=args.api_key, scale=args.scale, older_envelope=args.older_envelope)
