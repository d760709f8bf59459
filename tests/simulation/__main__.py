"""Play seeds: `python -m tests.simulation --seeds 2000`, or one of them with `--seed 4711 --trace`."""

import argparse
import os
import sys

from tests.mutants.catalogue import MUTANTS
from tests.mutants.switching import switch_to


def main() -> int:
    """Play what the command line asks for; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description=__doc__,
        epilog="Exit codes: 0 when no seed broke a promise, 1 when one did, or when a kind of trouble never "
        "happened in a thousand seeds or more; 2 for wrong arguments.",
    )
    parser.add_argument("--seeds", type=int, default=2000, help="number of seeds to play (%(default)s)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed (%(default)s)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (%(default)s)"
    )
    parser.add_argument("--seed", type=int, help="play this seed alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: print everything that happens")
    parser.add_argument(
        "--mutant",
        metavar="NAME",
        help="first break a promise; python -m tests.mutants --list prints the names",
    )
    asked = parser.parse_args()
    if min(asked.seeds, asked.jobs) < 1:
        parser.error("--seeds and --jobs must be at least 1")
    if asked.trace and asked.seed is None:
        parser.error("--trace needs --seed: it prints the events of one seed")
    if asked.mutant and asked.mutant not in MUTANTS:
        parser.error(f"there is no mutant {asked.mutant}: see python -m tests.mutants --list")
    if asked.mutant:
        switch_to(MUTANTS[asked.mutant])
    from tests.simulation.playing import play_many, play_one  # noqa: PLC0415 - loads the product
    from tests.simulation.seeds import silence_projectors  # noqa: PLC0415

    silence_projectors()
    if asked.seed is not None:
        return play_one(asked.seed, everything=asked.trace)
    return play_many(asked.first, asked.seeds, asked.jobs)


if __name__ == "__main__":
    sys.exit(main())
