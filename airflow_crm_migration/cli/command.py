"""What every command has in common."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from airflow.cli.cli_config import lazy_load_command

from airflow_crm_migration.core.errors import (
    CrmError,
    StagingBroken,
    StagingUnusable,
    UserMistake,
)

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable


def command(path: str) -> Callable[[Namespace], None]:
    """
    Make a command of a function that is imported when it is called.

    The function takes the parsed arguments and returns an exit status. What a person can mend, or
    what a CRM said, is printed one line each; anything else is a bug and keeps its traceback.

    :param path: import path of the function
    :return: function for :class:`airflow.cli.cli_config.ActionCommand`
    """
    run = lazy_load_command(path)

    def call(args: Namespace) -> None:
        # Without it Airflow looks for connections in the environment and in secrets backends
        # only: those kept in its database are for processes that call themselves a server.
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        try:
            status = run(args)
        except UserMistake as mistake:
            status = _complain(mistake.findings)
        except CrmError as error:
            status = _complain([error.message])
        except (StagingBroken, StagingUnusable) as error:
            status = _complain([str(error)])
        if status:
            sys.exit(status)

    return call


def _complain(lines: list[str]) -> int:
    for line in lines:
        print(line, file=sys.stderr)
    return 1
