"""Jobs that wait for others under other locks, and what ends, projects and sweeps."""

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.unit.coordination.comparing import Comparing
from tests.unit.coordination.every_order import Turns

from contracts import identifiers, lock_names
from coordination.clients.cancellation import Canceller
from coordination.clients.followers import Followers
from coordination.clients.job_writer import JobWriter
from coordination.clients.submission import NewJob, Submitted, Submitter
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow
from coordination.outcomes import Completed, RunOutcome
from coordination.ports import CoordinationError

#: Locks of predecessors, and that of their follower.
FIRST, SECOND, LAST = "first", "second", "last"


class Chain(Comparing):
    """Jobs under three locks."""

    @property
    def writer(self) -> JobWriter:
        return JobWriter(self.journal, self.notifier, self.clock)

    @property
    def followers(self) -> Followers:
        return Followers(self.register, self.writer, "projector")

    def new(self, after: Sequence[str], lock: str = LAST, **more: Any) -> NewJob:
        return NewJob(
            identifiers.new_id(), identifiers.new_id(), "kind", lock, "{}", "ann", after=after, **more
        )

    async def follow(self, after: Sequence[str], lock: str = LAST, **more: Any) -> str:
        """Submit a job that waits for others."""
        return (await self.begin(self.new(after, lock, **more))).job.job_id

    async def begin(self, new: NewJob) -> Submitted:
        return await Submitter(self.register, self.writer).submit(new)

    def spawn_submission(self, new: NewJob) -> "asyncio.Task[Submitted]":
        """Submit a job while virtual time passes."""
        return asyncio.create_task(self.begin(new))

    async def run(self, job_id: str, lock: str, outcome: RunOutcome | None = None) -> None:
        """Start a job, end it, and settle what waits for it, as a projector does."""
        tenure, run = await self.hold(lock=lock)
        assert run.job.job_id == job_id
        await tenure.finish(outcome or Completed(), None)
        await tenure.keeper.release()
        await self.retire(job_id, lock)

    async def retire(self, job_id: str, lock: str) -> None:
        """Settle what waits for a job that has ended, if its row says that something does."""
        job = self.job(job_id, lock)
        if job.is_terminal and job.has_followers:
            await self.followers.settle_all(job_id, lock, job.status)

    async def cancel(self, job_id: str, lock: str) -> JobRow:
        registration = await self.register.find(job_id)
        assert registration is not None
        return await Canceller(self.writer).cancel(registration, "bob")

    def tickets(self, lock: str = LAST) -> list[str]:
        """Return the ids of the jobs in line."""
        found = self.journal.partitions.get(lock_names.partition(lock), {})
        return [
            str(row.values["job_id"]) for key, row in sorted(found.items()) if key.startswith(rows.TICKETS)
        ]

    def trail(self, job_id: str, lock: str = LAST) -> list[EventRow]:
        found = self.journal.partitions[lock_names.partition(lock)]
        return [
            EventRow.from_row(row)
            for key, row in sorted(found.items())
            if key.startswith(rows.event_prefix(job_id))
        ]

    def projected(self) -> None:
        """Let the read models have all events."""
        for partition in self.journal.partitions.values():
            found = [JobRow.from_row(row) for key, row in partition.items() if key.startswith(rows.JOBS)]
            self.models.seqs |= {job.job_id: job.seq for job in found}

    async def sweep_for(self, seconds: float) -> None:
        """Sweep every two seconds while the read models follow."""
        until = self.clock.boot() + seconds
        while self.clock.boot() < until:
            self.projected()
            await self.sweeper.sweep()
            await self.clock.advance(2)

    async def race(self, turns: Turns, *players: Any) -> list[Any]:
        """Play in the order of these turns; nothing but what a rule refuses may be refused."""
        faults = self.journal.calls.fault
        self.journal.calls.fault = turns
        ends = await turns.play(*players)
        self.journal.calls.fault = faults
        for end in ends:
            if isinstance(end, BaseException) and not isinstance(end, CoordinationError):
                raise end
        return ends
