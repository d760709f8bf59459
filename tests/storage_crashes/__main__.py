"""Kills the local storage in the middle of writes and checks that it lost nothing that it acknowledged."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.servers import private
from deploy.servers.storage import EMULATOR, INDEXED
from tests.storage_crashes.crashes import crash
from tests.storage_crashes.writers import LostError


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill as often as asked for; the exit code says whether nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.storage_crashes", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how often to kill (%(default)s)")
    parser.add_argument(
        "--storage", choices=[INDEXED, EMULATOR], default=INDEXED, help="what to kill (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=None, help="seed of the random choices (a new one)")
    asked = parser.parse_args(arguments)
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    private.ensure_installed()
    folder = Path(tempfile.mkdtemp(prefix="turnstile-crashes-"))
    print(f"storage crashes: {asked.kills} kills; SEED={seed}", flush=True)
    began = time.monotonic()
    try:
        report = asyncio.run(crash(folder, asked.kills, seed, asked.storage))
    except LostError as lost:
        print(
            f"storage crashes: LOST after {time.monotonic() - began:.0f} s: {lost}; SEED={seed}; see {folder}"
        )
        return 1
    starts = sorted(report.starts)
    print(
        f"storage crashes: nothing lost in {report.kills} kills and {time.monotonic() - began:.0f} s; "
        f"{report.acknowledged} changes acknowledged, {report.unknown} interrupted; "
        f"ready again after {starts[len(starts) // 2]:.1f} s (median), {starts[-1]:.1f} s (longest)"
    )
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
