"""What all runners of a pool are started with."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.execution.deadline_table import DeadlineTable


@dataclass(frozen=True)
class RunnerOptions:
    """The command line and the environment of runners."""

    jobs_modules: Sequence[str]
    memory_limit_bytes: int | None
    #: Already without credentials.
    environment: Mapping[str, str]
    log_level: int
    #: Whether they send spans.
    is_traced: bool = False
    #: Private memory above which a runner is not used again; None leaves it to the runner.
    reuse_limit_bytes: int | None = None

    def command(self, table: DeadlineTable, control: int, cell: int) -> list[str]:
        """Return the command that starts a runner with a socket to its supervisor and a deadline cell."""
        command = [sys.executable, "-m", "worker.runner"]
        command += ["--supervisor", str(os.getpid()), "--control", str(control), "--log-level"]
        command += [str(self.log_level), "--table", str(table.read_fd), "--cell-count", str(table.count)]
        command += ["--cell", str(cell)]
        if self.memory_limit_bytes is not None:
            command += ["--memory-limit", str(self.memory_limit_bytes)]
        if self.reuse_limit_bytes is not None:
            command += ["--reuse-limit", str(self.reuse_limit_bytes)]
        if self.is_traced:
            command.append("--traces")
        return [*command, *self.jobs_modules]
