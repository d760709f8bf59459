"""Kills and pauses real processes, cuts their connections, loses answers, and checks the promises."""

import argparse
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.errors import SettingError
from deploy.servers import private
from deploy.stack import checks
from deploy.stack.settings import MOST_WORKERS, StackSettings
from tests.chaos.case import Case
from tests.chaos.cases import CASES
from tests.chaos.chaos_stack import ChaosStack
from tests.chaos.sizes import FULL, SMALL, Sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for; the exit code says whether all held."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=__doc__,
        epilog="Exit codes: 0 when every promise held, 1 when one did not (the logs are kept, and their "
        "folder is printed), 2 for wrong arguments or settings.",
    )
    parser.add_argument("--full", action="store_true", help="full size: hours instead of minutes")
    parser.add_argument(
        "--case", action="append", choices=sorted(CASES), help="play this case only; may be repeated (all)"
    )
    parser.add_argument("--seed", type=int, default=None, help="seed of the random choices (a new one)")
    parser.add_argument(
        "--workers",
        type=int,
        choices=range(1, MOST_WORKERS + 1),
        default=8,
        metavar=f"1..{MOST_WORKERS}",
        help="number of workers (%(default)s)",
    )
    asked = parser.parse_args(arguments)
    try:
        # Every service inherits the environment.
        checks.refuse_wrong(StackSettings.load(Path(os.devnull)), in_containers=False)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    names = asked.case or list(CASES)
    print(f"chaos: {', '.join(names)}; {'full' if asked.full else 'small'} size; SEED={seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="turnstile-chaos-"))
    held = False
    try:
        private.ensure_installed()
        held = play(
            [CASES[name] for name in names], FULL if asked.full else SMALL, seed, folder, asked.workers
        )
    finally:
        # In every case: without the path the logs cannot be found.
        print(
            f"chaos: all held; SEED={seed}" if held else f"chaos: NOT ALL HELD; SEED={seed}; logs in {folder}"
        )
    if held:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if held else 1


def play(cases: Sequence[type[Case]], sizes: Sizes, seed: int, folder: Path, workers: int = 8) -> bool:
    """Run cases one after the other in one stack; return whether all held."""
    began = time.monotonic()
    with (
        private.rabbitmq(folder / "rabbitmq") as broker,
        private.azurite(folder / "azurite") as storage,
    ):
        stack = ChaosStack(broker, storage, folder / "stack", workers, random.Random(seed))
        try:
            stack.start()
            print(f"  {workers} workers are up after {time.monotonic() - began:.0f} s", flush=True)
            return min([_run(case, stack, sizes, seed) for case in cases])
        finally:
            stack.close()


def _run(kind: type[Case], stack: ChaosStack, sizes: Sizes, seed: int) -> bool:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"  {kind.name} {time.monotonic() - began:4.0f} s: {text}", flush=True)

    # Random numbers of its own, so that a case meets the same faults in any order of the cases.
    case = kind(stack, sizes, random.Random(f"{kind.name} {seed}"), say)
    held = case.run()
    for sentence in case.wrong:
        say(f"WRONG: {sentence}")
    print(f"{'held ' if held else 'FAILED'} {kind.name}: {json.dumps(case.figures)}", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(main())
