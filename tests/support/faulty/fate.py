"""What happens to a process that loads: it dies, or its staging is slow or fails, at a named point.

Points are moments of events: requests, and objects written to staging. Every event is of the kinds
of write that it belongs to.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from airflow_crm_migration.core.staging import Staging
from tests.support.faulty.kinds import BESIDE, Request, of_object, of_request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

MET, HIT = "met", "hit"
LEASE = "lease/"
_SLOW_SECONDS = 0.05
_ERRORS = (errno.ENOSPC, errno.EIO, errno.ETIMEDOUT, errno.ECONNRESET, errno.EACCES)


@dataclass(frozen=True)
class Strike:
    """
    Something that happens to the process.

    :param label: told when it happens
    :param does: ``die``, ``sleep`` until somebody wakes it, ``slow`` or ``fail``
    :param where: ``request``, ``intent``, ``result``, ``image``, ``other`` or ``read``
    :param when: ``before``, ``during`` (of an object: half of it is written; of a request: it is
        sent) or ``after``
    :param kind: of write; any when left out
    :param match: regular expression searched in the name of the event
    :param skip: how many matching events pass before
    :param times: how many it happens to
    """

    label: str
    does: str
    where: str
    when: str
    kind: str = ""
    match: str = ""
    skip: int = 0
    times: int = 1

    def meets(self, where: str, kinds: Collection[str], name: str) -> bool:
        """Tell whether an event matches."""
        kind = not self.kind or self.kind in kinds
        return where == self.where and kind and re.search(self.match, name) is not None


@dataclass
class Fate:
    """
    Decides what happens at each event, and notes what the process lives through.

    :param requests: kind of write -> what its requests look like
    :param job: number of the job
    :param diary: file that outlives the process: a line per event that a strike met
    :param seen: every event: where, its kinds, its name
    :param slept: whether it was asleep: somebody else may have gone on meanwhile
    """

    requests: Mapping[str, Request]
    job: int
    strikes: list[Strike]
    diary: Path
    seen: list[tuple[str, list[str], str]] = field(default_factory=list)
    slept: bool = False

    def begins(
        self, where: str, kinds: Collection[str], name: str
    ) -> Callable[[str], Strike | None]:
        """Note an event and return what tells at each moment of it what happens."""
        self.seen.append((where, sorted(kinds), name))
        due = [s for s in self.strikes if s.meets(where, kinds, name) and self._turn(s)]
        return lambda when: next((s for s in due if s.when == when), None)

    def _turn(self, strike: Strike) -> bool:
        met = entries(self.diary, MET).count(strike.label)
        self._note(MET, strike)
        return strike.skip <= met < strike.skip + strike.times

    def _note(self, what: str, strike: Strike) -> None:
        with self.diary.open("a") as lines:
            lines.write(f"{what} {strike.label}\n")

    def befall(self, strike: Strike | None) -> None:
        """Let a strike happen."""
        if strike is None:
            return
        self._note(HIT, strike)
        if strike.does == "die":
            os.kill(os.getpid(), signal.SIGKILL)  # at once, as by a power cut
        if strike.does == "sleep":
            self.slept = True
            os.kill(os.getpid(), signal.SIGSTOP)
        if strike.does == "slow":
            time.sleep(_SLOW_SECONDS)
        if strike.does == "fail":
            number = _ERRORS[strike.skip % len(_ERRORS)]
            raise OSError(number, os.strerror(number))


def entries(diary: Path, what: str) -> list[str]:
    """
    Return the labels of the strikes that met an event, or that hit it.

    :param what: :data:`MET` or :data:`HIT`
    """
    lines = diary.read_text().splitlines() if diary.exists() else []
    return [line.removeprefix(f"{what} ") for line in lines if line.startswith(f"{what} ")]


@dataclass(frozen=True)
class FatedStaging(Staging):
    """A staging whose reads and writes are events, save those of beats, which have no order."""

    fate: Fate = field(kw_only=True)

    def read_bytes(self, name: str) -> bytes:
        if not name.startswith(LEASE):
            self._befall(self.fate.begins("read", {BESIDE}, name)("before"))
        return super().read_bytes(name)

    def write_bytes(self, name: str, content: bytes, *, exclusive: bool = False) -> None:
        if name.startswith(LEASE) and not exclusive:
            super().write_bytes(name, content)
            return
        where, kinds = of_object(name, content, self.fate.job)
        happens = self.fate.begins(where, kinds, name)
        self._befall(happens("before"))
        torn = happens("during")
        if torn:
            self._tear(name, content, exclusive)
        self._befall(torn)
        super().write_bytes(name, content, exclusive=exclusive)
        self._befall(happens("after"))

    def _befall(self, strike: Strike | None) -> None:
        with self._telling():
            self.fate.befall(strike)

    def _tear(self, name: str, content: bytes, exclusive: bool) -> None:
        """
        Leave half of an object of the ledger under its own name: some stores are like that.

        Of any other object that is torn a person is told to delete it.
        """
        if name.startswith("ledger/"):
            super().write_bytes(name, content[: len(content) // 2], exclusive=exclusive)


def watch_requests(fate: Fate) -> None:
    """Make every request of this process an event."""
    send = requests.Session.send
    reply = http.client.HTTPConnection.getresponse
    sent: list[Strike] = []

    def watched(
        self: requests.Session, request: requests.PreparedRequest, **more: Any
    ) -> requests.Response:
        parts = urlsplit(request.url or "")
        method = str(request.method)
        asked = f"{parts.query}\n".encode() + _body(request)
        kinds = of_request(fate.requests, fate.job, method, parts.path, asked)
        happens = fate.begins("request", kinds, f"{method} {parts.path} {asked[:200]!r}")
        fate.befall(happens("before"))
        sent[:] = [strike] if (strike := happens("during")) else []
        answer = send(self, request, **more)
        fate.befall(happens("after"))
        return answer

    def unheard(self: http.client.HTTPConnection) -> http.client.HTTPResponse:
        fate.befall(sent.pop() if sent else None)
        return reply(self)

    requests.Session.send = watched
    http.client.HTTPConnection.getresponse = unheard


def _body(request: requests.PreparedRequest) -> bytes:
    body = request.body
    return body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
