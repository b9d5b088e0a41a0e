"""Faults on demand: what goes wrong between a client and a server."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import asdict, dataclass, field, fields
from statistics import NormalDist
from typing import Any

KINDS = (
    "latency",
    "400",
    "429",
    "5xx",
    "timeout",
    "reply_lost",
    "401",
    "5xx_after",
    "half_reply",
    "late",
)
"""What can happen to a request.

``400`` takes the place of the commit, as by a rule of the server that nobody foresees, and can go
along with any other. ``401``, ``429`` and ``5xx`` come before the commit, ``5xx_after``,
``reply_lost`` and ``half_reply`` after it. A ``timeout`` closes the connection without a commit;
``late`` closes it at once and commits afterwards.
"""
_BESIDE = ("latency", "400")
_DRAWN = tuple(kind for kind in KINDS if kind not in _BESIDE)
_FIXED = {"401": 401, "429": 429}
_Z99 = NormalDist().inv_cdf(0.99)


@dataclass
class Rule:
    """A fault for the next requests that match.

    :param kind: one of :data:`KINDS`
    :param method: HTTP method, ``*`` for any
    :param path: regular expression searched in the path (without the query)
    :param asks: regular expression searched in the query and the body
    :param times: how many requests it hits
    :param skip: how many matching requests pass before
    :param seconds: emulated seconds of a ``latency``, that a ``timeout`` holds before it closes, or
        after which a ``late`` one is handled
    :param status: status of a ``5xx`` or ``5xx_after``
    :param retry_after: emulated seconds that the reply asks to wait; none when left out
    :param label: told in the log
    :raises ValueError: when a value makes no sense
    """

    kind: str
    method: str = "*"
    path: str = ""
    times: int = 1
    skip: int = 0
    seconds: float = 30.0
    status: int = 503
    asks: str = ""
    retry_after: float | None = None
    label: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r}: one of {', '.join(KINDS)}")
        for name, pattern in (("path", self.path), ("asks", self.asks)):
            try:
                re.compile(pattern)
            except re.error as e:
                raise ValueError(f"fault {name} {pattern!r}: {e}") from e

    def due(self, method: str, path: str, asked: bytes = b"") -> bool:
        """Tell whether this request may be hit; those that pass before are counted.

        :param method: of the request
        :param path: of the request
        :param asked: query and body of the request
        :return: whether it is a matching one and its turn
        """
        matches = (
            self.method in ("*", method)
            and re.search(self.path, path)
            and re.search(self.asks.encode(), asked)
        )
        if not matches or self.times <= 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        return True


@dataclass
class Plan:
    """Random faults for every request.

    :param rates: kind -> share of the requests, 0 to 1; ``latency`` has its own two numbers
    :param p50: median latency in emulated seconds
    :param p99: 99th percentile of the latency in emulated seconds
    :param timeout_seconds: emulated seconds that a ``timeout`` holds before it closes
    :raises ValueError: when a kind is unknown
    """

    rates: dict[str, float] = field(default_factory=dict)
    p50: float = 0.0
    p99: float = 0.0
    timeout_seconds: float = 30.0

    def __post_init__(self) -> None:
        for kind in self.rates:
            if kind not in _DRAWN:
                raise ValueError(f"fault kind {kind!r}: one of {', '.join(_DRAWN)}")


@dataclass
class Fault:
    """What happens to one request.

    :param kind: fault instead of (or after) the handler, empty for none
    :param latency: emulated seconds before it is handled
    :param refused: whether it is refused where it would be handled
    :param seconds: emulated seconds that a ``timeout`` holds
    :param status: status of the reply that is made up
    :param retry_after: emulated seconds that this reply asks to wait
    """

    kind: str = ""
    latency: float = 0.0
    refused: bool = False
    seconds: float = 30.0
    status: int = 503
    retry_after: float | None = None


class Faults:
    """A seeded, programmable plan of faults; the same seed gives request n the same fate.

    :param seed: of the random part
    :param plan: the random part
    """

    def __init__(self, seed: int = 1, plan: Plan | None = None) -> None:
        self.seed = seed
        self.plan = plan or Plan()
        self.rules: list[Rule] = []
        self.log: list[dict[str, Any]] = []

    def program(self, wanted: list[dict[str, Any]] | dict[str, Any]) -> None:
        """Add one-shot rules, or replace the random plan.

        :param wanted: a list of rules, or the parameters of a :class:`Plan` and optionally a seed
        :raises ValueError: when it cannot be understood
        """
        try:
            if isinstance(wanted, dict):
                self.plan = Plan(**{k: v for k, v in wanted.items() if k != "seed"})
                self.seed = int(wanted.get("seed", self.seed))
            else:
                self.rules.extend([Rule(**r) for r in wanted])
        except TypeError as e:
            known = [f.name for f in fields(Plan if isinstance(wanted, dict) else Rule)]
            raise ValueError(f"{e}; known: {', '.join(known)}") from e

    def clear(self) -> None:
        """Forget the rules, the plan and the log."""
        self.rules, self.plan, self.log = [], Plan(), []

    def decide(self, number: int, method: str, path: str, asked: bytes = b"") -> Fault:
        """Decide the fate of a request and log it.

        Latencies add up and a refusal goes along; of all else that is due one thing happens, and
        the rest waits.

        :param number: of the request, counted from 1
        :param method: of the request
        :param path: of the request
        :param asked: query and body of the request
        :return: what happens to it
        """
        fault = Fault(latency=self._latency(number), seconds=self.plan.timeout_seconds)
        hit = self._hit(method, path, asked)
        for rule in hit:
            if rule.kind == "latency":
                fault.latency += rule.seconds
            elif rule.kind == "400":
                fault.refused = True
            else:
                fault.kind, fault.seconds, fault.status = rule.kind, rule.seconds, rule.status
                fault.retry_after = rule.retry_after
        told = [(rule.kind, rule.label) for rule in hit]
        if not fault.kind and (drawn := self._drawn(number)):
            fault.kind = drawn
            told.append((drawn, ""))
        fault.status = _FIXED.get(fault.kind, fault.status)
        for kind, label in told:
            entry = {"kind": kind, "method": method, "path": path, "request": number}
            self.log.append(entry | ({"label": label} if label else {}))
        return fault

    def _hit(self, method: str, path: str, asked: bytes) -> list[Rule]:
        due = [r for r in self.rules if r.due(method, path, asked)]
        hit = [r for r in due if r.kind in _BESIDE]
        hit += [r for r in due if r.kind not in _BESIDE][:1]
        for rule in hit:
            rule.times -= 1
        self.rules = [r for r in self.rules if r.times > 0]
        return hit

    def state(self) -> dict[str, Any]:
        """Describe what is planned and what was injected.

        :return: rules, plan and log as JSON values
        """
        rules = [asdict(r) for r in self.rules]
        return {"rules": rules, "plan": asdict(self.plan), "seed": self.seed, "log": self.log}

    def _uniform(self, number: int, what: str) -> float:
        digest = hashlib.blake2b(f"{self.seed}:{number}:{what}".encode(), digest_size=8).digest()
        return (int.from_bytes(digest) + 0.5) / 2**64

    def _latency(self, number: int) -> float:
        if self.plan.p50 <= 0:
            return 0.0
        sigma = math.log(max(self.plan.p99 / self.plan.p50, 1.0)) / _Z99
        z = NormalDist().inv_cdf(self._uniform(number, "latency"))
        return self.plan.p50 * math.exp(sigma * z)

    def _drawn(self, number: int) -> str:
        left = self._uniform(number, "kind")
        for kind, rate in self.plan.rates.items():
            left -= rate
            if left < 0:
                return kind
        return ""
