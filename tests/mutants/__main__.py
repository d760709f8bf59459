"""Try mutants, and print which test, and which seed of the simulation, notices each."""

import argparse
import os
import sys

from tests.mutants.catalogue import MUTANTS
from tests.mutants.judging import SEEDS, judge


def main() -> int:
    """Try the mutants that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=__doc__,
        epilog="Exit codes: 0 when every mutant was noticed, 1 when one was not, 2 for wrong arguments.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a mutant, or a part of its name (all)")
    parser.add_argument("--list", action="store_true", help="print the names and promises, and try nothing")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time (%(default)s)"
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=SEEDS,
        help="seeds to play until the simulation notices (%(default)s; 0: run the tests only)",
    )
    asked = parser.parse_args()
    names = [name for name in MUTANTS if not asked.names or any(part in name for part in asked.names)]
    if not names:
        parser.error("no mutant has such a name")
    if asked.jobs < 1 or asked.seeds < 0:
        parser.error("--jobs must be at least 1, and --seeds at least 0")
    if asked.list:
        for name in names:
            print(f"{name}: {MUTANTS[name].promise}")
        return 0
    survivors = []
    print("| mutant | promise | test that fails | simulation: seeds, what is broken |")
    print("|---|---|---|---|")
    for noticed in judge(names, asked.jobs, asked.seeds):
        mutant = MUTANTS[noticed.name]
        test = f"`{mutant.test.rpartition('::')[2]}`" if noticed.by_test else "**none**"
        seeds = f"{noticed.seeds}, {noticed.broken.split()[0]}" if noticed.seeds else "**none**"
        print(
            f"| {mutant.name} | {mutant.promise} | {test} | {seeds if noticed.is_simulated else '-'} |",
            flush=True,
        )
        if not noticed.is_caught:
            survivors.append(noticed)
    for noticed in survivors:
        print(f"\n{noticed.name} was not noticed.\n{'' if noticed.by_test else noticed.output[-2000:]}")
    print(f"\n{len(names) - len(survivors)} of {len(names)} mutants noticed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
