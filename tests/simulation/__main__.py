"""Play seeds: `python -m tests.simulation --seeds 2000`, or one of them with `--seed 4711 --trace`."""

import argparse
import contextlib
import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.seeds import Tally, play, play_seeds, trace_hash
from tests.simulation.world import World

_AT_ONCE = 20
_LAST_LINES = 40


def main() -> int:
    """Play what the command line asks for; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description=__doc__,
        epilog="Exit codes: 0 when no seed broke a promise, 1 when one did, or when a kind of trouble never "
        "happened in a thousand seeds or more; 2 for wrong arguments.",
    )
    parser.add_argument("--seeds", type=int, default=2000, help="how many seeds to play (%(default)s)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first of them (%(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (%(default)s)"
    )
    parser.add_argument("--seed", type=int, help="play this seed alone")
    parser.add_argument("--trace", action="store_true", help="print everything that happens in it")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="take a rule away first")
    asked = parser.parse_args()
    if min(asked.seeds, asked.jobs) < 1:
        parser.error("--seeds and --jobs must be at least 1")
    if asked.trace and asked.seed is None:
        parser.error("--trace needs --seed: it tells one seed's story")
    with mutated(asked.mutant) if asked.mutant else contextlib.nullcontext():
        if asked.seed is not None:
            return _play_one(asked.seed, everything=asked.trace)
        return _play_many(asked.first, asked.seeds, asked.jobs)


def _play_one(seed: int, *, everything: bool) -> int:
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


def _play_many(first: int, seeds: int, jobs: int) -> int:
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
        _play_one(seed, everything=False)
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


if __name__ == "__main__":
    sys.exit(main())
