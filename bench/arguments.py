"""The command line of `python -m bench`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from deploy import ROOT

from bench import contestants, workloads
from bench.workload import Workload

_QUICK_JOBS = 40
_QUICK_HISTORY = 200
_QUICK = {"one-lock", "many-locks"}


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; ends the process with exit code 2 and a message when it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare Turnstile with other systems and with floors, in one run on this machine.",
        epilog="Exit codes: 0 measured, 1 runs of one lock overlapped, 2 it could not be measured.",
    )
    names = [workload.name for workload in workloads.ALL]
    parser.add_argument(
        "-w",
        "--workload",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"one of {', '.join(names)}; may be repeated (default: all but the large ones)",
    )
    known = [contestant.key for contestant in contestants.ALL]
    parser.add_argument(
        "-c",
        "--contestant",
        action="append",
        choices=known,
        metavar="NAME",
        help=f"one of {', '.join(known)}; may be repeated (default: all)",
    )
    parser.add_argument("--large", action="store_true", help="measure the large workloads, too")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one round of few jobs of two workloads, to see that everything works",
    )
    parser.add_argument("-j", "--jobs", type=_whole, help="jobs per turn, instead of the workload's number")
    parser.add_argument(
        "--history", type=_whole, help="finished jobs in the store for long-history, instead of 100,000"
    )
    parser.add_argument("-r", "--rounds", type=_whole, help="turns of each contestant (default: 3)")
    parser.add_argument(
        "-n", "--workers", type=_whole, default=2, help="workers of each contestant (default: %(default)s)"
    )
    parser.add_argument(
        "-u", "--clients", type=_whole, default=16, help="clients that submit at once (default: %(default)s)"
    )
    parser.add_argument(
        "--page",
        type=Path,
        default=ROOT / "docs/results.md",
        help="the page into which a measurement of full size and with all contestants is written",
    )
    parser.add_argument("--no-page", action="store_true", help="write no page")
    parser.add_argument(
        "--results", type=Path, default=ROOT / ".bench", help="the folder for the figures as JSON"
    )
    asked = parser.parse_args(argv)
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    asked.workload = [each for each in workloads.ALL if _is_chosen(each, asked)]
    asked.is_full = not (asked.quick or asked.contestant or asked.jobs or asked.history)
    asked.contestant = [
        each for each in contestants.ALL if not asked.contestant or each.key in asked.contestant
    ]
    if asked.quick:
        asked.jobs, asked.history = asked.jobs or _QUICK_JOBS, asked.history or _QUICK_HISTORY
    return asked


def _is_chosen(workload: Workload, asked: argparse.Namespace) -> bool:
    if asked.workload:
        return workload.name in asked.workload
    return asked.large or (workload.name in _QUICK if asked.quick else not workload.is_large)


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
