"""Finding and ending the processes that belong to one folder."""

import contextlib
import os
import signal
import time
from pathlib import Path

#: Environment variable that every process of a stack or of a private server carries: the folder it works for.
#: It finds them again after whoever started them was killed.
MARK = "TURNSTILE_STARTED_FOR"


def belonging_to(folder: Path) -> list[int]:
    """Return the living processes that carry the folder's mark."""
    mark = f"{MARK}={folder.resolve()}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return [pid for pid in found if pid != os.getpid()]


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def end(pids: list[int], *, grace: float) -> None:
    """Ask the processes to stop; kill those that still run after the grace period."""
    for pid in pids:
        _send(pid, signal.SIGCONT)
        _send(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in filter(is_alive, pids):
        _send(pid, signal.SIGKILL)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
