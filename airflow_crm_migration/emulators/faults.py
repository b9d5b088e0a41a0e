"""Faults on demand: what goes wrong between a client and a server."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import asdict, dataclass, field, fields
from statistics import NormalDist
from typing import Any

KINDS = ("latency", "429", "5xx", "timeout", "reply_lost")
_Z99 = NormalDist().inv_cdf(0.99)


@dataclass
class Rule:
    """A fault for the next requests that match.

    :param kind: one of :data:`KINDS`
    :param method: HTTP method, ``*`` for any
    :param path: regular expression searched in the path (without the query)
    :param times: how many requests it hits
    :param skip: how many matching requests pass before
    :param seconds: emulated seconds of a ``latency``, or that a ``timeout`` holds before it closes
    :param status: status of a ``5xx``
    :raises ValueError: when a value makes no sense
    """

    kind: str
    method: str = "*"
    path: str = ""
    times: int = 1
    skip: int = 0
    seconds: float = 30.0
    status: int = 503

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r}: one of {', '.join(KINDS)}")
        try:
            re.compile(self.path)
        except re.error as e:
            raise ValueError(f"fault path {self.path!r}: {e}") from e

    def hits(self, method: str, path: str) -> bool:
        """Tell whether this request is hit, and count it.

        :param method: of the request
        :param path: of the request
        :return: whether the fault applies
        """
        matches = self.method in ("*", method) and re.search(self.path, path)
        if not matches or self.times <= 0:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
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
            if kind not in KINDS[1:]:
                raise ValueError(f"fault kind {kind!r}: one of {', '.join(KINDS[1:])}")


@dataclass
class Fault:
    """What happens to one request.

    :param kind: fault instead of (or after) the handler, empty for none
    :param latency: emulated seconds before it is handled
    :param seconds: emulated seconds that a ``timeout`` holds
    :param status: status of the reply that is made up
    """

    kind: str = ""
    latency: float = 0.0
    seconds: float = 30.0
    status: int = 503


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

    def decide(self, number: int, method: str, path: str) -> Fault:
        """Decide the fate of a request and log it.

        :param number: of the request, counted from 1
        :param method: of the request
        :param path: of the request
        :return: what happens to it
        """
        fault = Fault(latency=self._latency(number), seconds=self.plan.timeout_seconds)
        hit = [r for r in self.rules if r.hits(method, path)]
        self.rules = [r for r in self.rules if r.times > 0]
        for rule in hit:
            if rule.kind == "latency":
                fault.latency += rule.seconds
            else:
                fault.kind, fault.seconds, fault.status = rule.kind, rule.seconds, rule.status
        if not hit:
            fault.kind = self._drawn(number)
        if fault.kind == "429":
            fault.status = 429
        for kind in [r.kind for r in hit] or ([fault.kind] if fault.kind else []):
            self.log.append({"kind": kind, "method": method, "path": path, "request": number})
        return fault

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
