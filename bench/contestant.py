"""What is compared: how a contestant is started, given jobs, waited for, and asked what it did."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy import ROOT
from deploy.processes.command import Command

from bench.batch import Batch, Submitted
from bench.errors import BenchError
from bench.handler import MARKS
from bench.marks import Mark, only, read_marks
from bench.probe import Roots
from bench.servers import Servers

_POLL_SECONDS = 0.05
#: How long a contestant may do nothing before it is given up.
_STALLED_SECONDS = 120.0


@dataclass(frozen=True)
class Setting:
    """What is the same for all contestants in a turn."""

    #: All locks that are used.
    locks: tuple[str, ...]
    workers: int = 2
    #: Jobs that a worker may run at the same time.
    slots: int = 2
    #: Finished jobs that are in the store when the turn begins.
    history: int = 0


class Watched(Protocol):
    """A process that may not end."""

    @property
    def pid(self) -> int | None:
        """Id of the process; None while it does not run."""

    @property
    def log(self) -> Path:
        """The file with its output."""


@dataclass
class Installation:
    """A contestant that runs: its processes, its client, and what it says of itself."""

    folder: Path
    #: The command of the client, to which a batch is passed as an argument, and what it needs.
    client: tuple[str, ...]
    environment: Mapping[str, str]
    #: The processes that may not end, by the name under which they are reported.
    programs: Mapping[str, Sequence["Watched"]] = field(default_factory=dict)
    #: Returns the first processes of what is reported in addition: servers, and children with a name.
    more_roots: Callable[[], Mapping[str, Sequence[int]]] = dict
    #: Returns the requests to the store so far, by process.
    requests: Callable[[], Mapping[str, float]] = dict
    #: Returns once all that follows from submissions is done, up to the job with this id.
    settle: Callable[[str], None] = lambda job_id: None
    #: Returns once the audit trail has the ends of these runs.
    catch_up: Callable[[Sequence[Mark]], None] = lambda marks: None
    #: Returns the seconds from each run's end until the audit trail had it.
    lags: Callable[[Sequence[Mark]], Sequence[float]] = lambda marks: ()
    #: Writes this number of finished jobs into the store, in which there are some already.
    write_history: Callable[[int], None] = lambda jobs: None

    @property
    def marks_file(self) -> Path:
        """The file to which its handlers append."""
        return marks_file(self.folder)

    def roots(self) -> Roots:
        """Return the first processes of everything, by the name under which it is reported."""
        own = {
            name: [process.pid for process in processes if process.pid]
            for name, processes in self.programs.items()
        }
        return {**own, **self.more_roots()}

    def start_submitting(self, batch: Batch) -> "Submitting":
        """Let the client submit a batch, and return meanwhile."""
        process = subprocess.Popen(
            Command((*self.client, batch.text()), when_orphaned="KILL").argv(),
            cwd=ROOT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        return Submitting(process)

    def submit(self, batch: Batch) -> Submitted:
        """Submit a batch, and return when all of it is accepted. Raises BenchError."""
        return self.start_submitting(batch).wait()

    def wait(self, batch: Batch) -> list[Mark]:
        """Wait until every job of the batch has run, and return the runs. Raises BenchError."""
        wanted, seen, changed = set(batch.numbers), -1, time.monotonic()
        size = -1
        while True:
            # Reading all of it each time would take processor time from those who are measured.
            size, before = self.marks_file.stat().st_size if self.marks_file.exists() else 0, size
            if size != before:
                marks = only(read_marks(self.marks_file), wanted)
                if {mark.number for mark in marks} == wanted:
                    return marks
                seen, changed = len(marks), time.monotonic()
            self.refuse_ended()
            if time.monotonic() - changed > _STALLED_SECONDS:
                raise BenchError(
                    f"nothing runs any more after {seen} of {len(wanted)} jobs; see {self.folder}"
                )
            time.sleep(max(_POLL_SECONDS, len(wanted) / 10_000))

    def wait_for(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds. Raises BenchError."""
        deadline = time.monotonic() + _STALLED_SECONDS
        while not holds():
            self.refuse_ended()
            if time.monotonic() > deadline:
                raise BenchError(f"waited in vain for {what}; see {self.folder}")
            time.sleep(_POLL_SECONDS)

    def refuse_ended(self) -> None:
        """Raise BenchError if a process has ended."""
        for name, processes in self.programs.items():
            for process in processes:
                if process.pid is None:
                    tail = "\n".join(process.log.read_text(errors="replace").splitlines()[-20:])
                    raise BenchError(f"{name} has ended; the end of {process.log}:\n{tail}")


@dataclass
class Submitting:
    """A client that submits."""

    process: subprocess.Popen[str]

    def wait(self) -> Submitted:
        """Return how it went, when it is done. Raises BenchError."""
        output, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise BenchError(f"the client failed: {self.process.args!s}"[:500])
        return Submitted.read(output.splitlines()[-1])


class Contestant(Protocol):
    """One way to run one job at a time per lock."""

    #: Its name on the command line, and in tables.
    key: str
    name: str
    #: What it is and how it is set up, in a sentence for readers of the tables.
    about: str
    #: Whether it can record steps.
    has_steps: bool
    #: Whether its store keeps finished jobs.
    has_history: bool
    #: Whether it is a floor: what no system could be faster than, not a system.
    is_floor: bool

    def install(self) -> None:
        """Install what it needs, where that is missing. Raises InstallError."""

    def running(
        self, folder: Path, servers: Servers, setting: Setting
    ) -> AbstractContextManager[Installation]:
        """Run it as long as the context lasts."""


def marks_file(folder: Path) -> Path:
    """Return the file to which handlers append."""
    return folder / "marks"


def handler_environment(folder: Path) -> dict[str, str]:
    """Return what handlers need in their environment."""
    return {MARKS: str(marks_file(folder)), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
