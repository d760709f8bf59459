"""Every rule of the protocol is needed: take one away, and the simulation and another test notice."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.simulation.mutants import MUTANTS, Mutant, mutated
from tests.simulation.network import TooManyCallsError
from tests.simulation.seeds import play
from tests.simulation.world import World

#: Seeds within which a mutant must be caught.
SEEDS = 300


def first_failure(mutant: Mutant) -> tuple[int, str] | None:
    """Play seeds until the mutant breaks a promise by itself; gives the seed, and what was violated."""
    for seed in range(SEEDS):
        violated = _violated(seed, mutant.name)
        is_its_own = not mutant.contains or not _violated(seed, mutant.contains)
        if violated and is_its_own:
            return seed, violated
    return None


def _violated(seed: int, name: str) -> str:
    """Say which promise a mutant breaks in this seed."""
    world = World(seed)
    with mutated(name):
        try:
            play(world)
        except AssertionError as error:
            # An error of the mutant's own breaks none; of who asks for ever, a job never ends.
            is_crash = str(error).startswith("I0") and TooManyCallsError.__name__ not in str(error)
            return "" if is_crash else str(error)
        finally:
            world.close()
    return ""


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_the_simulation_catches_the_mutant(mutant: Mutant) -> None:
    assert first_failure(mutant) is not None


def run_other_test(node: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a test in a process of its own."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "--timeout",
            "15",
            *options,
            node,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(900)
def test_another_test_catches_each_mutant_and_passes_without_it() -> None:
    def try_one(name: str) -> tuple[str, int, str]:
        options = ("-p", "tests.simulation.mutating", "--mutant", name)
        ran = run_other_test(MUTANTS[name].other_test, *options)
        return name, ran.returncode, ran.stdout[-2000:]

    with ThreadPoolExecutor(2) as threads:
        survivors = [(name, said) for name, code, said in threads.map(try_one, MUTANTS) if code != 1]
    assert not survivors, "not caught, or not run: " + repr(survivors)
    others = sorted({mutant.other_test for mutant in MUTANTS.values()})
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *others],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
