"""Asking an installed program something, such as its version."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def printed(command: Sequence[str | Path], seconds: float) -> str | None:
    """Return what a program prints; None when it cannot be run, or does not end within these seconds."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout
