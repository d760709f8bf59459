"""Installs packages of the distribution where it may, and names what to install where it may not."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import InstallError


def install(*names: str, otherwise: str = "") -> None:
    """Install the packages with apt, or raise InstallError with what to do; `otherwise` names another way."""
    wanted = " ".join(names)
    if not shutil.which("apt-get"):
        message = f"Please install {wanted} with this system's package manager{otherwise}."
        raise InstallError(message)
    if os.geteuid() != 0:
        message = f"Please run `sudo apt-get install {wanted}`{otherwise}."
        raise InstallError(message)
    print(f"Installing {wanted} ...", flush=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
    with _no_service_starts():
        if not _apt(command, show=False):
            # A machine that never asked for the lists knows no packages.
            _apt(["apt-get", "update", "-qq"], show=False)
            if not _apt(command, show=True):
                message = f"apt-get could not install {wanted}; its messages are above{otherwise}."
                raise InstallError(message)


def _apt(command: list[str], *, show: bool) -> bool:
    output = None if show else subprocess.DEVNULL
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    )
    return done.returncode == 0


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Keep a server's package from starting a server of its own, whose ports would be in the way."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
