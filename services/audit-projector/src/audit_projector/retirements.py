"""Taking jobs that are over off the active ones, many at a time, as nobody waits for it."""

import asyncio
import contextvars
from typing import Protocol

from coordination.ports import DueRemoval, UnknownOutcomeError

_Round = list[tuple[str, DueRemoval | None, asyncio.Future[None]]]


class Retires(Protocol):
    """What takes jobs off the active ones: the register, or what calls it."""

    async def retire(self, job_id: str, *, removal: DueRemoval | None = None) -> None:
        """Remove a job from the active ones, and note when it may go; harmless when repeated.

        Raises UnknownOutcomeError.
        """


class Retirements:
    """Retires jobs together with those that are over within the same time.

    The register keeps its jobs in a few partitions, each of which takes many rows in one request. A caller
    waits for the outcome of its own job.
    """

    def __init__(self, register: Retires, gather_seconds: float) -> None:
        self._register = register
        self._gather_seconds = gather_seconds
        self._gathering: _Round = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def retire(self, job_id: str, *, removal: DueRemoval | None = None) -> None:
        """Remove a job from the active ones, and note when it may go; harmless when repeated.

        Raises UnknownOutcomeError.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._gathering.append((job_id, removal, done))
        if len(self._gathering) == 1:
            # A context of its own: the requests belong to no caller alone.
            jobs = self._gathering
            task = loop.create_task(self._retire_all(jobs), context=contextvars.Context())
            self._rounds.add(task)
            task.add_done_callback(lambda ended: self._end(ended, jobs))
        await done

    async def _retire_all(self, jobs: _Round) -> None:
        await asyncio.sleep(self._gather_seconds)
        self._gathering = []
        retiring = (self._register.retire(job_id, removal=removal) for job_id, removal, _ in jobs)
        outcomes = await asyncio.gather(*retiring, return_exceptions=True)
        for (*_, done), outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, BaseException) and not done.done():
                done.set_exception(outcome)
            elif not done.done():
                done.set_result(None)

    def _end(self, task: asyncio.Task[None], jobs: _Round) -> None:
        """Whatever ended a round, and even if it never began, keep nobody waiting for it."""
        self._rounds.discard(task)
        if self._gathering is jobs:
            self._gathering = []
        for *_, done in jobs:
            if not done.done():
                done.set_exception(UnknownOutcomeError("the retirement was given up"))
