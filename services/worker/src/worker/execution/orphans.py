"""What handlers start in sessions of their own: no signal to the runner's group reaches that."""

import asyncio
import os
import signal
import time
from contextlib import suppress

from worker.execution.child import Child
from worker.execution.deadline_enforcer import processes

#: How long they may take to vanish. Only a process stuck in the kernel takes longer.
_SECONDS = 1.0


class Orphans:
    """Ends the processes that this one has adopted from dead runners (`confinement.adopt_orphans`).

    Runners adopt what their own descendants leave behind, so what comes here has no living runner. Not
    adopted are children that were there at the beginning, those of class Child, and those in this process's
    own session, which no process can enter from outside.
    """

    def __init__(self) -> None:
        self._session = os.getsid(0)
        self._others = {pid for pid, _ in _children()}

    def end(self) -> bool:
        """Kill and reap all there are; return whether there were none. Their own children may come next."""
        found = [
            pid
            for pid, session in _children()
            if session != self._session and pid not in self._others and pid not in Child.known
        ]
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return not found

    async def ended(self) -> None:
        """Wait until there are none, as far as that can be waited for."""
        until = time.monotonic() + _SECONDS
        while not self.end() and time.monotonic() < until:  # noqa: ASYNC110 - no other way
            await asyncio.sleep(0.005)


def _children() -> list[tuple[int, int]]:
    """Return process id and session of this process's children, also of the dead."""
    mine = os.getpid()
    return [(pid, session) for pid, parent, session in processes() if parent == mine]
