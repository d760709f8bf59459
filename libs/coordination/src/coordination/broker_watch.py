"""Whether the broker takes messages now: no caller waits for one that does not, and workers notice it."""

import asyncio
from collections.abc import Awaitable, Callable

from coordination.ports import Clock, UnknownOutcomeError

#: Asks the broker to confirm something that reaches nobody. Raises UnknownOutcomeError when it does not.
Probe = Callable[[], Awaitable[None]]

#: Called with True when the broker answers again, with False when it stopped.
Changed = Callable[[bool], None]

#: Seconds from one probe to the next while the broker answers. With the time that a probe takes, and a search
#: for work (`holder.work_search`), part of how soon a job starts without its wake-up.
_SHORTEST, _LONGEST = 2.0, 3.0

#: Seconds from one probe to the next while it does not.
_AGAIN = 1.0


class BrokerWatch:
    """Says whether the latest message was confirmed.

    After one that was not, it probes in the background until one is. What is published in the meantime can be
    left out: the sweeper makes up for it.
    """

    def __init__(self, probe: Probe, clock: Clock, changed: Changed | None = None) -> None:
        self._probe = probe
        self._clock = clock
        self._changed = changed
        self._is_answering = True
        self._probing: asyncio.Task[None] | None = None

    @property
    def is_answering(self) -> bool:
        """Whether the broker confirmed what was published last; True before anything was."""
        return self._is_answering

    def failed(self) -> None:
        """Note that a message was not confirmed. Never waits."""
        self._set(is_answering=False)
        if self._probing is None:
            self._probing = asyncio.create_task(self._until_confirmed(), name="probe the broker")

    def confirmed(self) -> None:
        """Note that a message was confirmed. Never waits."""
        self._set(is_answering=True)

    async def keep_probing(self) -> None:
        """Probe again and again until cancelled: a process that publishes nothing notices nothing else."""
        while True:
            await self._clock.sleep(self._clock.jitter(_SHORTEST, _LONGEST))
            if self._is_answering and not await self._is_confirmed():
                self.failed()

    async def aclose(self) -> None:
        """Probe no more."""
        probing, self._probing = self._probing, None
        if probing is not None:
            probing.cancel()
            await asyncio.wait([probing])

    async def _until_confirmed(self) -> None:
        try:
            while not self._is_answering and not await self._is_confirmed():
                await self._clock.sleep(_AGAIN)
            self._set(is_answering=True)
        finally:
            self._probing = None

    async def _is_confirmed(self) -> bool:
        try:
            await self._probe()
        except UnknownOutcomeError:
            return False
        return True

    def _set(self, *, is_answering: bool) -> None:
        has_changed = self._is_answering is not is_answering
        self._is_answering = is_answering
        if has_changed and self._changed is not None:
            self._changed(is_answering)
