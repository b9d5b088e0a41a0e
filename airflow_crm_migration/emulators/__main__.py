"""Runs one emulator: ``python -m airflow_crm_migration.emulators twenty --port 8501``."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import signal
import sys
import threading
from typing import TYPE_CHECKING, Protocol, cast

from airflow_crm_migration import emulators
from airflow_crm_migration.emulators.server import PortTaken, start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_crm_migration.emulators.base import Emulator


class Factory(Protocol):
    """A package beside this module that makes an emulator from the command line."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the platform.

        :param parser: of the platform
        """

    def build(self, args: argparse.Namespace) -> Emulator:
        """Make the emulator.

        :param args: the options, with ``scale`` and ``seed``
        :return: the emulator, not yet served
        """


def _factory(name: str) -> Factory | None:
    """Import the stand-in of a platform, None where there is none."""
    if name not in {module.name for module in pkgutil.iter_modules(emulators.__path__)}:
        return None
    found = importlib.import_module(f"{emulators.__name__}.{name}")
    return cast("Factory", found) if hasattr(found, "build") else None


def _platforms() -> list[str]:
    modules = pkgutil.iter_modules(emulators.__path__)
    return [module.name for module in modules if module.ispkg and _factory(module.name)]


def _parser(name: str, factory: Factory) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m airflow_crm_migration.emulators {name}")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port, 0 for any free one")
    parser.add_argument("--scale", type=float, default=1.0, help="emulated seconds per second")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything random")
    factory.add_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Serve one emulator until SIGINT or SIGTERM.

    :param argv: arguments, the platform first
    :return: exit status
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else ""
    factory = _factory(name)
    if factory is None:
        print(f"emulator {name!r} is unknown: one of {', '.join(_platforms())}", file=sys.stderr)
        return 2
    args = _parser(name, factory).parse_args(arguments[1:])
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with start(factory.build(args), args.host, args.port) as running:
            print(f"{name} emulator at {running.base_url}", flush=True)
            stopped.wait()
    except (PortTaken, ValueError, OSError, OverflowError) as e:
        print(e, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
