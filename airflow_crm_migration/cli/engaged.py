"""What the commands about an engagement share."""

from __future__ import annotations

import getpass
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_crm_migration.core.errors import UserMistake
from airflow_crm_migration.core.gates import OF_PRODUCTION, ONCE_PER_ENGAGEMENT, Gate
from airflow_crm_migration.engagement import load_engagement
from airflow_crm_migration.hooks.staging import open_staging

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_crm_migration.core.staging import Staging
    from airflow_crm_migration.engagement import Engagement


@dataclass(frozen=True)
class Engaged:
    """
    An engagement with its staging.

    :param file: path of the engagement file, as given
    """

    file: str
    engagement: Engagement
    staging: Staging

    @classmethod
    def of(cls, args: Namespace) -> Engaged:
        """
        Read the engagement file and open its staging.

        :raises UserMistake: either has a mistake
        """
        engagement = load_engagement(args.engagement)
        place = engagement.staging
        staging = open_staging(
            place.url, engagement.id, conn_id=place.conn_id, kms_key_id=place.kms_key_id
        )
        return cls(args.engagement, engagement, staging)

    def gate(self, name: str, environment: str | None) -> Gate:
        """
        Return a gate of the engagement.

        :raises UserMistake: it needs an environment that is not named or not connected
        """
        gate = Gate(self.engagement.id, name, environment)
        if gate.environment is not None:
            self.check_environment(gate.environment)
        return gate

    def check_environment(self, name: str) -> None:
        """
        Check that an environment is connected.

        :raises UserMistake: it is not
        """
        known = self.engagement.environments
        if name not in known:
            raise UserMistake(
                f"{self.file}: connections has no {name}; add it or name one of: {', '.join(known)}"
            )

    def gates(self, *names: str) -> list[Gate]:
        """Return gates in all their environments."""
        return [
            Gate(self.engagement.id, name, environment)
            for name in names
            for environment in self._environments(name)
        ]

    def _environments(self, gate: str) -> list[str | None]:
        if gate in ONCE_PER_ENGAGEMENT:
            return [None]
        known = self.engagement.environments
        return [e for e in known if e == "production" or gate not in OF_PRODUCTION]


def recorded_by() -> str:
    """Return the operating system's user and host."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def plain(text: str) -> str:
    """Return text that cannot steer the terminal: it may come from a CRM."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def confirm(question: str, *, yes: bool) -> bool:
    """
    Ask somebody at the terminal.

    :param yes: do not ask
    :raises UserMistake: nobody is there to ask
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UserMistake(
            "nobody is at the terminal to confirm this; add --yes when you have looked"
        )
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
