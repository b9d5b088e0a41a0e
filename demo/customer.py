"""Plays the customer: drops the export, signs what is laid before him, says what he does."""

from __future__ import annotations

import threading
from argparse import Namespace
from typing import TYPE_CHECKING

from airflow_crm_migration.cli import sign
from airflow_crm_migration.core.errors import UserMistake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIGNER = "Dana Customer <dana@customer.example>"
ENVIRONMENTS = {"_": None, "sandbox": "sandbox", "production": "production"}


class Customer(threading.Thread):
    """
    Looks which gates wait, and answers them as a customer would.

    Use as a context manager around the run.

    :param engagement: path of the engagement file
    :param staging: the engagement's folder
    :param say: told what the customer does
    """

    def __init__(self, engagement: Path, staging: Path, say: Callable[[str], None]) -> None:
        super().__init__(name="customer", daemon=True)
        self._engagement = engagement
        self._staging = staging
        self._say = say
        self._gone = threading.Event()

    def __enter__(self) -> Customer:
        """Come to work."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Go home."""
        self._gone.set()
        self.join()

    def run(self) -> None:
        """Answer every gate that waits."""
        while not self._gone.wait(0.5):
            for waiting in sorted(self._staging.glob("gates/*/*.json")):
                self._answer(waiting.parent.name, waiting.stem)

    def _answer(self, gate: str, place: str) -> None:
        if gate not in ("scope", "mapping", "duplicates", "rehearsal"):
            return
        args = Namespace(
            engagement=str(self._engagement), gate=gate, environment=ENVIRONMENTS[place],
            signer=SIGNER, evidence=None, yes=True,
        )  # fmt: skip
        try:
            sign.run(args)
        except UserMistake as mistake:
            self._say(f"customer: cannot sign {gate} yet: {mistake}")
        else:
            self._say(f"customer: looked at review/{gate}/{place}.json and signed it")
