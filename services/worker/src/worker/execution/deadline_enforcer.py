"""The deadline enforcer: a process that sleeps, compares, and kills runners whose deadline has passed.

It ends jobs when the supervisor cannot: while that is stopped (SIGSTOP, a frozen machine's slow thaw) its
lease runs out, and no other process would stop the runner. When the supervisor is gone, it ends what the
runners left behind. Run as a script by an isolated interpreter, so it imports the standard library only.

    python -I -S -E deadline_enforcer.py <supervisor's process id> <fd of the table> <number of cells>
"""

import contextlib
import ctypes
import mmap
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

#: Shared memory holds one cell for each runner: this many signed 64-bit words.
#: Words are written and read whole: CPython copies an element of a "q" memoryview with one 8-byte move, and
#: an aligned 8-byte move is atomic on every 64-bit machine. No two words need to change together: a cell is
#: armed by its deadline alone, and keeps its process id for as long as it belongs to that process.
WORDS = 8
#: Process id of the runner, which is its process group's too; 0 when the cell is free.
PID = 0
#: CLOCK_BOOTTIME in nanoseconds after which the runner must not be alive; 0 while it runs no job.
HARD_DEADLINE = 1
#: CLOCK_BOOTTIME in nanoseconds after which the handler should have stopped; 0 for never. Read by the runner.
SOFT_DEADLINE = 2
#: Why the handler should stop; 0 for "it should not". Read by the runner.
STOP = 3

PERIOD_SECONDS = 0.05

_PR_SET_PDEATHSIG = 1


def map_cells(fd: int, count: int) -> memoryview:
    """Map the deadline table for reading."""
    return memoryview(mmap.mmap(fd, count * WORDS * 8, prot=mmap.PROT_READ)).cast("q")


def kill_group(pid: int) -> None:
    """Kill a runner and everything it has started; one that is gone is not an error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def processes() -> Iterator[tuple[int, int, int]]:
    """Return process id, parent and session of all processes, also of dead ones that are not yet reaped."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_bytes()
        except OSError:
            continue  # gone in the meantime
        # After the program's name, which may hold anything: state, parent, group, session.
        _, parent, _, session, *_ = stat[stat.rindex(b")") + 2 :].split()
        yield int(folder.name), int(parent), int(session)


def kill_family(pid: int) -> None:
    """Kill a runner and everything it has started, also in sessions of their own, which no group reaches."""
    # At once, as the look at all processes takes a while; and nothing more is started in the meantime.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGSTOP)
    children: dict[int, list[int]] = {}
    for child, parent, _ in processes():
        children.setdefault(parent, []).append(child)
    family = list(children.get(pid, ()))
    for member in family:
        family += children.get(member, ())
    kill_group(pid)
    for member in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(member, signal.SIGKILL)


def overdue(table: memoryview, now: int) -> list[tuple[int, int]]:
    """Return process id and deadline of the runners that should be dead by now."""
    found = []
    for start in range(0, len(table), WORDS):
        deadline, pid = table[start + HARD_DEADLINE], table[start + PID]
        if pid and deadline and now >= deadline:
            found.append((pid, deadline))
    return found


def main(supervisor: int, fd: int, count: int) -> None:
    """Watch until the supervisor is gone (then kill all runners) or sends SIGTERM (then just end)."""
    # Blocked, so that it waits to be seen below instead of ending the process before it has swept up.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    table = map_cells(fd, count)
    os.set_blocking(1, False)
    _say("ready")
    killed: set[tuple[int, int]] = set()
    # Not sigtimedwait: when it was frozen beyond its timeout, CPython returns garbage for "no signal came".
    while signal.SIGTERM not in signal.sigpending() and os.getppid() == supervisor:
        late = overdue(table, time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        for pid, deadline in late:
            if (pid, deadline) in killed:
                kill_group(pid)
            else:
                kill_family(pid)
                _say(f"killed {pid}")
        killed = set(late)
        time.sleep(PERIOD_SECONDS)
    if os.getppid() != supervisor:
        for start in range(0, len(table), WORDS):
            if table[start + PID]:
                kill_group(table[start + PID])


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
