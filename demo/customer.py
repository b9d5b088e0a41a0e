"""Plays the customer: drops the export, signs what is laid before him, says what he does."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from argparse import Namespace
from typing import TYPE_CHECKING

from airflow_crm_migration.cli import sign
from airflow_crm_migration.core.errors import UserMistake
from demo.emulators import address, join

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
    :param twenty: address of the destination, where the customer provisions owners
    :param say: told what the customer does
    """

    def __init__(
        self, engagement: Path, staging: Path, twenty: str, say: Callable[[str], None]
    ) -> None:
        super().__init__(name="customer", daemon=True)
        self._engagement = engagement
        self._twenty = twenty
        self._staging = staging
        self._say = say
        self._gone = threading.Event()
        self._joined: set[str] = set()
        self._signed: set[str] = set()

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
                self._answer(waiting)

    def _answer(self, waiting: Path) -> None:
        gate, place, wait = waiting.parent.name, waiting.stem, waiting.read_text(encoding="utf-8")
        if gate == "owners":
            self._provision(place)
        elif gate in ("scope", "mapping", "duplicates", "rehearsal") and wait not in self._signed:
            self._signed.add(wait)
            self._sign(gate, place)

    def _provision(self, place: str) -> None:
        review = self._staging / "review" / "owners" / f"{place}.json"
        waiting = json.loads(review.read_text(encoding="utf-8"))["waiting_for"]
        for owner in waiting:
            name = owner["name"] or owner["email"].partition("@")[0].title()
            email = owner["email"] or address(name)
            if email not in self._joined:
                self._joined.add(email)
                join(self._twenty, email, name)
                self._say(f"customer: invited {name} to the workspace, who accepted")

    def _sign(self, gate: str, place: str) -> None:
        args = Namespace(
            engagement=str(self._engagement), gate=gate, environment=ENVIRONMENTS[place],
            signer=SIGNER, evidence=None, yes=True,
        )  # fmt: skip
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                sign.run(args)
        except UserMistake as mistake:
            self._say(f"customer: cannot sign {gate} yet: {mistake}")
        else:
            self._say(f"customer: looked at review/{gate}/{place}.json and signed it")
