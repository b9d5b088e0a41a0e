"""Plays the customer: provisions owners, signs what is laid before him, says what he does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_crm_migration.core.gates import UNSIGNED, Gate, read_proposal
from airflow_crm_migration.core.signoff import sign
from airflow_crm_migration.engagement import load_engagement
from airflow_crm_migration.hooks.signing import signing_keyring
from airflow_crm_migration.hooks.staging import open_staging
from demo.emulators import address, join

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_crm_migration.core.staging import Staging
    from demo.emulators import Emulators

SIGNER = "Dana Customer <dana@customer.example>"


def staging_of(file: Path) -> Staging:
    """
    Open the staging of an engagement.

    :param file: path of the engagement file
    """
    engagement = load_engagement(file)
    place = engagement.staging
    return open_staging(
        place.url, engagement.id, conn_id=place.conn_id, kms_key_id=place.kms_key_id
    )


class Customer(threading.Thread):
    """
    Looks which gates wait, and answers them as a customer would.

    Use as a context manager around the run.

    :param engagement: path of the engagement file
    :param crms: the source, whose users the customer knows, and the destination, where the
        customer provisions them
    :param say: told what the customer does
    :param pause: seconds between two looks
    """

    def __init__(
        self, engagement: Path, crms: Emulators, say: Callable[[str], None], pause: float = 0.5
    ) -> None:
        super().__init__(name="customer", daemon=True)
        self._id = load_engagement(engagement).id
        self._staging = staging_of(engagement)
        self._crms = crms
        self._say = say
        self._pause = pause
        self._gone = threading.Event()
        self._joined: set[str] = set()
        self._answered: set[bytes] = set()

    def __enter__(self) -> Customer:
        """Come to work."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Go home."""
        self._gone.set()
        self.join()

    def run(self) -> None:
        """Answer every gate that waits, once."""
        while not self._gone.wait(self._pause):
            for name in self._staging.names("gates"):
                try:
                    wait = self._staging.read_bytes(name)
                except FileNotFoundError:
                    continue  # it opened just now
                if wait not in self._answered:
                    self._answered.add(wait)
                    self._answer(*name.removesuffix(".json").split("/")[1:])

    def _answer(self, gate: str, place: str) -> None:
        if gate == "owners":
            self._provision(place)
        elif gate not in UNSIGNED:
            self._sign(gate, None if place == "_" else place)

    def _provision(self, place: str) -> None:
        for owner in self._staging.read_json(f"review/owners/{place}.json")["waiting_for"]:
            user = self._crms.user(owner["name"], owner["email"])
            if user.id not in self._joined:
                self._joined.add(user.id)
                join(self._crms.twenty, user.email or address(user.name), user.name)
                self._say(f"customer: invited {user.name} to the workspace, who accepted")

    def _sign(self, name: str, environment: str | None) -> None:
        gate = Gate(self._id, name, environment)
        proposal = read_proposal(self._staging, gate)
        if proposal is None:
            self._say(f"customer: nothing to sign for {gate} yet")
            return
        sign(
            self._staging,
            signing_keyring(),
            proposal,
            signer=SIGNER,
            recorded_by="demo",
            now=datetime.now(UTC),
        )
        self._say(f"customer: looked at review/{gate.slot}.json and signed it")
