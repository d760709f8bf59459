"""Due times of locks that this worker has left: it tries for them then, so that no next attempt starts late.

They are kept in memory only. What is due is in the journal, and the sweeper notices it a few seconds later
when this worker has ended, or keeps too many of them.
"""

import asyncio
from datetime import datetime

from coordination.holder.lock_server import LockServer
from coordination.holder.policy import Ports
from coordination.ports import WakeUp

#: Locks whose due times are kept at a time.
MOST_KEPT = 1000

#: Seconds until a due time that is kept; the sweeper notices those that are further away.
LONGEST_KEPT = 3600.0


class DueTimes:
    """Tries for locks when one of their jobs is due, or notifies other workers when none can be run here."""

    def __init__(self, ports: Ports, server: LockServer) -> None:
        self._ports = ports
        self._server = server
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def keep(self, lock_name: str, due_at: str) -> None:
        """Try for a lock at a time, as the journal writes it, instead of at the one that was kept before."""
        self.drop(lock_name)
        seconds = (datetime.fromisoformat(due_at) - self._ports.clock.now()).total_seconds()
        if seconds > LONGEST_KEPT or len(self._tasks) >= MOST_KEPT:
            return
        trying = self._try_later(lock_name, max(seconds, 0.0))
        self._tasks[lock_name] = asyncio.create_task(trying, name=f"due {lock_name}")

    def drop(self, lock_name: str) -> None:
        """Forget the due time of a lock."""
        task = self._tasks.pop(lock_name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def end(self) -> None:
        """Forget all of them."""
        for lock_name in list(self._tasks):
            self.drop(lock_name)

    async def _try_later(self, lock_name: str, seconds: float) -> None:
        await self._ports.clock.sleep(seconds)
        self._tasks.pop(lock_name, None)
        if self._server.is_serving(lock_name):
            # It is looked at when it is left; where it has several slots, another one may be free.
            self._server.look_for_slots(lock_name)
        elif self._server.has_capacity:
            await self._server.try_for(lock_name)
        else:
            slots = self._server.slots_of(lock_name)
            await self._ports.notifier.notify(WakeUp(lock_name, reason="due", slots=slots))
