"""Seeds are played, and are played the same way each time."""

import os
import re
import subprocess
import sys

import pytest
from tests.simulation.seeds import play, trace_hash
from tests.simulation.world import World


def _trace_of(seed: int) -> str:
    world = World(seed)
    play(world)
    hashed = trace_hash(world)
    world.close()
    return hashed


@pytest.mark.parametrize("seed", [1, 7, 20])
def test_a_seed_replays_exactly(seed: int) -> None:
    assert _trace_of(seed) == _trace_of(seed)
    assert _trace_of(seed) != _trace_of(seed + 1)


def test_a_seed_replays_exactly_in_another_process_with_other_hashes() -> None:
    for hash_seed in ("1", "2"):
        played = subprocess.run(
            [sys.executable, "-m", "tests.simulation", "--seed", "5"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.findall(r"trace: (\w+)", played.stdout) == [_trace_of(5)]


@pytest.mark.timeout(1500)
def test_a_thousand_seeds_hold_and_every_kind_of_trouble_happens() -> None:
    played = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seeds", "1000", "--jobs", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout[-8000:] + played.stderr[-2000:]


def test_a_failing_seed_is_shown_with_its_trace_and_how_to_replay_it() -> None:
    arguments = ["--seeds", "60", "--jobs", "1", "--mutant", "predecessor-skipped"]
    played = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments], capture_output=True, text=True, check=False
    )
    assert played.returncode == 1
    assert re.search(r"I2 at .* started with fence \d+ while", played.stdout)
    assert re.search(r"python -m tests.simulation --seed \d+ --trace", played.stdout)
    assert "journal.commit ok" in played.stdout
