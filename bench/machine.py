"""What the figures depend on: the machine, the commit, the command and the date."""

import platform
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from deploy import ROOT


@dataclass(frozen=True)
class Circumstances:
    """Where, when and of what the figures are."""

    machine: str
    commit: str
    command: str
    date: str
    #: Processor time that other processes had during the measurement, as a share of the machine's.
    load_before: float

    @property
    def sentence(self) -> str:
        """What stands below the tables."""
        return (
            f"`{self.command}`, {self.date}, {self.commit}, {self.machine}; "
            f"load of the machine before the run: {self.load_before:.1f}."
        )


def circumstances(argv: Sequence[str]) -> Circumstances:
    """Find out where, when and of what the figures will be."""
    memory = psutil.virtual_memory().total / 2**30
    arguments = f" ARGS={shlex.quote(shlex.join(argv))}" if argv else ""
    return Circumstances(
        machine=f"{psutil.cpu_count()} processors ({_processor()}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}",
        commit=_commit(),
        command=f"make bench{arguments}",
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        load_before=psutil.getloadavg()[0],
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.machine()


def _commit() -> str:
    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + (" with changes" if git("status", "--porcelain") else "")
