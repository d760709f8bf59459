"""What a runner does to itself before it loads any user code."""

import contextlib
import ctypes
import faulthandler
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def confine(supervisor: int, memory_limit_bytes: int | None) -> None:
    """Tie this process to its supervisor's life, and bound what it may take.

    Must be called from the main thread. Ends the process when the supervisor has exited already: its death
    before the first line would not be signalled.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        sys.exit("the supervisor has exited")
    adopt_orphans()  # so that `has_children` sees them
    # Decides whom the kernel kills first when memory runs out; some sandboxes forbid it, and work without.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit_bytes is not None:
        # RLIMIT_DATA counts private writable memory; RLIMIT_AS would also count what is only reserved.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    faulthandler.enable()
    print_stacks_when_asked()


def print_stacks_when_asked() -> None:
    """Print where all threads are at SIGUSR1, which the supervisor sends before it kills a handler."""
    # Without this a second call does nothing, although user code has taken the signal in the meantime.
    faulthandler.unregister(signal.SIGUSR1)
    faulthandler.register(signal.SIGUSR1, all_threads=True)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that they can be seen and waited for."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def has_children() -> bool:
    """Return whether this process has children, alive or not yet waited for."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
