"""Who notices a mutant: the test that it names, and the simulation. Each is tried in a process of its own.

This process must not import the product: the ones that it forks load it with a mutant's changes.
"""

import importlib
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.mutants.switching import switch_to

#: Seeds within which the simulation must notice a mutant, unless the caller says otherwise.
SEEDS = 300

#: Seconds for the test that must notice a mutant.
TEST_SECONDS = 20

#: What the product and its tests import from elsewhere; loaded once, before forking.
PRELOADED = (
    "aio_pika",
    "aiohttp",
    "azure.data.tables.aio",
    "azure.storage.blob.aio",
    "fastapi",
    "faststream.rabbit",
    "opentelemetry.sdk.trace",
    "pydantic_settings",
    "typer",
)


@dataclass(frozen=True)
class Noticed:
    """What came of a mutant. A mutant that its test, or the simulation, does not notice survives."""

    name: str
    #: Whether its test failed, and what pytest printed when it did not.
    by_test: bool
    output: str = ""
    #: Whether the simulation was to notice it.
    is_simulated: bool = False
    #: Seeds played until the simulation noticed it, and the promise that was broken; 0 if it did not.
    seeds: int = 0
    broken: str = ""

    @property
    def is_caught(self) -> bool:
        """Whether the test noticed it and, where it was asked, the simulation."""
        return self.by_test and (self.seeds > 0 or not self.is_simulated)


def judge(names: Iterable[str], processes: int, seeds: int = SEEDS) -> Iterator[Noticed]:
    """Try mutants, several at a time, and return the result of each when it is known.

    With 0 `seeds` the simulation is not asked.
    """
    for module in PRELOADED:
        importlib.import_module(module)
    with multiprocessing.get_context("fork").Pool(processes, maxtasksperchild=1) as pool:
        yield from pool.imap(partial(_judge, most_seeds=seeds), names, chunksize=1)


def _judge(name: str, most_seeds: int) -> Noticed:
    mutant = MUTANTS[name]
    code, output = _in_a_fork(lambda: run_test(mutant))
    # Negative where a signal ended it: a test that does not end notices, too.
    by_test = code == pytest.ExitCode.TESTS_FAILED or code < 0
    if not mutant.simulated or not most_seeds:
        return Noticed(name, by_test, output)
    switch_to(mutant)
    seeds, broken = first_failure(mutant, most_seeds)
    return Noticed(name, by_test, output, True, seeds, broken)


def run_test(mutant: Mutant) -> int:
    """Run a mutant's test with the mutant put in place; returns pytest's exit code."""
    switch_to(mutant)
    # Plugins of pytest that were loaded before forking cannot have their assertions rewritten, and need not.
    # What a failed test leaves unfinished may be collected after the last test, where pytest would raise its
    # warning out of `main` in place of the exit code: the test alone decides.
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:unraisableexception"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, "--timeout", str(TEST_SECONDS), mutant.test]))


def first_failure(mutant: Mutant, most_seeds: int) -> tuple[int, str]:
    """Play seeds until the mutant, which is in place, breaks a promise by itself.

    Returns how many were played, and what was broken; 0 when nothing was.
    """
    from tests.simulation.seeds import silence_projectors, what_breaks  # noqa: PLC0415 - loads the product

    silence_projectors()
    for seed in range(most_seeds):
        broken = what_breaks(seed)
        if broken and not (mutant.contains and _breaks(mutant.contains, seed)):
            return seed + 1, broken
    return 0, ""


def _breaks(name: str, seed: int) -> bool:
    """Return whether another mutant breaks a promise in this seed, too."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--mutant", name]
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def _in_a_fork(action: Callable[[], int]) -> tuple[int, str]:
    """Call something in a process of its own; returns what it returned, and what it printed."""
    with tempfile.NamedTemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            code = 70
            try:
                # pytest's own limit ends nothing that takes every exception for an answer.
                resource.setrlimit(resource.RLIMIT_CPU, (TEST_SECONDS + 5, TEST_SECONDS + 5))
                os.dup2(printed.fileno(), 1)
                os.dup2(printed.fileno(), 2)
                code = action()
            except BaseException:  # noqa: BLE001 - whatever it is, it ends this process alone
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status), Path(printed.name).read_text(errors="replace")
