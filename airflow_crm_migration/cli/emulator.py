"""``airflow crm-migration emulator``: serves a stand-in CRM in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from argparse import Namespace


def run(args: Namespace) -> int:
    """
    Serve one emulator until it is interrupted.

    :param args: ``arguments``: the platform and its options
    :return: exit status
    :raises UserMistake: what emulators need is not installed
    """
    try:
        from airflow_crm_migration.emulators.__main__ import main

        return main(args.arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("airflow_crm_migration"):
            raise
        raise UserMistake(
            f"emulators need the module {error.name!r}: "
            "pip install 'airflow-crm-migration[emulators]'"
        ) from error
