"""Checking one case: translate the model, compile the search, run it, and read what came out."""

import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from spec.cases import Case

#: Megabytes; a search that needs more counts as failed.
MEMORY = 6000

#: Longest path; a search that was cut there counts as failed.
DEPTH = 100_000

#: Seconds for one search.
PATIENCE = 900


class SpinError(Exception):
    """The model could not be translated or compiled."""


@dataclass(frozen=True)
class Finding:
    """What came of one case."""

    case: Case
    #: The first violation in Spin's words, or why the search is not complete; empty when nothing was found.
    violation: str
    #: Whether everything within the bounds was tried, or a counterexample found.
    is_conclusive: bool
    states: int
    depth: int
    seconds: float

    @property
    def got(self) -> str:
        """What was found, in a word."""
        if not self.is_conclusive:
            return "incomplete"
        return "fails" if self.violation else "clean"

    @property
    def is_as_expected(self) -> bool:
        """Whether it came out as it must."""
        return self.got == ("fails" if self.case.fails else "clean")


def check(case: Case, folder: Path) -> Finding:
    """Search for a counterexample within an empty folder, which keeps its trail. Raises SpinError."""
    began = time.monotonic()
    defines = [f"-D{define}" for define in case.defines]
    _make(["spin", "-a", *defines, str(case.model)], folder)
    if case.is_liveness:
        how, options = ["-DNFAIR=3", "-DCOLLAPSE"], ["-a", "-f"]
    else:
        how, options = ["-DSAFETY"], []
    # Compiling with optimisation takes longer than most searches.
    optimised = "-O1" if case.is_large else "-O0"
    _make(["gcc", optimised, "-w", f"-DMEMLIM={MEMORY}", *how, "-o", "pan", "pan.c"], folder)
    try:
        done = subprocess.run(
            ["./pan", f"-m{DEPTH}", *options],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(case, f"not through after {PATIENCE} s", False, 0, 0, time.monotonic() - began)
    return read_output(case, done.stdout + done.stderr, time.monotonic() - began)


def read_output(case: Case, output: str, seconds: float) -> Finding:
    """Read what a search printed. One that was cut short has found nothing, even if it reports success."""
    found = re.search(r"^pan:\s*1: (.*?)(?: \(at depth \d+\))?$", output, re.MULTILINE)
    errors = re.search(r"errors: (\d+)", output)
    cut = re.search(r"max search depth too small|out of memory|reached -DMEMLIM|aborting", output)
    states, depth = re.search(r"([\d.e+]+) states, stored", output), re.search(r"depth reached (\d+)", output)
    violation = found[1] if found else ""
    is_violated = errors is not None and int(errors[1]) > 0
    if not is_violated and (errors is None or cut):
        violation = cut[0] if cut else (output.strip().splitlines() or ["it printed nothing"])[-1]
    return Finding(
        case,
        violation,
        is_violated or (errors is not None and not cut),
        int(float(states[1])) if states else 0,
        int(depth[1]) if depth else 0,
        seconds,
    )


def _make(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
        raise SpinError(message)
