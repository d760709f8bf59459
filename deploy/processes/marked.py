"""Finding and ending the processes that belong to one folder."""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

#: Environment variable that every process of a stack or of a private server carries: the folder it works for.
#: By it they are found after the process that started them was killed.
MARK = "TURNSTILE_STARTED_FOR"


def belonging_to(folder: Path) -> list[psutil.Process]:
    """Return the other processes that carry the folder's mark."""
    mark = str(folder.resolve())
    processes = psutil.process_iter(["environ"])
    return [it for it in processes if (it.info["environ"] or {}).get(MARK) == mark and it.pid != os.getpid()]


def end(processes: Sequence[psutil.Process], *, grace: float) -> None:
    """Ask the processes to stop; kill those that still run after the grace period, in seconds."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
            process.terminate()
    deadline = time.monotonic() + grace
    while any(map(_runs, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in filter(_runs, processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _runs(process: psutil.Process) -> bool:
    # psutil.wait_procs waits until a zombie is reaped, which in a container may never happen.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
