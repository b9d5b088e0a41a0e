"""``make bench``: how much of what a destination permits becomes accepted records.

R is accepted records divided by (requests that the windows permitted on our share, times the
records that a request may carry). Retries, look-ups and refusals are requests that carry nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_crm_migration.core.dry_run import DryDestination
from airflow_crm_migration.core.forecast import Prediction, read_forecast
from airflow_crm_migration.core.steps.load import load_step
from benchmarks.bench import FAULTS, LATENCY, PER_MINUTE, PER_SECOND, workspace
from benchmarks.undoing import Undone, undone
from benchmarks.workload import mapping, write_drafts

if TYPE_CHECKING:
    from airflow_crm_migration.core.run import Run
    from benchmarks.bench import Bench, TimedHook

BAR = 0.97
SCALES_AGREE = 0.01
REQUESTS_WITHIN = 0.05
DURATION_WITHIN = 0.15
PLURALS = {"company": ("companies",), "person": ("people",), "task": ("tasks", "taskTargets")}
"""Every task has a row that links it to a person, in batches of their own."""
_MINUTE = 60.0


@dataclass(frozen=True)
class Load:
    """
    One object loaded.

    :param accepted: records and rows between records, as the destination counts
    :param seconds: on the destination's clock, from the first limited request to the last reply
    :param requests: to the destination, of any kind
    :param throttled: refusals for coming too fast, injected ones too
    :param faults: injected refusals and server errors
    """

    phase: str
    accepted: int
    seconds: float
    requests: int
    throttled: int
    faults: int
    batch: int
    share: float

    @property
    def permitted(self) -> float:
        """Requests that the windows permitted meanwhile, on our share."""
        return 1 + self.share * self.seconds * PER_MINUTE / _MINUTE

    @property
    def ratio(self) -> float:
        """R."""
        return self.accepted / (self.permitted * self.batch)


@dataclass(frozen=True)
class Measured:
    """
    The whole mix at one speed of the clock.

    :param refused: requests that the limits refused, injected refusals left out
    """

    scale: float
    loads: list[Load]
    refused: int

    @property
    def ratio(self) -> float:
        """R of the whole mix."""
        return sum(load.accepted for load in self.loads) / sum(
            load.permitted * load.batch for load in self.loads
        )

    @property
    def made(self) -> tuple[int, float]:
        """Requests made, and seconds that they took."""
        return sum(x.requests for x in self.loads), sum(x.seconds for x in self.loads)


@dataclass(frozen=True)
class Foretold:
    """
    What a dry run says of the mix.

    :param seconds: on the destination's clock
    """

    requests: int
    seconds: float


def foretell(scale: float, batches: int) -> Foretold:
    """
    Load the mix into an empty workspace, dry.

    :param scale: of its clock
    :param batches: full batches of records and rows of each object
    """
    say(f"clock x {scale:g}: dry run")
    with workspace(scale) as bench:
        run = bench.run("dry", dry_run=True)
        for phase in PLURALS:
            hook = bench.hook()
            write_drafts(run, phase, records(phase, batches, hook))
            load(run, phase, DryDestination(hook))
        found = read_forecast(run)
    total = found.total if found else Prediction("", "")
    return Foretold(total.requests, total.seconds * scale)


def measure(scale: float, batches: int) -> Measured:
    """
    Load the mix into an empty workspace that answers late and sometimes not at all.

    :param scale: of its clock
    :param batches: full batches of records and rows of each object
    """
    with workspace(scale) as bench:
        run = bench.run("run")
        bench.disturb()
        loads = []
        for phase in PLURALS:
            number = records(phase, batches, bench.hook())
            write_drafts(run, phase, number)
            say(f"clock x {scale:g}: {number:,} of {phase}")
            loads.append(timed(bench, run, phase))
        log = bench.ask("faults")["log"]
        refused = sum(x.throttled for x in loads) - sum(x["kind"] == "429" for x in log)
        return Measured(scale, loads, refused)


def records(phase: str, batches: int, hook: TimedHook) -> int:
    """Return how many records fill the batches of an object, its links in batches of their own."""
    return batches * hook.capabilities.batch_size // len(PLURALS[phase])


def load(run: Run, phase: str, destination: Any) -> dict[str, Any]:
    """Load a phase."""
    return load_step(run, destination, mapping(), phase, owners={}, say=lambda line: None)


def timed(bench: Bench, run: Run, phase: str) -> Load:
    """Load a phase as a task of its own and look at it from outside."""
    hook: TimedHook = bench.hook()
    before = sum(bench.count(plural) for plural in PLURALS[phase])
    faults = len(bench.ask("faults")["log"])
    load(run, phase, hook)
    accepted = sum(bench.count(plural) for plural in PLURALS[phase]) - before
    return Load(
        phase,
        accepted,
        (hook.last - (hook.first or 0.0)) * bench.scale,
        hook.usage.requests,
        hook.throttled,
        len(bench.ask("faults")["log"]) - faults,
        hook.capabilities.batch_size,
        hook.budget.share,
    )


def isolation(scale: float, batches: int, bad: int) -> tuple[int, int]:
    """
    Load people of whom some are refused although nothing told beforehand that they would be.

    :return: requests without such rows, and requests with them
    """
    made = []
    with workspace(scale) as bench:
        for name, number in (("clean", 0), ("bad", bad)):
            run, hook = bench.run(name), bench.hook()
            size = hook.capabilities.batch_size
            start = 0 if number else batches * size
            write_drafts(run, "person", batches * size, number, start)
            load(run, "person", hook)
            made.append(hook.usage.requests)
    return made[0], made[1]


# -- telling -------------------------------------------------------------------------------


def say(line: str) -> None:
    """Tell what is being done."""
    print(f"bench: {line}", file=sys.stderr, flush=True)


def off(forecast: float, made: float) -> float:
    """Return how far a forecast was off."""
    return abs(forecast - made) / made


def verdicts(dry: Foretold, fast: Measured, slow: Measured) -> dict[str, tuple[str, bool]]:
    """Return what was found beside each bar, and whether the bar was reached."""
    worst = min(load.ratio for load in fast.loads + slow.loads)
    apart = abs(fast.ratio - slow.ratio)
    refused = fast.refused + slow.refused
    requests = max(off(dry.requests, m.made[0]) for m in (fast, slow))
    seconds = max(off(dry.seconds, m.made[1]) for m in (fast, slow))
    return {
        f"R of every object at least {BAR}": (f"{worst:.3f}", worst >= BAR),
        f"R at both clocks within {SCALES_AGREE:.0%}": (f"{apart:.2%}", apart < SCALES_AGREE),
        "requests refused, but for injected refusals: none": (f"{refused}", refused == 0),
        f"requests foretold within {REQUESTS_WITHIN:.0%}": (
            f"{requests:.1%}",
            requests <= REQUESTS_WITHIN,
        ),
        f"duration foretold within {DURATION_WITHIN:.0%}": (
            f"{seconds:.1%}",
            seconds <= DURATION_WITHIN,
        ),
    }


def report(dry: Foretold, fast: Measured, slow: Measured) -> None:
    """Print the tables."""
    print(f"{'object':<13}{'accepted':>9}{'requests':>9}{'faults':>7}", end="")
    print(f"{f'R at x{fast.scale:g}':>11}{f'R at x{slow.scale:g}':>11}")
    for one, other in zip(fast.loads, slow.loads, strict=True):
        print(f"{one.phase:<13}{one.accepted:>9,}{one.requests:>9,}{one.faults:>7}", end="")
        print(f"{one.ratio:>11.3f}{other.ratio:>11.3f}")
    accepted, faults = (sum(getattr(x, n) for x in fast.loads) for n in ("accepted", "faults"))
    print(f"{'in all':<13}{accepted:>9,}{fast.made[0]:>9,}{faults:>7}", end="")
    print(f"{fast.ratio:>11.3f}{slow.ratio:>11.3f}\n")
    print(f"foretold {dry.requests:,} requests in {dry.seconds:,.0f} s of the destination's clock")
    for m in (fast, slow):
        print(f"x{m.scale:g}: made {m.made[0]:,} requests in {m.made[1]:,.0f} s of it")
    print()


def as_json(
    dry: Foretold, fast: Measured, slow: Measured, bad: dict[str, int], back: Undone
) -> dict[str, Any]:
    """Return everything that was measured, and with what."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return {
        "commit": commit,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "limits": {
            "windows": f"{PER_MINUTE}/60s, {PER_SECOND}/1s",
            "share": fast.loads[0].share,
            "batch": fast.loads[0].batch,
        },
        "latency": LATENCY,
        "faults": FAULTS,
        "measured": [
            asdict(m) | {"ratio": m.ratio, "ratios": {x.phase: x.ratio for x in m.loads}}
            for m in (fast, slow)
        ],
        "forecast": asdict(dry),
        "isolation": bad,
        "rollback": asdict(back),
        "verdicts": {
            bar: {"found": found, "ok": ok}
            for bar, (found, ok) in verdicts(dry, fast, slow).items()
        },
    }


