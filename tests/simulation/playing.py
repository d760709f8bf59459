"""Playing what the command line asks for, and printing what came of it."""

import gc
import multiprocessing
import sys
import time
from collections.abc import Iterator

from tests.simulation.seeds import Tally, play, play_seeds, trace_hash
from tests.simulation.world import World

_AT_ONCE = 20
_LAST_LINES = 40


def play_one(seed: int, *, everything: bool) -> int:
    """Play one seed, and print its last lines, or all of them; returns the exit code."""
    world = World(seed)
    failure = ""
    try:
        play(world)
    except AssertionError as error:
        failure = str(error)
    trace = world.network.trace
    for line in trace if everything else trace[-_LAST_LINES:] if failure else []:
        print(*(part if isinstance(part, str) else f"{part}" for part in line))
    print(f"seed {seed}: {failure or 'all invariants hold'}")
    print(f"setting: {world.setting}")
    print(f"trouble: {_listed(Tally(injected=world.injected))}")
    print(f"trace: {trace_hash(world)}")
    world.close()
    return 1 if failure else 0


def play_many(first: int, seeds: int, jobs: int) -> int:
    """Play seeds until one breaks a promise, several at a time; returns the exit code."""
    began, tally, shown = time.monotonic(), Tally(), 0.0
    for part in _parts(first, first + seeds, jobs):
        tally.add(part)
        elapsed = time.monotonic() - began
        if part.failures or elapsed - shown >= (1.0 if sys.stdout.isatty() else 30.0):
            shown = elapsed
            print(f"{tally.seeds} of {seeds} seeds, {tally.seeds / elapsed:.0f} a second", flush=True)
        if tally.failures:
            break
    elapsed = time.monotonic() - began
    for seed in list(tally.failures)[:1]:
        play_one(seed, everything=False)
        print(f"Replay it with: .venv/bin/python -m tests.simulation --seed {seed} --trace")
    print(
        f"{tally.seeds:,} seeds, {tally.jobs:,} jobs, {tally.runs:,} runs in {elapsed:.0f} s: "
        f"{len(tally.failures)} violations. Injected: {_listed(tally)}."
    )
    missing = tally.missing if seeds >= 1000 and not tally.failures else []
    if missing:
        print(f"Never happened, so never tested: {', '.join(missing)}")
    return 1 if tally.failures or missing else 0


def _parts(first: int, end: int, jobs: int) -> Iterator[Tally]:
    ranges = [range(start, min(start + _AT_ONCE, end)) for start in range(first, end, _AT_ONCE)]
    if jobs == 1:
        yield from map(play_seeds, ranges)
        return
    # Frozen, as what all share need not be searched for garbage again and again.
    with multiprocessing.get_context("fork").Pool(jobs, initializer=gc.freeze) as pool:
        yield from pool.imap_unordered(play_seeds, ranges)


def _listed(tally: Tally) -> str:
    return ", ".join(f"{kind} {number:,}" for kind, number in sorted(tally.injected.items()) if number)
