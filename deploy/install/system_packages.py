"""Installs packages of the distribution where it may, and names what to install where it may not."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.errors import InstallError

#: What apt and dpkg lock while they work, as a cloud machine's own updates do in its first minutes.
_LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock")
_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 0.5
_POLICY = Path("/usr/sbin/policy-rc.d")
_NO_STARTS = "#!/bin/sh\n# Written while Turnstile installs packages.\nexit 101\n"


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


def candidate(name: str) -> str:
    """Return the version of a package that apt would install, or nothing where apt knows none."""
    if not shutil.which("apt-cache"):
        return ""
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        ["apt-cache", "policy", name], env=environment, capture_output=True, text=True, check=False
    )
    found = re.search(r"^\s*Candidate: (?:\d+:)?(\d\S*)", done.stdout, re.MULTILINE)
    return found[1] if found else ""


def _apt(command: list[str], *, show: bool) -> bool:
    _wait_for_others()
    output = None if show else subprocess.DEVNULL
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another one may begin at this moment.
    command = [*command, "-o", f"DPkg::Lock::Timeout={_PATIENCE_SECONDS:.0f}"]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
    )
    return done.returncode == 0


def _wait_for_others() -> None:
    """Wait until no other program installs packages. Raises InstallError when that takes too long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    waits = False
    while locked := next(filter(_is_locked, _LOCKS), None):
        if not waits:
            print("Another program installs packages at the moment; waiting for it ...", flush=True)
            waits = True
        if time.monotonic() > deadline:
            held = f"Another program has held {locked} for {_PATIENCE_SECONDS / 60:.0f} minutes."
            message = f"{held} Run the command again when it has ended."
            raise InstallError(message)
        time.sleep(_LOOK_SECONDS)


def _is_locked(path: str) -> bool:
    try:
        with Path(path).open("r+b") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Keep a server's package from starting a server of its own, whose ports would be in the way."""
    # One that a killed installation left is taken over.
    if _POLICY.exists() and _POLICY.read_text() != _NO_STARTS:
        yield
        return
    with _ended_only_afterwards():
        _POLICY.write_text(_NO_STARTS)
        _POLICY.chmod(0o755)
        try:
            yield
        finally:
            _POLICY.unlink()


@contextlib.contextmanager
def _ended_only_afterwards() -> Iterator[None]:
    """Put off the end of this process: an apt-get that is cut off leaves a machine to be repaired by hand."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []

    def put_off(number: int, _: object) -> None:
        if not asked:
            print("Ends as soon as the packages are installed ...", flush=True)
        asked.append(number)

    before = {number: signal.signal(number, put_off) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if asked:
            signal.raise_signal(asked[0])
