"""A stand-in for Twenty 2.21: its REST and GraphQL APIs, files and metadata, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.emulators.base import Faults
from airflow_crm_migration.emulators.twenty.app import ADMIN, create

if TYPE_CHECKING:
    import argparse

    from airflow_crm_migration.emulators.base import Emulator

__all__ = ["ADMIN", "add_arguments", "build", "create"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command line.

    :param parser: of ``python -m airflow_crm_migration.emulators twenty``
    """
    parser.add_argument("--api-key", default="emulator-key", help="key that is accepted")
    parser.add_argument("--workspace-id", default="", help="UUID of the workspace")
    parser.add_argument("--empty", action="store_true", help="no demo records")
    parser.add_argument(
        "--member",
        action="append",
        default=[],
        metavar="EMAIL:FIRST:LAST",
        help="a further member, may be repeated",
    )
    parser.add_argument("--batch-maximum", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=100, help="calls in one second")
    parser.add_argument("--per-minute", type=float, default=100, help="calls in one minute")


def build(args: argparse.Namespace) -> Emulator:
    """Make the emulator.

    :param args: the options
    :return: the emulator, not yet served
    :raises ValueError: when a member is not written as EMAIL:FIRST:LAST
    """
    members = [ADMIN]
    for text in args.member:
        email, _, names = text.partition(":")
        first, colon, last = names.partition(":")
        if not colon:
            raise ValueError(f"--member {text!r}: write EMAIL:FIRST:LAST")
        members.append((email, first, last))
    return create(
        api_key=args.api_key,
        scale=args.scale,
        faults=Faults(args.seed),
        batch_maximum=args.batch_maximum,
        short_limit=(args.per_second, 1.0),
        long_limit=(args.per_minute, 60.0),
        members=members,
        demo_records=not args.empty,
        workspace_id=args.workspace_id or None,
    )
