"""The two CRMs of the demo as processes of their own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.emulators.messy import World, generate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from airflow_crm_migration.emulators.messy.world import User

KLIPY_KEY = "klipy_api_demo"
TWENTY_KEY = "twenty-demo-key"


@dataclass(frozen=True)
class Emulators:
    """
    The running CRMs.

    :param scale: seconds on their clocks per second of ours
    :param world: what the source holds, with its truth
    """

    klipy: str
    twenty: str
    scale: float
    world: World

    def connections(self) -> dict[str, dict[str, Any]]:
        """Return the Airflow connections; their limits are the published ones on a faster clock."""
        minute = 60 / self.scale
        return {
            "klipy_demo": {
                "conn_type": "klipy",
                "host": self.klipy,
                "password": KLIPY_KEY,
                "extra": {"rate_limits": f"200/{minute:g}s"},
            },
            "twenty_demo": {
                "conn_type": "twenty",
                "host": self.twenty,
                "password": TWENTY_KEY,
                "extra": {"rate_limits": f"100/{minute:g}s"},
            },
        }

    def user(self, name: str, email: str) -> User:
        """
        Return the user whom the source calls so: by e-mail in one place, by name in another.

        :param email: blank where the source gives the name alone
        """
        users = self.world.users.values()
        return next(u for u in users if (u.email == email if email else u.name == name))

    def owners(self, *, everybody: bool = False) -> dict[str, str]:
        """
        Return what the customer says of owners whose name two members share.

        :param everybody: and of those who are no members: their records get no owner
        """
        users, truth, said = self.world.users, self.world.truth, {}
        for name, ids in truth.ambiguous_owner_names.items():
            said[name] = next(e for i in sorted(ids) if (e := users[i].email))
        if everybody:
            for user in (users[i] for i in sorted(truth.owners_without_member)):
                said |= {key: "leave_empty" for key in (user.email, user.name) if key}
        return said


@contextlib.contextmanager
def running(
    seed: int, contacts: int, scale: float, export: Path, ports: tuple[int, int] = (0, 0)
) -> Iterator[Emulators]:
    """
    Start both emulators and stop them at the end.

    :param export: folder that the customer's CSV files are written to
    :param ports: of Klipy and Twenty, 0 for any free one
    """
    world = generate(seed, contacts)
    members = [f"--member={':'.join(member)}" for member in members_of(world)]
    common = [f"--scale={scale}", f"--seed={seed}"]
    klipy = [f"--contacts={contacts}", f"--api-key={KLIPY_KEY}", f"--export={export}"]
    with (
        _process("klipy", [*common, *klipy, f"--port={ports[0]}"]) as klipy_url,
        _process(
            "twenty", [*common, f"--api-key={TWENTY_KEY}", *members, f"--port={ports[1]}"]
        ) as url,
    ):
        yield Emulators(klipy_url, url, scale, world)


def members_of(world: World) -> list[tuple[str, str, str]]:
    """Return e-mail, first and last name of the users who are members of the destination."""
    users = [user for user in world.users.values() if user.member]
    return [(u.email or address(u.name), *u.name.partition(" ")[::2]) for u in users]


def address(name: str) -> str:
    """Return the e-mail of somebody of whom the source knows the name only."""
    return name.lower().replace(" ", ".") + "@vendor-example.com"


@contextlib.contextmanager
def _process(name: str, arguments: Sequence[str]) -> Iterator[str]:
    command = [sys.executable, "-m", "airflow_crm_migration.emulators", name, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if "http://" not in line:
                raise SystemExit(f"the {name} emulator did not start; its own words are above")
            yield line.split()[-1]
        finally:
            process.terminate()
            process.wait(timeout=30)


def join(url: str, email: str, name: str) -> None:
    """Let somebody accept an invitation to the Twenty workspace, as a person would."""
    first, _, last = name.partition(" ")
    body = json.dumps({"email": email, "first": first, "last": last}).encode()
    request = urllib.request.Request(f"{url}/_emulator/join", data=body, method="POST")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, timeout=30).close()


def count(url: str, plural: str) -> int:
    """Ask Twenty how many records it holds, with nothing but the standard library."""
    request = urllib.request.Request(
        f"{url}/rest/{plural}?limit=1", headers={"Authorization": f"Bearer {TWENTY_KEY}"}
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return int(json.load(reply)["totalCount"])
