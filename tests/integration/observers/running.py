"""Runs the servers that show what happens as a stack without containers does, in a place of their own."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from deploy.processes import ports
from deploy.processes.supervision import Program
from deploy.stack.observer import found
from deploy.stack.settings import StackSettings

#: How many ports they use among themselves, one after the other.
_INNER = 6
_SECONDS = 30


def needed(*names: str) -> None:
    """Skip the test, and say so, where these programs are neither installed nor compiled."""
    absent = [name for name in names if not found(name)]
    if absent:
        pytest.skip(f"{', '.join(absent)}: not installed; `make observers` compiles them where Go is there")


@contextlib.contextmanager
def own_settings(folder: Path, names: str, **more: str) -> Iterator[StackSettings]:
    """The settings of a stack with these servers."""
    with contextlib.ExitStack() as held:
        inner = _first_of_several(held)
        own = held.enter_context(ports.reserved(4))
        kinds = ("JAEGER_PORT", "OTLP_PORT", "OTLP_GRPC_PORT", "LOKI_PORT")
        given = {
            "DATA_FOLDER": str(folder),
            "OBSERVABILITY": names,
            "OBSERVABILITY_PORT": str(inner),
            **{kind: str(port) for kind, port in zip(kinds, own, strict=True)},
            **more,
        }
        yield StackSettings.load(Path("none"), {f"TURNSTILE_{name}": value for name, value in given.items()})


@contextlib.contextmanager
def started(programs: Iterable[Program]) -> Iterator[None]:
    """Run programs until the block ends; all are ready when it begins."""
    programs = list(programs)
    processes: list[subprocess.Popen[bytes]] = []
    with contextlib.ExitStack() as logs:
        try:
            for program in programs:
                command = program.command
                log = logs.enter_context((command.folder / f"{program.name}.log").open("ab"))
                processes.append(
                    subprocess.Popen(
                        command.argv(), cwd=command.folder, env=command.environment, stdout=log, stderr=log
                    )
                )
            for program in programs:
                wait_until(program.is_ready, f"{program.name} to be ready")
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(_SECONDS)


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Wait until something is so; fail after half a minute."""
    deadline = time.monotonic() + _SECONDS
    while not is_so():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)


def _first_of_several(held: contextlib.ExitStack) -> int:
    while True:
        with contextlib.ExitStack() as tried:
            (first,) = tried.enter_context(ports.reserved(1))
            if all(map(ports.is_free, range(first, first + _INNER))):
                held.push(tried.pop_all())
                return first
