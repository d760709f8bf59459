"""The command line of `python -m bench`."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy import ROOT

from bench import contestants, workloads
from bench.workload import Workload

_WORKERS, _CLIENTS = 2, 16
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
        "-o",
        "--only",
        type=_names(names),
        metavar="NAMES",
        help=f"workloads: one or more of {','.join(names)} (default: all but the large ones)",
    )
    known = [contestant.key for contestant in contestants.ALL]
    parser.add_argument(
        "-s",
        "--systems",
        type=_names(known),
        metavar="NAMES",
        help=f"one or more of {','.join(known)} (default: all)",
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
        "-n",
        "--workers",
        type=_whole,
        default=_WORKERS,
        help="workers of each contestant (default: %(default)s)",
    )
    parser.add_argument(
        "-u",
        "--clients",
        type=_whole,
        default=_CLIENTS,
        help="clients that submit at once (default: %(default)s)",
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
    asked.workloads = [each for each in workloads.ALL if _is_chosen(each, asked)]
    usual = (asked.workers, asked.clients) == (_WORKERS, _CLIENTS)
    asked.is_full = usual and not (asked.quick or asked.systems or asked.jobs or asked.history)
    asked.contestants = [each for each in contestants.ALL if not asked.systems or each.key in asked.systems]
    if asked.quick:
        asked.jobs, asked.history = asked.jobs or _QUICK_JOBS, asked.history or _QUICK_HISTORY
    return asked


def _is_chosen(workload: Workload, asked: argparse.Namespace) -> bool:
    if asked.only:
        return workload.name in asked.only
    return asked.large or (workload.name in _QUICK if asked.quick else not workload.is_large)


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a reader of names with commas between them."""

    def read(text: str) -> list[str]:
        found = [name.strip() for name in text.split(",")]
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is not one of {', '.join(known)}")
        return found

    return read


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
