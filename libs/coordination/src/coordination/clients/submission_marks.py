"""The mark that a process makes before it registers jobs: a scheduler may rest while none is new."""

import asyncio
import math

from coordination.ports import Clock, JobRegister

#: Seconds for which a mark counts. A scheduler sweeps for longer than that after it has seen a new mark.
FRESH_SECONDS = 10.0


class SubmissionMarks:
    """Keeps the mark of one process that submits jobs."""

    def __init__(self, register: JobRegister, clock: Clock, submitter: str) -> None:
        self._register = register
        self._clock = clock
        self._submitter = submitter
        self._marked_at = -math.inf
        self._turn = asyncio.Lock()

    async def ensure(self) -> None:
        """Mark, unless the last mark still counts. Raises UnknownOutcomeError.

        To be called before a job is registered and again after that: a process that stood still in between
        registered under a mark that counts no more.
        """
        if self._is_fresh():
            return
        async with self._turn:
            if self._is_fresh():
                return
            # Counted from before the store is asked: the scheduler sees the mark later than that.
            began = self._clock.boot()
            await self._register.mark(self._submitter)
            self._marked_at = began

    def _is_fresh(self) -> bool:
        return self._clock.boot() - self._marked_at < FRESH_SECONDS
