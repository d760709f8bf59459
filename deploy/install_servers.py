"""Installs RabbitMQ (apt) and Azurite (npm) where it may, and says what to install where it may not."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.broker import SCRIPTS
from deploy.storage import PACKAGE_FOLDER

_STAMP = PACKAGE_FOLDER / "node_modules" / ".installed-from"
_OR_DOCKER = ", or start Docker and use RUNTIME=docker."


class InstallError(RuntimeError):
    """Something is missing that may not be installed from here."""


def ensure_installed() -> None:
    """Make RabbitMQ and Azurite available; does nothing when they are."""
    with _one_at_a_time():
        _ensure_rabbitmq()
        _ensure_node()
        _ensure_azurite()


def _ensure_rabbitmq() -> None:
    found = (SCRIPTS / "rabbitmq-server").exists() or shutil.which("rabbitmq-server")
    if not (found and shutil.which("epmd")):
        _install_packages("rabbitmq-server")


def _ensure_node() -> None:
    if not shutil.which("node"):
        _install_packages("nodejs")
    if not shutil.which("npm"):
        _install_packages("npm")


def _install_packages(*names: str) -> None:
    wanted = " ".join(names)
    if not shutil.which("apt-get"):
        message = f"Please install {wanted} with this system's package manager{_OR_DOCKER}"
        raise InstallError(message)
    if os.geteuid() != 0:
        message = f"Please run `sudo apt-get install {wanted}`{_OR_DOCKER}"
        raise InstallError(message)
    print(f"Installing {wanted} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
    with _no_service_starts():
        if _run(install, environment) != 0:
            # A machine that never asked for the lists knows no packages.
            _run(["apt-get", "update", "-qq"], environment)
            if _run(install, environment, show=True) != 0:
                message = f"apt-get could not install {wanted}; its messages are above."
                raise InstallError(message)


def _ensure_azurite() -> None:
    lock_file = PACKAGE_FOLDER / "package-lock.json"
    wanted = hashlib.sha256(lock_file.read_bytes()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return
    print("Installing Azurite ...", flush=True)
    command = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if _run(command, dict(os.environ), folder=PACKAGE_FOLDER, show=True) != 0:
        message = "npm could not install Azurite; its messages are above."
        raise InstallError(message)
    _STAMP.write_text(wanted)


def _run(
    command: list[str], environment: dict[str, str], *, folder: Path | None = None, show: bool = False
) -> int:
    output = None if show else subprocess.DEVNULL
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=False,
    ).returncode


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"turnstile-install-{os.getuid()}").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Keep the package from starting a RabbitMQ of its own, whose ports would be in the way."""
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


def main() -> int:
    """Install what is missing and return the exit code."""
    try:
        ensure_installed()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
