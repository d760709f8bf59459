"""Every rule of the protocol is needed: take one away, and the simulation and another test notice."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.seeds import play
from tests.simulation.world import World

#: Seeds within which a mutant must be caught.
SEEDS = 300


def first_failure() -> tuple[int, str] | None:
    """Play seeds until one fails; gives it, and what was violated."""
    for seed in range(SEEDS):
        world = World(seed)
        try:
            play(world)
        except AssertionError as error:
            return seed, str(error)
        finally:
            world.close()
    return None


@pytest.mark.parametrize("name", MUTANTS)
def test_the_simulation_catches_the_mutant(name: str) -> None:
    with mutated(name):
        assert first_failure() is not None


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
