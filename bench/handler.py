"""What every contestant's job does: it appends when it began and ended to a file. Standard library only.

The times are of the monotonic clock, which all processes of a machine share.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The environment variable with the file's path. The prefix lets Turnstile hand it on to handlers.
MARKS = "TURNSTILE_INPUT_MARKS"

_GATE_SECONDS = 0.005


@contextmanager
def noted(number: int, lock: str, job_id: str = "-", worker: int | None = None) -> Iterator[None]:
    """Note that the job ran as long as the context lasts, in a worker that is this process or another."""
    began = time.monotonic_ns()
    yield
    line = f"{number}\t{began}\t{time.monotonic_ns()}\t{job_id}\t{worker or os.getpid()}\t{lock}\n"
    # One write of one line: lines of several processes do not mix.
    file = os.open(os.environ[MARKS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)  # noqa: TID251
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def held(gate: str) -> Path:
    """Return the file that says that a job waits at the gate, and so holds its lock."""
    return Path(f"{gate}.held")


async def pass_gate(gate: str) -> None:
    """Wait until the gate is open, if there is one."""
    if gate:
        held(gate).touch()
        while not Path(gate).exists():  # noqa: ASYNC110, ASYNC240 - opened by another process
            await asyncio.sleep(_GATE_SECONDS)


def pass_gate_blocking(gate: str) -> None:
    """Wait until the gate is open, if there is one, without an event loop."""
    if gate:
        held(gate).touch()
        while not Path(gate).exists():
            time.sleep(_GATE_SECONDS)
