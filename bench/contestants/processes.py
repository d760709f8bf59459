"""Processes of contestants that are no services of Turnstile."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy import ROOT
from deploy.processes.command import Command
from deploy.servers.private import ServerProcess

from bench.errors import BenchError


@contextmanager
def workers(
    count: int, arguments: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator[list[ServerProcess]]:
    """Run this number of equal processes as long as the context lasts."""
    command = Command(tuple(arguments), dict(environment), ROOT, when_orphaned="TERM")
    processes = [ServerProcess(command, folder / f"worker-{number + 1}.log") for number in range(count)]
    try:
        for process in processes:
            process.start()
        yield processes
    finally:
        for process in processes:
            process.send(signal.SIGTERM)
        for process in processes:
            process.end(signal.SIGTERM)


def run(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a program to its end and return its output. Raises BenchError."""
    done = subprocess.run(
        arguments, cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"{' '.join(arguments)[:200]} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def inherited(**more: str) -> dict[str, str]:
    """Return the environment of this process with additions."""
    return {**os.environ, **more}  # noqa: TID251 - handed on
