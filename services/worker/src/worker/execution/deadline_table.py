"""Memory shared by supervisor, runners and deadline enforcer: deadlines and stop flags.

The layout stands in `deadline_enforcer`.
"""

import mmap
import os
import time
from contextlib import suppress

from turnstile.channels import StopReason
from worker.execution.deadline_enforcer import HARD_DEADLINE, PID, SOFT_DEADLINE, STOP, WORDS, map_cells

#: A stop reason's number is its place here, from 1.
_REASONS = tuple(StopReason)
_NANOSECONDS = 1_000_000_000


def boot_time() -> float:
    """Seconds on the boot-time clock (CLOCK_BOOTTIME), the one of all deadlines."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class DeadlineCell:
    """One runner's cell, as the supervisor writes it."""

    def __init__(self, words: memoryview, index: int) -> None:
        self._words = words
        self._start = index * WORDS
        self.index = index

    def assign(self, pid: int) -> None:
        """Assign the cell to a process, or to none (0)."""
        self.disarm()
        self._words[self._start + PID] = pid

    def arm(self, hard_deadline: float, soft_deadline: float) -> None:
        """Set or move the deadlines, in seconds of the boot-time clock."""
        self._words[self._start + SOFT_DEADLINE] = _to_nanoseconds(soft_deadline)
        self._words[self._start + HARD_DEADLINE] = _to_nanoseconds(hard_deadline)

    def disarm(self) -> None:
        """Record that no job runs."""
        self._words[self._start + HARD_DEADLINE] = 0
        self._words[self._start + SOFT_DEADLINE] = 0
        self._words[self._start + STOP] = 0

    def stop(self, reason: StopReason) -> None:
        """Ask the handler to stop."""
        self._words[self._start + STOP] = _REASONS.index(reason) + 1

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline enforcer has, or is about to have, killed the runner."""
        deadline = self._words[self._start + HARD_DEADLINE]
        return deadline != 0 and time.clock_gettime_ns(time.CLOCK_BOOTTIME) >= deadline


class DeadlineTable:
    """The deadlines of all runners of a pool."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._fd = os.memfd_create("turnstile-table")
        os.ftruncate(self._fd, count * WORDS * 8)
        #: For children: they may read only.
        self.read_fd = os.open(f"/proc/self/fd/{self._fd}", os.O_RDONLY | os.O_CLOEXEC)
        self._map = mmap.mmap(self._fd, count * WORDS * 8)
        self._words = memoryview(self._map).cast("q")
        self._free = [DeadlineCell(self._words, index) for index in reversed(range(count))]

    def take(self) -> DeadlineCell:
        """Take a free cell. Raises IndexError when there is none."""
        return self._free.pop()

    def give_back(self, cell: DeadlineCell) -> None:
        """Free a cell whose process is dead."""
        cell.assign(0)
        self._free.append(cell)

    def close(self) -> None:
        """Free the memory; the table cannot be used any more."""
        with suppress(BufferError):  # a view of it is still in use; the memory is freed with the last one
            self._words.release()
            self._map.close()
        os.close(self._fd)
        os.close(self.read_fd)


class DeadlineView:
    """One runner's cell, as the runner reads it."""

    def __init__(self, fd: int, count: int, index: int) -> None:
        self._words = map_cells(fd, count)
        self._start = index * WORDS

    def stop_reason(self) -> StopReason | None:
        """Return why the handler should stop, if it should."""
        number = self._words[self._start + STOP]
        if number:
            return _REASONS[number - 1]
        deadline = self._words[self._start + SOFT_DEADLINE]
        if deadline and time.clock_gettime_ns(time.CLOCK_BOOTTIME) >= deadline:
            return StopReason.DEADLINE
        return None


def _to_nanoseconds(seconds: float) -> int:
    # Never 0, which means "no deadline"; and a clock in a test may return infinity.
    return max(1, min(int(seconds * _NANOSECONDS), 2**63 - 1)) if seconds != float("inf") else 2**63 - 1
