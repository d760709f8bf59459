"""The living workers, as the worker directory listed them lately."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from contracts.jobs import Worker
from coordination.ports import Clock, UnknownOutcomeError
from coordination.worker_directory import WorkerDirectory

#: Seconds between two readings, and age at which an answer says nothing any more.
_PAUSE, _SAYS_NOTHING_AFTER = 5.0, 30.0

#: Seconds without a question after which nothing is read: a job may take long to come back to this worker.
_ASKED_FOR = 300.0


class LivingWorkers:
    """Reads the directory in the background, and only while it is asked: most jobs do not need it."""

    def __init__(self, directory: WorkerDirectory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._workers: Sequence[Worker] = ()
        self._read_at = self._asked_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    def known(self) -> Sequence[Worker] | None:
        """Return the workers as they were listed a moment ago; None while that is not known."""
        now = self._asked_at = self._clock.boot()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._keep_reading(), name="read the living workers")
        return self._workers if now - self._read_at <= _SAYS_NOTHING_AFTER else None

    def end(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()

    async def _keep_reading(self) -> None:
        while self._clock.boot() - self._asked_at <= _ASKED_FOR:
            asked_at = self._clock.boot()
            # A directory that does not answer is asked again; until then the answer becomes too old.
            with suppress(UnknownOutcomeError):
                self._workers = await self._directory.workers()
                self._read_at = asked_at
            await self._clock.sleep(_PAUSE)