def main() -> int:
    """Measure and print; the status says whether every bar was reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_ratio", description=__doc__)
    parser.add_argument("--scale", type=float, default=7.0)
    parser.add_argument("--batches", type=int, default=120, help="full batches of each object")
    parser.add_argument("--json", type=Path, help="file for everything that was measured")
    args = parser.parse_args()
    dry = foretell(args.scale, args.batches)
    fast, slow = (measure(s, args.batches) for s in (args.scale, args.scale / 2))
    clean, bad = isolation(args.scale * 10, batches=6, bad=3)
    report(dry, fast, slow)
    print(f"isolating an unforeseen bad row took {(bad - clean) / 3:.1f} requests more\n")
    back = undone(args.scale * 10, PLURALS, batches=4)
    print(
        f"a rollback of {back.records:,} untouched records took {back.deletes} deletes, at least "
        f"{back.fewest} were needed, and {back.reads} reads; {back.left} records were left\n"
    )
    found = verdicts(dry, fast, slow)
    for bar, (value, ok) in found.items():
        print(f"{'ok    ' if ok else 'MISSED'}  {bar}: {value}")
    if args.json:
        isolating = {"bad_rows": 3, "requests": bad, "requests_without": clean}
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(as_json(dry, fast, slow, isolating, back), indent=2))
    return 0 if all(ok for _, ok in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
