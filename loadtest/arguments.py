"""The command line of `python -m loadtest`."""

import argparse
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.stack.settings import StackSettings

from loadtest.scenario import Scenario
from loadtest.thresholds import DEFAULT_FILE

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def parse(scenarios: dict[str, type[Scenario]], argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line; ends the process with exit code 2 and a message when it cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="python -m loadtest",
        description="Put a stack under load, and judge by its records and by what an effect sink saw whether "
        "every promise held. Takes the stack that TURNSTILE_URL names, or the running one, or starts one.",
        epilog="Exit codes: 0 every promise held, 1 one was broken, 2 the run proves nothing.",
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    parser.add_argument(
        "-s",
        "--scenario",
        action="append",
        metavar="NAME",
        type=lambda text: _scenario(text, scenarios),
        help="a scenario, or several with commas; may be repeated (default: all)",
    )
    parser.add_argument(
        "-n", "--workers", type=_whole, default=8, help="number of workers (default: %(default)s)"
    )
    parser.add_argument(
        "-u", "--users", type=_whole, help="number of users at the same time, instead of the scenario's"
    )
    parser.add_argument(
        "-j", "--jobs", type=_whole, help="submit at most this many jobs, instead of the scenario's number"
    )
    parser.add_argument(
        "-t",
        "--time",
        type=_seconds,
        help="submit for at most this time, such as 30s or 2m, instead of the scenario's",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the random choices (default: %(default)s)"
    )
    parser.add_argument(
        "--thresholds", type=Path, default=DEFAULT_FILE, help="the TOML file with the thresholds"
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=StackSettings.load().data / "load",
        help="the folder in which this call makes a folder for its reports and ledgers",
    )
    parser.add_argument("--runtime", choices=("native", "docker"), help="how to start a stack")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument(
        "--html", type=Path, metavar="FOLDER", help="also write each scenario's HTML report to this folder"
    )
    parser.add_argument("--otel", action="store_true", help="also send traces and metrics of the load itself")
    parser.add_argument(
        "--ui", action="store_true", help="open Locust's web page, where scenarios are chosen"
    )
    parser.add_argument(
        "--port", type=_whole, default=8089, help="port of the web page (default: %(default)s)"
    )
    found = parser.parse_args(argv)
    # Each call has a folder of its own: effects of an earlier one would look forged.
    found.results /= f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
    if found.ui and found.scenario:
        parser.error("--scenario does not go with --ui: choose on the page")
    chosen = [name for names in found.scenario or [] for name in names]
    found.scenario = list(dict.fromkeys(chosen)) or list(scenarios)
    return found


def _scenario(text: str, scenarios: dict[str, type[Scenario]]) -> list[str]:
    names = [name.strip().replace("-", "_") for name in text.split(",")]
    for name in names:
        if name not in scenarios:
            raise argparse.ArgumentTypeError(f"there is no scenario {name}; there are {', '.join(scenarios)}")
    return names


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    seconds = float(found[1]) * _UNITS[found[2]] if found else math.nan
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write it like 30s, 2m or 1h")
    return seconds
