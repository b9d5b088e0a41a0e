"""The program that forks a process per load."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).parent.parent.parent / "faults" / "load_process.py"
ROOT = Path(__file__).parent.parent.parent.parent
PATIENCE = 60.0


class LoadProcesses:
    """A running program."""

    def __init__(self, platform: str) -> None:
        self._program = subprocess.Popen(
            [sys.executable, str(PROGRAM), platform],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONWARNINGS": "ignore",
                "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            },
        )

    def begin(self, job: dict[str, Any]) -> int:
        """Start a job and return its process id."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps(job) + "\n")
        self._program.stdin.flush()
        return self._number()

    def end(self) -> int:
        """Wait until the job has ended or sleeps; return its status, negative for a signal."""
        return self._number()

    def stop(self) -> None:
        """End the program."""
        self._program.communicate(timeout=PATIENCE)

    def _number(self) -> int:
        assert self._program.stdout is not None
        return int(self._program.stdout.readline())
