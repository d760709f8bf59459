"""Watches on locks that other workers hold, so that a lost host is noticed."""

import asyncio

from coordination.holder.lock_server import LockServer, WakeUpOutcome
from coordination.holder.policy import HolderSettings, Ports
from coordination.journal.line import WrongLockError
from coordination.journal.line_reading import read_line_until
from coordination.ports import UnknownOutcomeError, WakeUp
from coordination.slot import Slot

#: Longest pause between two tries of a watch, in seconds: part of how soon a lost host is noticed.
_LONGEST_PAUSE = 3.0


class _Watch:
    """A watch on one lock."""

    def __init__(self) -> None:
        self.nudged = asyncio.Event()
        #: Whether a wake-up came since the last look at the line began.
        self.is_notified = False
        self.task: asyncio.Task[None] | None = None


class Watches:
    """Keeps trying for locks that other workers hold, until this worker got one or it has no work."""

    def __init__(self, ports: Ports, settings: HolderSettings, most: int, server: LockServer) -> None:
        self._ports = ports
        self._settings = settings
        self._most = most
        self._server = server
        self._watches: dict[str, _Watch] = {}

    def __contains__(self, lock_name: str) -> bool:
        return lock_name in self._watches

    def begin(self, name: str) -> None:
        """Watch a lock, unless it is watched, or there are as many watches as there may be."""
        if not self._server.takes_jobs or name in self._watches or len(self._watches) >= self._most:
            return
        watch = _Watch()
        self._watches[name] = watch
        watch.task = asyncio.create_task(self._keep_watch(name, watch), name=f"watch {name}")

    def hear(self, wake_up: WakeUp) -> None:
        """Note that a wake-up came for a watched lock."""
        watch = self._watches[wake_up.lock_name]
        watch.is_notified = True
        if wake_up.released:
            watch.nudged.set()

    def end(self) -> list[str]:
        """End every watch, and return the names of the locks that were watched."""
        ended, self._watches = self._watches, {}
        for watch in ended.values():
            if watch.task is not None:
                watch.task.cancel()
        return list(ended)

    async def _keep_watch(self, name: str, watch: _Watch) -> None:
        # Rule R14 (spec/turnstile.pml): try until the lock was held or its line is empty and no wake-up came.
        tries, pause = 0, 1.0
        try:
            while not self._server.is_serving(name):
                await self._pause(watch, self._ports.clock.jitter(pause / 2, pause))
                pause = min(pause * 1.5, _LONGEST_PAUSE)
                if not self._server.has_capacity or self._server.is_serving(name):
                    continue
                if await self._server.try_for(name) in {WakeUpOutcome.TAKEN, WakeUpOutcome.EMPTY}:
                    return
                tries += 1
                watch.is_notified = False
                if tries % 10 == 0 and not await self._may_have_work(name) and not watch.is_notified:
                    return
        finally:
            if self._watches.get(name) is watch:
                del self._watches[name]

    async def _may_have_work(self, name: str) -> bool:
        until = self._ports.clock.boot() + self._settings.times.journal_deadline
        try:
            line = await read_line_until(self._ports.journal, self._ports.clock, Slot(name), until)
        except UnknownOutcomeError:
            return True
        except WrongLockError:
            return False
        self._server.learn(name, line.slots)
        return line.has_work

    async def _pause(self, watch: _Watch, seconds: float) -> None:
        """Wait, or less when the lock is said to have been released."""
        watch.nudged.clear()
        waits = [
            asyncio.ensure_future(self._ports.clock.sleep(seconds)),
            asyncio.ensure_future(watch.nudged.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
